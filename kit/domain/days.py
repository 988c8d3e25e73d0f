"""Days: how they are shown, calendar arithmetic in Shanghai time, and the check for implausible years."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, datetime, time

from django.core.exceptions import ValidationError
from django.utils import timezone

from kit.domain.text import DASH

EARLIEST_DAY = date(1949, 10, 1)
YEARS_AHEAD = 5
SPREADSHEET_EPOCH = date(1899, 12, 30)  # day 0 of the serial dates in a workbook
YEAR_MONTH = re.compile(r"(\d{4})(0[1-9]|1[0-2])\Z")


def latest_plausible_day() -> date:
    """Return the day YEARS_AHEAD years from today, at most the 28th, so that it exists in every year."""
    today = timezone.localdate()
    return date(today.year + YEARS_AHEAD, today.month, min(today.day, 28))


def explain_far_day(day: date) -> str:
    """Return why a day lies too far from today, in Chinese, with what was probably meant; "" when it is plausible."""
    if EARLIEST_DAY <= day <= latest_plausible_day():
        return ""
    reason = f"{day} 不在 {EARLIEST_DAY} 至 {latest_plausible_day()} 之间"
    if suggestion := _suggest_day(day):
        return f"{reason}，{suggestion}请改正。"
    return f"{reason}，请核对年份。"


def misread_month(day: date) -> date | None:
    """Return the 1st of the month that a spreadsheet read as a serial date: 202403 became 2454-02-26."""
    match = YEAR_MONTH.match(str((day - SPREADSHEET_EPOCH).days))
    if match and EARLIEST_DAY.year <= int(match[1]) <= latest_plausible_day().year:
        return date(int(match[1]), int(match[2]), 1)
    return None


def _suggest_day(day: date) -> str:
    """Ask whether another day was meant: a month read as a serial date, or a century mistyped; "" for neither."""
    if month := misread_month(day):
        return f"是不是 {month:%Y-%m}（{(day - SPREADSHEET_EPOCH).days} 被表格软件当成了天数）？"
    for years in (-100, 100, -1000, 1000):
        if EARLIEST_DAY.year < day.year + years <= latest_plausible_day().year and (day.month, day.day) != (2, 29):
            return f"是不是 {day.replace(year=day.year + years)}？"
    return ""


def refuse_far_day(day: date) -> None:
    """Validate a date that should lie in the past or near future."""
    if reason := explain_far_day(day):
        raise ValidationError(reason, code="far")


def midnight(day: date) -> datetime:
    """Return the first datetime of the day in Shanghai."""
    return timezone.make_aware(datetime.combine(day, time.min))


def add_months(day: date, months: int) -> date:
    """Return the same day of a later month, or its last day if the month is too short (31 Aug + 6: 28/29 Feb)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def format_day(value: date | datetime | None, style: str = "") -> str:
    """Format a date for files, documents and stored sentences, which outlive the year: 2025-11-24, or — for None.

    style: "long" 2025年11月24日, "month" 2025年11月; "time" or "long time" adds 10:42 to a datetime.
    """
    if not value:
        return DASH
    if isinstance(value, datetime) and timezone.is_aware(value):
        value = timezone.localtime(value)
    if style == "month":
        return f"{value.year}年{value.month}月"
    text = f"{value.year}年{value.month}月{value.day}日" if "long" in style else f"{value:%Y-%m-%d}"
    return f"{text} {value:%H:%M}" if "time" in style and isinstance(value, datetime) else text


def show_day(value: date | datetime | None, style: str = "") -> str:
    """Format a date for a screen: as format_day() does, but without the year where it is this one.

    11-24, "time" 11-24 10:42, "month" 11 月 (2025 年 11 月); "long", of headings and print, keeps the year.
    """
    if not value or "long" in style:
        return format_day(value, style)
    if isinstance(value, datetime) and timezone.is_aware(value):
        value = timezone.localtime(value)
    this_year = value.year == timezone.localdate().year
    if style == "month":
        return f"{value.month} 月" if this_year else f"{value.year} 年 {value.month} 月"
    text = format_day(value, style)
    return text.removeprefix(f"{value.year}-") if this_year else text


def format_ago(value: datetime | None) -> str:
    """Format a datetime as 今天 10:42 or 昨天 10:42, an earlier one with its date."""
    if not value:
        return DASH
    local = timezone.localtime(value)
    days = (timezone.localdate() - local.date()).days
    word = {0: "今天", 1: "昨天"}.get(days)
    return f"{word} {local:%H:%M}" if word else show_day(value, "time")
