"""Figures of reports: shares that add up to 100, changes with sign."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Decimal

from kit.domain.money import format_yuan

TENTH = Decimal("0.1")
WAN = Decimal(10_000)
DASH = "—"
# At most 1000 values have a tenth of a percent or more, and at most 1000 remainders are rounded up; of values in order
# both stand in front.
SHARED = 2000


def shares(values: Sequence[Decimal | int], total: Decimal | None = None) -> list[Decimal]:
    """Return percentages to one place that add up to exactly 100.0, by the largest remainder; ties go to the first.

    values must not be negative; when all are 0, all shares are 0.0. total: where values are the largest of more, in
    order, at least SHARED of them, so that none of the others has a share.
    """
    whole = sum(values, Decimal(0)) if total is None else total
    if not whole:
        return [Decimal("0.0")] * len(values)
    quotients = [divmod(Decimal(value) * 1000, whole) for value in values]
    missing = 1000 - sum(int(units) for units, _ in quotients)
    by_remainder = sorted(range(len(quotients)), key=lambda place: -quotients[place][1])
    extra = set(by_remainder[:missing])
    return [(Decimal(int(units) + (place in extra)) / 10).quantize(TENTH) for place, (units, _) in enumerate(quotients)]


def percent(numerator: Decimal | int, denominator: Decimal | int) -> Decimal | None:
    """Return numerator / denominator in percent, to one place, half up; None when the denominator is 0."""
    if not denominator:
        return None
    return (Decimal(numerator) * 100 / Decimal(denominator)).quantize(TENTH, ROUND_HALF_UP)


def change(now: Decimal | int, before: Decimal | int | None) -> Decimal | None:
    """Return the growth against before in percent; None when before is missing or not positive."""
    if before is None or before <= 0:
        return None
    return percent(now - before, before)


def with_minus_sign(text: str) -> str:
    return text.replace("-", "−")


def signed(value: Decimal | int, after: str = "") -> str:
    """Format a rise or fall with its sign: +4.8%, −7, 0."""
    return with_minus_sign(f"{value:+,}" if value else f"{value:,}") + after


# How a kind of figure is written on the screen and in a workbook.
def _money(value: Decimal | int) -> str:
    return format_yuan(Decimal(value))


def _percent(value: Decimal | int) -> str:
    return with_minus_sign(f"{value:.1f}%")


def _count(value: Decimal | int) -> str:
    return with_minus_sign(f"{value:,}")


def _change(value: Decimal | int) -> str:
    return signed(value, "%")


def _decimal(value: Decimal | int) -> str:
    return with_minus_sign(f"{value:,.1f}")


KINDS: dict[str, tuple[Callable[[Decimal | int], str], str]] = {
    "money": (_money, "#,##0.00"),
    "percent": (_percent, '0.0"%"'),
    "count": (_count, "#,##0"),
    "change": (_change, '+0.0"%";-0.0"%";0.0"%"'),
    "delta": (signed, "+#,##0;-#,##0;0"),
    "decimal": (_decimal, "#,##0.0"),
}


def format_figure(kind: str, value: Decimal | int | None) -> str:
    return DASH if value is None else KINDS[kind][0](value)
