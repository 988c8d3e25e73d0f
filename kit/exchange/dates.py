"""Days and moments as people and spreadsheets write them, read in one way wherever a table comes in."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from kit.domain.days import EARLIEST, FIRST_DAY, latest_meant, too_far

FIRST_DAY_1904 = date(1904, 1, 1)
CLOCK = r"(?:[ t]+(\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?)(?:z|[+-]\d\d:?\d\d)?)?\Z"
FULL = re.compile(r"(\d{4})\s?[-/.年]\s?(\d{1,2})\s?[-/.月]\s?(\d{1,2})\s?日?" + CLOCK)
COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)" + CLOCK)
MONTH = re.compile(r"(?:(\d{4})\s?[-/.]\s?(\d{1,2})|(\d{4})\s?年\s?(\d{1,2})\s?月?|(\d{4})(0[1-9]|1[0-2]))\Z")
SHORT = re.compile(r"(\d\d)\s?[-/.年]\s?(\d{1,2})\s?[-/.月]\s?(\d{1,2})\s?日?" + CLOCK)
SHORT_MONTH = re.compile(r"(\d\d)\s?年\s?(\d{1,2})\s?月\Z")
COUNTED = re.compile(r"(\d{4,7})(?:\.(\d+))?\Z")  # days since the workbook's first one; the fraction is the time


class NotADay(ValueError):
    """The text is no day; the words say what to write instead, in Chinese."""


class Read(NamedTuple):
    at: datetime  # without a zone
    is_month: bool = False  # only year and month were written: the 1st is meant
    is_short: bool = False  # the year was written with two digits


def read_day(text: Any, *, is_1904: bool = False) -> Read:
    """Raises NotADay. is_1904: the workbook counts its days from 1904 on."""
    plain = unicodedata.normalize("NFKC", str(text)).strip().lower()
    try:
        found = _month(plain) or _written(plain) or _counted(plain, is_1904)
    except ValueError as error:
        raise error if isinstance(error, NotADay) else NotADay(_unlike(plain)) from None
    if found is None:
        raise NotADay(_unlike(plain))
    if words := too_far(found.at.date()):
        raise NotADay(words)
    return found


def _month(plain: str) -> Read | None:
    found = MONTH.match(plain) or SHORT_MONTH.match(plain)
    if not found:
        return None
    year, month = (int(part) for part in found.groups() if part)
    return Read(datetime(_century(year), month, 1), is_month=True)


def _written(plain: str) -> Read | None:
    if found := FULL.match(plain) or COMPACT.match(plain):
        *parts, clock = found.groups()
        return Read(datetime.combine(date(*map(int, parts)), _clock(clock)))
    if found := SHORT.match(plain):
        *parts, clock = found.groups()
        year, month, day = map(int, parts)
        likely = date(_century(year), month, day)
        if year > 12 or "年" in plain:  # no month, so it is the year, which stands first in a Chinese table
            return Read(datetime.combine(likely, _clock(clock)), is_short=True)
        raise NotADay(f"「{plain[:30]}」的年份只有两位，看不出哪个是年。如果是 {likely}，请写成 {likely}。")
    return None


def _counted(plain: str, is_1904: bool) -> Read | None:
    found = COUNTED.match(plain)
    if not found or (len(found[1]) == 4 and not found[2] and 1900 <= int(found[1]) <= 2200):  # a year alone
        return None
    try:
        day = (FIRST_DAY_1904 if is_1904 else FIRST_DAY) + timedelta(days=int(found[1]))
    except OverflowError:
        return None
    if not EARLIEST <= day <= latest_meant():
        raise NotADay(f"「{plain[:30]}」不是日期（按表格软件的天数是 {day}）。请写成 2024-03-05 这样的日期。")
    seconds = round(float(f"0.{found[2] or 0}") * 86_400)
    return Read(datetime.combine(day, time()) + timedelta(seconds=seconds))


def _clock(text: str | None) -> time:
    if not text:
        return time()
    hour, minute, *rest = text.split(":")
    second, _, fraction = (rest or ["0"])[0].partition(".")
    return time(int(hour), int(minute), int(second), int((fraction + "000000")[:6]))


def _century(year: int) -> int:
    """Years of two digits lie in the past or very near."""
    if year > 99:
        return year
    return year + (2000 if year + 2000 <= latest_meant().year else 1900)


def _unlike(plain: str) -> str:
    if re.fullmatch(r"(19|20)\d\d年?", plain):
        return f"「{plain}」只有年份，请写成 {plain[:4]}-01-01 或 {plain[:4]}-01 这样的日期。"
    if (found := re.fullmatch(r"(\d{1,2})[-/.](\d{1,2})[-/.]((?:19|20)\d\d)", plain)) and int(found[1]) > 12:
        return f"「{plain}」的年份写在后面，请写成 {found[3]}-{int(found[2]):02}-{int(found[1]):02} 这样的日期。"
    return f"「{plain[:30]}」不是日期，请写成 2024-03-05、2024年3月5日或 2024-03。"
