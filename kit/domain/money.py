"""Figures of the sales system as the screen shows them: never rounded."""

from __future__ import annotations

from decimal import Decimal

from crm.ui.templatetags.ui import DASH


def in_full(figure: Decimal | None, places: int = 0) -> str:
    """Every decimal that matters, at least so many places: 0.0015, 1,280.50 (two places), 3.2 (none)."""
    if figure is None:
        return DASH
    whole, _, rest = f"{figure:,f}".replace("-", "−").partition(".")
    rest = rest.rstrip("0").ljust(places, "0")
    return f"{whole}.{rest}" if rest else whole
