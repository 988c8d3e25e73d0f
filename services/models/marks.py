"""What reports about requests remember holds until one of these marks is left."""

from __future__ import annotations

from kit.sql.markers import Mark


class ServiceChange(Mark):
    """Left by every statement that writes requests, customers or dictionary entries."""

    class Meta(Mark.Meta):
        verbose_name = "服务请求变动"
        verbose_name_plural = "服务请求变动"


def forget_old_marks() -> str:
    """Called by the schedule."""
    return ServiceChange.forget()
