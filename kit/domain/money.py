"""Amounts and quantities as the screen shows them."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from kit.domain.text import DASH


def format_exact(figure: Decimal | None, places: int = 0) -> str:
    """Every decimal that matters, at least so many places: 0.0015, 1,280.50 (two places), 3.2 (none)."""
    if figure is None:
        return DASH
    whole, _, rest = f"{figure:,f}".replace("-", "−").partition(".")
    rest = rest.rstrip("0").ljust(places, "0")
    return f"{whole}.{rest}" if rest else whole


def format_yuan(value: Decimal | None) -> str:
    """An exact amount, rounded half up for display only."""
    if value is None:
        return DASH
    return f"{value.quantize(Decimal('0.01'), ROUND_HALF_UP):,f}".replace("-", "−")


def format_price(value: Decimal | None) -> str:
    """A unit price with every place that matters, at least two."""
    return format_exact(value, 2)


def format_quantity(value: Decimal | None) -> str:
    """A quantity without useless zeros."""
    return format_exact(value)


def format_money(value: Decimal | None) -> str:
    return DASH if value is None else f"{value:,.2f}"
