"""Exact numbers from text, and sums of money with the unit that stands in their cell or above their column."""

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
MAX_DIGITS = 40  # digits; more are no number that anybody counts
BRACKETED = re.compile(r"[(\[【〔{<](.*?)[)\]】〕}>]")
TRAILING_UNIT = re.compile(rf"[::/_-]*(?:单位[::]?)?((?:{UNIT_WORDS})?元)$")
FOREIGN_CURRENCY = re.compile(r"[美欧港日英]元|美金|usd|eur|hkd|jpy|gbp|[$€£]")


def exact(text: str) -> Decimal:
    """The number as written, thousands in groups of three or not, in 元 where it says so. Raises InvalidOperation."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    plain = plain.strip().removeprefix("¥").removesuffix("元").strip()
    if "_" in plain or is_shortened_number(plain):
        raise InvalidOperation
    if "," in plain:
        head, *groups = plain.partition(".")[0].lstrip("+-").split(",")
        if not 1 <= len(head) <= 3 or any(len(group) != 3 for group in groups):
            raise InvalidOperation
    found = Decimal(plain.replace(",", ""))
    if not found.is_finite() or abs(found.adjusted()) > MAX_DIGITS:
        raise InvalidOperation
    return found


def head_unit(head: str) -> str:
    """The unit that stands in a column's head, 注册资本（元） or 年营业额[亿元]; empty when there is none.

    Raises ValueError for another currency.
    """
    plain = "".join(unicodedata.normalize("NFKC", head).casefold().split())
    if FOREIGN_CURRENCY.search(plain):
        raise ValueError("只能导入人民币金额，请换算后把单位写成元、千元、万元、百万元或亿元。")
    for words in BRACKETED.findall(plain):
        if found := HEADER_UNIT.fullmatch(words):
            return found[1]
    outside = BRACKETED.sub("", plain)
    return found[1] if (found := TRAILING_UNIT.search(outside)) else ""


def without_unit(folded: str) -> str:
    """A head without brackets and unit, as it is looked up."""
    return TRAILING_UNIT.sub("", BRACKETED.sub("", folded)) or folded


def amount(text: str, unit: str, into: str) -> tuple[Decimal, bool]:
    """(the sum in the unit into, whether the cell names its own unit). unit: of a cell that names none.

    500万 is 5,000,000 元 whatever the head says. Raises InvalidOperation.
    """
    plain = "".join(unicodedata.normalize("NFKC", text).casefold().split())
    found = AMOUNT.fullmatch(plain)
    if not found:
        return _convert_unit(exact(plain), UNITS[unit], UNITS[into]), False
    own = f"{found[2]}元" if found[2] else found[3] or ""
    return _convert_unit(exact(found[1]), UNITS[own or unit], UNITS[into]), bool(own)


def _convert_unit(number: Decimal, factor: int, divisor: int) -> Decimal:
    """Exact: factors are powers of ten, so only the point moves. Zeros behind the point are no places."""
    sign, digits, exponent = number.as_tuple()
    moved = Decimal((sign, digits, int(exponent) + len(str(factor)) - len(str(divisor))))
    plain = f"{moved:f}"
    return Decimal(plain.rstrip("0").rstrip(".") if "." in plain else plain)
