"""Numbers of a workbook as their cell shows them: dates, codes with leading zeros, no rounding noise."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache

from kit.domain.days import SPREADSHEET_EPOCH

from .dates import SPREADSHEET_EPOCH_1904

MAX_EXACT = 1e15  # a workbook keeps 15 digits of a number
TOO_MANY_DIGITS = "超过 15 位的数字，工作簿只保存了前 15 位。请把这一列设为文本格式，重新填写后再导入。"
INVALID_DATE = "单元格是日期格式，但里面的数不是日期，请改正。"
DATE_FORMATS = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}  # ids of the built-in date formats
PLAIN_INTEGER = re.compile(r"-?[1-9]\d{0,14}|0")
# ¥#,##0.00 or 0.00"万元"; a format that shows another number than the cell holds does not match.
MONEY_FORMAT = re.compile(
    r'(?:_ )?(?:\[\$([¥￥])[^\]]*\]|"?([¥￥])"?)?(?:\* |\\ | )*(?:#,##)?0(?:\.0+)?(?:\\ | )*'
    r'(?:"? *((?:百万|千万|万|千|亿)?元)"?)?(?:_[ )])*'
)
QUOTED_PARTS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.I)


@dataclass(frozen=True)
class NumberStyle:
    is_date: bool = False
    min_digits: int = 0  # 5 shows 00123
    currency_sign: str = ""  # ¥
    unit: str = ""  # 元 or 万元

    def display(self, raw: str, is_1904: bool) -> tuple[str, str]:
        """Return (text, why the number cannot be used, in Chinese)."""
        if self is GENERAL and PLAIN_INTEGER.fullmatch(raw):
            return raw, ""
        try:
            number = float(raw)
        except ValueError:
            return raw, "单元格里不是数，请改正。"
        if not math.isfinite(number):
            return raw, "单元格里不是数，请改正。"
        if self.is_date:
            return _format_serial_date(number, is_1904)
        if abs(number) >= MAX_EXACT:
            return f"{Decimal(raw):f}" if abs(number) < 1e30 else raw, TOO_MANY_DIGITS
        plain = f"{Decimal(f'{number:.15g}'):f}"
        plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
        plain = "0" if plain in ("", "-0") else plain
        plain = plain.zfill(self.min_digits) if plain.isdecimal() else plain
        return f"{self.currency_sign}{plain}{self.unit}", ""


GENERAL = NumberStyle()


@cache
def number_style(number: int, code: str) -> NumberStyle:
    """Return the style of a number format. number: its id; code: its format code, "" for built-in formats."""
    if not code:
        return NumberStyle(is_date=True) if number in DATE_FORMATS else GENERAL
    plain = QUOTED_PARTS.sub("", code.partition(";")[0]).strip()
    if match := MONEY_FORMAT.fullmatch(code.partition(";")[0]):
        return NumberStyle(currency_sign="¥" if match[1] or match[2] else "", unit=match[3] or "")
    if re.fullmatch(r"0{2,30}", plain):
        return NumberStyle(min_digits=len(plain))
    digits = re.search(r"general|[0#?]", re.sub(r"s\.0+", "s", plain, flags=re.I), re.I)
    is_date = not digits and re.search(r"[ymdhs年月日]", plain, re.I)
    return NumberStyle(is_date=True) if is_date else GENERAL


def _format_serial_date(number: float, is_1904: bool) -> tuple[str, str]:
    """Return (date, time or both as text, why it is none)."""
    plain = f"{number:.15g}"
    if not 0 <= number < 2_958_466:  # the last day of 9999
        return plain, INVALID_DATE
    day = SPREADSHEET_EPOCH_1904 if is_1904 else SPREADSHEET_EPOCH
    days = int(number)
    if not is_1904 and days < 60:
        days += 1  # day 60 is a 29 February 1900, which did not exist
    seconds = round((number - int(number)) * 86_400)
    try:
        at = datetime(day.year, day.month, day.day) + timedelta(days=days, seconds=seconds)
    except OverflowError:
        return plain, INVALID_DATE
    if number < 1 and seconds:
        return f"{at:%H:%M:%S}", ""
    return (f"{at:%Y-%m-%d %H:%M:%S}" if seconds else f"{at:%Y-%m-%d}"), ""
