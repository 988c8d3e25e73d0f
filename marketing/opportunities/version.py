"""Version of the data behind 销售漏斗: its figures are cached until the version changes."""

from __future__ import annotations

from typing import Any

from kit.sql.markers import ChangeMarker


class OpportunityChange(ChangeMarker):
    """Written by a trigger with every statement that writes opportunities or their forecasts."""

    class Meta(ChangeMarker.Meta):
        verbose_name = "销售机会变动"
        verbose_name_plural = "销售机会变动"


def opportunity_version() -> tuple[Any, ...] | None:
    """Return a value that changes with every write, or None before the first one: then nothing is cached."""
    return OpportunityChange.stamp()


def forget_old_marks() -> str:
    """Delete old rows; a periodic task."""
    return OpportunityChange.forget()
