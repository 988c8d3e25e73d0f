"""What reports about requests remember holds until one of these marks is left."""

from __future__ import annotations

from kit.sql.markers import ChangeMarker


class ServiceChange(ChangeMarker):
    """Left by every statement that writes requests, customers or dictionary entries."""

    class Meta(ChangeMarker.Meta):
        verbose_name = "服务请求变动"
        verbose_name_plural = "服务请求变动"


def forget_old_marks() -> str:
    """Called by the schedule."""
    return ServiceChange.forget()
