"""The rule of 客户流失 in pure days: calendar months without a purchase, by 客户等级.

The months stand here alone: the scan and every text ask for them.
"""

from __future__ import annotations

from datetime import date, timedelta

from kit.domain.days import add_months

DIGITS = "零一二三四五六七八九"
MONTHS = 6
MONTHS_BY_LEVEL: dict[str, int] = {}  # by 客户等级, as the dictionary calls it: where it is not MONTHS


def months_for(level: str) -> int:
    """Return after how many months without a purchase a customer of this 客户等级 ("" for none) is due."""
    return MONTHS_BY_LEVEL.get(level, MONTHS)


def levels_by_months() -> dict[int, list[str]]:
    """Return {months: levels} of the levels that have a period of their own."""
    levels: dict[int, list[str]] = {}
    for level, months in MONTHS_BY_LEVEL.items():
        if months != MONTHS:
            levels.setdefault(months, []).append(level)
    return levels


def spell_months(months: int) -> str:
    """Return 六个月, 九个月, 十二个月."""
    tens, ones = divmod(months, 10)
    text = (DIGITS[tens] if tens > 1 else "") + ("十" if tens else "") + (DIGITS[ones] if ones or not tens else "")
    return f"{text}个月"


def usual_period() -> str:
    """Return the months of customers whose 客户等级 has none of its own: 六个月. 预警回测 holds alerts against it."""
    return spell_months(MONTHS)


def describe_period() -> str:
    """Return the rule as texts name it: 六个月, or 六个月（大客户九个月）."""
    own = "、".join(f"{'和'.join(levels)}{spell_months(months)}" for months, levels in levels_by_months().items())
    return usual_period() + (f"（{own}）" if own else "")


def churn_cutoff(today: date, months: int = MONTHS) -> date:
    """Return the latest day so many calendar months back: a last purchase on it or before is due for a warning."""
    day = add_months(today, -months)
    while add_months(day + timedelta(days=1), months) <= today:  # the short month holds several such days
        day += timedelta(days=1)
    return day


def silence_start(
    last_purchase: date | None, won_back: date | None, created: date, cooperation_since: date | None
) -> date:
    """Return the first day of the silence. created: in Shanghai."""
    started_on = min(created, cooperation_since) if cooperation_since else created
    latest = last_purchase or started_on
    return max(latest, won_back) if won_back else latest
