"""Version of everything that 客户流失分析 counts, so that cached figures hold until one of it changes."""

from __future__ import annotations

from typing import Any

from customers.orders.rollups import revenue_version
from kit.sql.markers import ChangeMarker


class ChurnChange(ChangeMarker):
    """A marker that triggers of the database write with every change of churn cases, measures or customers."""

    class Meta(ChangeMarker.Meta):
        verbose_name = "客户流失变动"
        verbose_name_plural = "客户流失变动"


def churn_version() -> tuple[Any, ...] | None:
    """Return the version of cases, measures, customers and the orders; None when there is no cacheable one."""
    cases, orders = ChurnChange.stamp(), revenue_version()
    return None if cases is None or orders is None else (cases, orders)
