"""What 销售漏斗 counts has a stamp, so that what was counted need not be counted again until it changes."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Sum, Window

from crm.marks import Mark


class OpportunityChange(Mark):
    """A mark that the database itself leaves with every statement that writes opportunities or their forecasts."""

    class Meta(Mark.Meta):
        verbose_name = "销售机会变动"
        verbose_name_plural = "销售机会变动"


def opportunity_stamp() -> tuple[Any, ...] | None:
    """Changes with every committed change: what was counted under another stamp is out of date.

    Number and sum of the marks are part of it, because transactions may commit in another order than they began. None:
    there is no mark.
    """
    marks = OpportunityChange.objects.annotate(marks=Window(Count("pk")), keys=Window(Sum("pk")))
    return marks.order_by("-pk").values_list("key", "marks", "keys").first()


def forget_old_marks() -> str:
    """Called by the schedule. Without a mark nothing is remembered, so the newest one stays."""
    newest = OpportunityChange.objects.order_by("-pk").values_list("pk", flat=True).first()
    return f"清除 {OpportunityChange.old().exclude(pk=newest or 0).delete()[0]} 行"
