"""Formats of amounts and quantities on screen: thousands separated, — for None, − as the minus sign."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from kit.domain.text import DASH

# From so much on an amount is told in a larger unit, with so many decimals.
LARGE_UNITS = ((Decimal(100_000_000), "亿元", Decimal("0.01")), (Decimal(10_000), "万元", Decimal("0.1")))


class ShortAmount(NamedTuple):
    """An amount as a tile tells it: number and unit."""

    value: str
    unit: str

    def __str__(self) -> str:
        return f"{self.value} {self.unit}".rstrip()


def shorten_amount(amount: Decimal | None) -> ShortAmount:
    """Return an amount in 元 as a tile tells it: 1.08 亿元, 96.4 万元, 8,250.00 元; — for None."""
    if amount is None:
        return ShortAmount(DASH, "")
    for unit, name, place in LARGE_UNITS:
        if abs(amount) >= unit:
            text = f"{(amount / unit).quantize(place, ROUND_HALF_UP):,f}"
            return ShortAmount(text.replace("-", "−"), name)
    return ShortAmount(format_yuan(amount), "元")


def format_exact(value: Decimal | None, places: int = 0) -> str:
    """Format all significant decimals, at least `places` of them: 0.0015, 1,280.50 (two places), 3.2 (none)."""
    if value is None:
        return DASH
    whole, _, decimals = f"{value:,f}".replace("-", "−").partition(".")
    decimals = decimals.rstrip("0").ljust(places, "0")
    return f"{whole}.{decimals}" if decimals else whole


def format_yuan(value: Decimal | None) -> str:
    """Format an amount in 元 with two decimals, rounded half up for display only: 1,280.50."""
    if value is None:
        return DASH
    return f"{value.quantize(Decimal('0.01'), ROUND_HALF_UP):,f}".replace("-", "−")


def format_price(value: Decimal | None) -> str:
    """Format a unit price with all significant decimals, at least two."""
    return format_exact(value, 2)


def format_quantity(value: Decimal | None) -> str:
    """Format a quantity without trailing zeros."""
    return format_exact(value)


def format_money(value: Decimal | None) -> str:
    """Format a stored amount, which has two decimals already: 1,280.50, negative ones with a plain hyphen."""
    return DASH if value is None else f"{value:,.2f}"
