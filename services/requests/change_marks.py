"""Change marker behind the cached figures of reports on service requests."""

from __future__ import annotations

from kit.sql.markers import ChangeMarker


class ServiceChange(ChangeMarker):
    """Written by a trigger with every statement that writes requests, customers or dictionary entries."""

    class Meta(ChangeMarker.Meta):
        verbose_name = "服务请求变动"
        verbose_name_plural = "服务请求变动"


def forget_old_marks() -> str:
    """Delete old rows; a periodic task."""
    return ServiceChange.forget()
