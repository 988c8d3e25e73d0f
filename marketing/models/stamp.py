"""What 销售漏斗 counts has a stamp, so that what was counted need not be counted again until it changes."""

from __future__ import annotations

from typing import Any

from kit.sql.markers import ChangeMarker


class OpportunityChange(ChangeMarker):
    """A mark that the database itself leaves with every statement that writes opportunities or their forecasts."""

    class Meta(ChangeMarker.Meta):
        verbose_name = "销售机会变动"
        verbose_name_plural = "销售机会变动"


def opportunity_stamp() -> tuple[Any, ...] | None:
    return OpportunityChange.stamp()


def forget_old_marks() -> str:
    """Called by the schedule."""
    return OpportunityChange.forget()
