"""What 客户流失分析 counts has a stamp, so that what was counted need not be counted again until it changes."""

from __future__ import annotations

from typing import Any

from kit.sql.markers import ChangeMarker

from .rollup import revenue_stamp


class ChurnChange(ChangeMarker):
    """A mark that the database itself leaves with every statement that writes churn cases, measures or customers."""

    class Meta(ChangeMarker.Meta):
        verbose_name = "客户流失变动"
        verbose_name_plural = "客户流失变动"


def churn_stamp() -> tuple[Any, ...] | None:
    """Of cases, measures and customers, and of the orders that say what was lost and which measures worked."""
    cases, orders = ChurnChange.stamp(), revenue_stamp()
    return None if cases is None or orders is None else (cases, orders)
