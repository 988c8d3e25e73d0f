"""Parsing of dates and datetimes as users and spreadsheets write them, for every table that is read."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from kit.domain.days import EARLIEST_DAY, SPREADSHEET_EPOCH, explain_far_day, latest_plausible_day

SPREADSHEET_EPOCH_1904 = date(1904, 1, 1)
TIME_OF_DAY = r"(?:[ t]+(\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?)(?:z|[+-]\d\d:?\d\d)?)?\Z"
FULL_DATE = re.compile(r"(\d{4})\s?[-/.年]\s?(\d{1,2})\s?[-/.月]\s?(\d{1,2})\s?日?" + TIME_OF_DAY)
COMPACT_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)" + TIME_OF_DAY)
YEAR_MONTH = re.compile(r"(?:(\d{4})\s?[-/.]\s?(\d{1,2})|(\d{4})\s?年\s?(\d{1,2})\s?月?|(\d{4})(0[1-9]|1[0-2]))\Z")
SHORT_YEAR_DATE = re.compile(r"(\d\d)\s?[-/.年]\s?(\d{1,2})\s?[-/.月]\s?(\d{1,2})\s?日?" + TIME_OF_DAY)
SHORT_YEAR_MONTH = re.compile(r"(\d\d)\s?年\s?(\d{1,2})\s?月\Z")
SERIAL_DATE = re.compile(r"(\d{4,7})(?:\.(\d+))?\Z")  # days since the epoch of the workbook; the fraction is the time


class InvalidDay(ValueError):
    """The text is no date; the message says what to write instead, in Chinese."""


class ParsedDay(NamedTuple):
    at: datetime  # without a zone
    is_month: bool = False  # only year and month were written: at is the 1st
    is_short: bool = False  # the year was written with two digits


def parse_day(text: Any, *, is_1904: bool = False) -> ParsedDay:
    """Parse a date or datetime. Raise NotADay. is_1904: the workbook counts days from 1904 on."""
    plain = unicodedata.normalize("NFKC", str(text)).strip().lower()
    try:
        parsed = _parse_month(plain) or _parse_date(plain) or _parse_serial_date(plain, is_1904)
    except ValueError as error:
        raise error if isinstance(error, InvalidDay) else InvalidDay(_explain_invalid(plain)) from None
    if parsed is None:
        raise InvalidDay(_explain_invalid(plain))
    if reason := explain_far_day(parsed.at.date()):
        raise InvalidDay(reason)
    return parsed


def _parse_month(plain: str) -> ParsedDay | None:
    match = YEAR_MONTH.match(plain) or SHORT_YEAR_MONTH.match(plain)
    if not match:
        return None
    year, month = (int(part) for part in match.groups() if part)
    return ParsedDay(datetime(_full_year(year), month, 1), is_month=True)


def _parse_date(plain: str) -> ParsedDay | None:
    if match := FULL_DATE.match(plain) or COMPACT_DATE.match(plain):
        *parts, clock = match.groups()
        return ParsedDay(datetime.combine(date(*map(int, parts)), _parse_time(clock)))
    if match := SHORT_YEAR_DATE.match(plain):
        *parts, clock = match.groups()
        year, month, day = map(int, parts)
        likely = date(_full_year(year), month, day)
        if year > 12 or "年" in plain:  # too large for a month, so it is the year, which comes first in Chinese
            return ParsedDay(datetime.combine(likely, _parse_time(clock)), is_short=True)
        raise InvalidDay(f"「{plain[:30]}」的年份只有两位，看不出哪个是年。如果是 {likely}，请写成 {likely}。")
    return None


def _parse_serial_date(plain: str, is_1904: bool) -> ParsedDay | None:
    match = SERIAL_DATE.match(plain)
    if not match or (len(match[1]) == 4 and not match[2] and 1900 <= int(match[1]) <= 2200):  # a year alone
        return None
    try:
        day = (SPREADSHEET_EPOCH_1904 if is_1904 else SPREADSHEET_EPOCH) + timedelta(days=int(match[1]))
    except OverflowError:
        return None
    if not EARLIEST_DAY <= day <= latest_plausible_day():
        raise InvalidDay(f"「{plain[:30]}」不是日期（按表格软件的天数是 {day}）。请写成 2024-03-05 这样的日期。")
    seconds = round(float(f"0.{match[2] or 0}") * 86_400)
    return ParsedDay(datetime.combine(day, time()) + timedelta(seconds=seconds))


def _parse_time(text: str | None) -> time:
    if not text:
        return time()
    hour, minute, *rest = text.split(":")
    second, _, fraction = (rest or ["0"])[0].partition(".")
    return time(int(hour), int(minute), int(second), int((fraction + "000000")[:6]))


def _full_year(year: int) -> int:
    """Complete a year of two digits to one in the past or near future."""
    if year > 99:
        return year
    return year + (2000 if year + 2000 <= latest_plausible_day().year else 1900)


def _explain_invalid(plain: str) -> str:
    if re.fullmatch(r"(19|20)\d\d年?", plain):
        return f"「{plain}」只有年份，请写成 {plain[:4]}-01-01 或 {plain[:4]}-01 这样的日期。"
    match = re.fullmatch(r"(\d{1,2})[-/.](\d{1,2})[-/.]((?:19|20)\d\d)", plain)
    if match and int(match[1]) > 12:
        return f"「{plain}」的年份写在后面，请写成 {match[3]}-{int(match[2]):02}-{int(match[1]):02} 这样的日期。"
    return f"「{plain[:30]}」不是日期，请写成 2024-03-05、2024年3月5日或 2024-03。"
