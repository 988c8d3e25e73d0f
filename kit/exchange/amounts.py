"""Parsing of exact numbers and of amounts, whose unit stands in the cell or in the column header."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal, InvalidOperation

from kit.domain.shortened_numbers import is_shortened_number

UNITS = {
    "元": 1, "千元": 1_000, "万元": 10_000, "十万元": 100_000, "百万元": 1_000_000, "千万元": 10_000_000,
    "亿元": 100_000_000, "百亿元": 10_000_000_000,
}  # fmt: skip
UNIT_WORDS = "|".join(sorted((word.removesuffix("元") for word in UNITS if word != "元"), key=len, reverse=True))
CURRENCY = r"(?:人民币|rmb|cny|¥|￥)"
AMOUNT = re.compile(rf"{CURRENCY}?([+-]?[\d.,]+)(?:({UNIT_WORDS})元?|(元))?(?:整|正)?{CURRENCY}?")
HEADER_UNIT = re.compile(rf"(?:单位)?[::]?{CURRENCY}?[::/]?((?:{UNIT_WORDS})?元){CURRENCY}?")
MAX_DIGITS = 40  # longer ones are codes, not quantities
BRACKETED = re.compile(r"[(\[【〔{<](.*?)[)\]】〕}>]")
TRAILING_UNIT = re.compile(rf"[::/_-]*(?:单位[::]?)?((?:{UNIT_WORDS})?元)$")
FOREIGN_CURRENCY = re.compile(r"[美欧港日英]元|美金|usd|eur|hkd|jpy|gbp|[$€£]")


def parse_exact(text: str) -> Decimal:
    """Return the number as written, with or without thousands separators, ¥ and 元. Raise InvalidOperation."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    plain = plain.strip().removeprefix("¥").removesuffix("元").strip()
    if "_" in plain or is_shortened_number(plain):
        raise InvalidOperation
    if "," in plain:
        head, *groups = plain.partition(".")[0].lstrip("+-").split(",")
        if not 1 <= len(head) <= 3 or any(len(group) != 3 for group in groups):
            raise InvalidOperation
    number = Decimal(plain.replace(",", ""))
    if not number.is_finite() or abs(number.adjusted()) > MAX_DIGITS:
        raise InvalidOperation
    return number


def parse_header_unit(head: str) -> str:
    """Return the unit in a column header such as 注册资本（元） or 年营业额[亿元]; "" when there is none.

    Raise ValueError for another currency.
    """
    plain = "".join(unicodedata.normalize("NFKC", head).casefold().split())
    if FOREIGN_CURRENCY.search(plain):
        raise ValueError("只能导入人民币金额，请换算后把单位写成元、千元、万元、百万元或亿元。")
    for bracketed in BRACKETED.findall(plain):
        if match := HEADER_UNIT.fullmatch(bracketed):
            return match[1]
    match = TRAILING_UNIT.search(BRACKETED.sub("", plain))
    return match[1] if match else ""


def strip_header_unit(folded: str) -> str:
    """Return a folded header without brackets and unit, as it is looked up."""
    return TRAILING_UNIT.sub("", BRACKETED.sub("", folded)) or folded


def parse_amount(text: str, unit: str, into: str) -> tuple[Decimal, bool]:
    """Return (amount in the unit `into`, whether the cell names its own unit).

    unit: of a cell that names none; 500万 is 5,000,000 元 whatever the header says. Raise InvalidOperation.
    """
    plain = "".join(unicodedata.normalize("NFKC", text).casefold().split())
    match = AMOUNT.fullmatch(plain)
    if not match:
        return _convert_unit(parse_exact(plain), UNITS[unit], UNITS[into]), False
    own_unit = f"{match[2]}元" if match[2] else match[3] or ""
    return _convert_unit(parse_exact(match[1]), UNITS[own_unit or unit], UNITS[into]), bool(own_unit)


def _convert_unit(number: Decimal, factor: int, divisor: int) -> Decimal:
    """Convert exactly: factors are powers of ten, so only the decimal point moves. Trailing zeros are dropped."""
    sign, digits, exponent = number.as_tuple()
    converted = Decimal((sign, digits, int(exponent) + len(str(factor)) - len(str(divisor))))
    plain = f"{converted:f}"
    return Decimal(plain.rstrip("0").rstrip(".") if "." in plain else plain)
