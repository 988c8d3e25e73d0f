"""Days as the screen shows them, their arithmetic in Shanghai, and which can be meant where a near one is asked for."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, datetime, time
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone

from kit.domain.text import DASH

EARLIEST_DAY = date(1949, 10, 1)
YEARS_AHEAD = 5
FIRST_DAY = date(1899, 12, 30)  # from which workbooks count their days
YEAR_MONTH = re.compile(r"(\d{4})(0[1-9]|1[0-2])\Z")


def latest_plausible_day() -> date:
    today = timezone.localdate()
    return date(today.year + YEARS_AHEAD, today.month, min(today.day, 28))


def too_far(day: date) -> str:
    """Why a day is none where a past or near one is meant, with what was probably meant; empty for others."""
    if EARLIEST_DAY <= day <= latest_plausible_day():
        return ""
    words = f"{day} 不在 {EARLIEST_DAY} 至 {latest_plausible_day()} 之间"
    if meant := _suggest_day(day):
        return f"{words}，{meant}请改正。"
    return f"{words}，请核对年份。"


def month_taken_for_days(day: date) -> date | None:
    """Return the 1st of the month that a spreadsheet took for a count of days: 202403 became 2454-02-26."""
    found = YEAR_MONTH.match(str((day - FIRST_DAY).days))
    if found and EARLIEST_DAY.year <= int(found[1]) <= latest_plausible_day().year:
        return date(int(found[1]), int(found[2]), 1)
    return None


def _suggest_day(day: date) -> str:
    """A month taken for days, or a slip of the century."""
    if month := month_taken_for_days(day):
        return f"是不是 {month:%Y-%m}（{(day - FIRST_DAY).days} 被表格软件当成了天数）？"
    for years in (-100, 100, -1000, 1000):
        if EARLIEST_DAY.year < day.year + years <= latest_plausible_day().year and (day.month, day.day) != (2, 29):
            return f"是不是 {day.replace(year=day.year + years)}？"
    return ""


def refuse_far_day(day: date) -> None:
    """A validator for dates of what has happened or soon will."""
    if words := too_far(day):
        raise ValidationError(words, code="far")


def midnight(day: Any) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def add_months(day: date, months: int) -> date:
    """The same day so many months on; the month's last day where it has no such day (31 Aug + 6: 28/29 Feb)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def format_day(value: date | datetime | None, style: str = "") -> str:
    """Dates of the whole product: 2025-11-24; "long" 2025年11月24日, "month", "short" 11-24; "time" adds 10:42."""
    if not value:
        return DASH
    if isinstance(value, datetime) and timezone.is_aware(value):
        value = timezone.localtime(value)
    if style == "month":
        return f"{value.year}年{value.month}月"
    if style == "short":
        return f"{value:%m-%d}"
    shown = f"{value.year}年{value.month}月{value.day}日" if "long" in style else f"{value:%Y-%m-%d}"
    return f"{shown} {value:%H:%M}" if "time" in style and isinstance(value, datetime) else shown


def format_ago(value: datetime | None) -> str:
    """今天 10:42, 昨天 10:42, else the day with time."""
    if not value:
        return DASH
    local = timezone.localtime(value)
    days = (timezone.localdate() - local.date()).days
    word = {0: "今天", 1: "昨天"}.get(days)
    return f"{word} {local:%H:%M}" if word else format_day(value, "time")
