"""Units of amounts: in the head of a column, and the question when neither head nor cells name one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from kit.domain.folding import clean_text, fold_name, fold_width
from kit.exchange.amounts import UNITS, parse_amount, parse_header_unit

LOOKS_LIKE_YUAN = 100_000  # 万元: a larger amount without unit was probably meant in 元
ANY_BRACKETS = re.compile(r"[(（\[【〔{<《].*?[)）\]】〕}>》]")
MARKS = re.compile(r"[*＊★☆※●▲△◆]|必填|选填|可选|\n|\r")
UNIT_AT_END = re.compile(r"[:：/／_\-—]?(?:单位[:：]?)?(?:百亿|千万|百万|十万|亿|万|千)?元$")


@dataclass(frozen=True)
class HeadName:
    """A head taken apart. bare: without brackets, unit and marks. inside: what stood in brackets. fault: in Chinese."""

    bare: str
    unit: str = ""
    inside: str = ""
    fault: str = ""


def read_head(head: str) -> HeadName:
    """Take a head apart: 注册资本（元）* is 注册资本 in 元. Folded for comparison."""
    plain = MARKS.sub("", clean_text(head))
    inside = "".join(ANY_BRACKETS.findall(plain))
    bare = ANY_BRACKETS.sub("", plain).strip()
    unit = fault = ""
    try:
        unit = parse_header_unit(head)
    except ValueError as error:
        fault = str(error)
    bare = (UNIT_AT_END.sub("", bare) or bare) if unit else bare
    return HeadName(fold_name(bare) or fold_name(plain), unit, fold_name(inside), fault)


@dataclass(frozen=True)
class UnitQuestion:
    """A column of amounts whose unit nobody wrote. likely: the unit that its values look like."""

    likely: str
    choices: tuple[str, ...]
    why: str


def ask_unit(head: str, values: Iterable[str], unit: str, table_unit: str = "") -> UnitQuestion | None:
    """Return the question for a column of amounts that go into `unit`; None when the unit is clear.

    It is clear when the head, the table (table_unit) or every amount names it, or when no amount looks like 元.
    """
    if unit == "元" or table_unit or read_head(head).unit:
        return None
    amounts = [amount for value in values if (amount := _read_bare(value, unit)) is not None]
    large = [amount for amount in amounts if abs(amount) >= LOOKS_LIKE_YUAN]
    if not large:
        return None
    why = f"列名没有写单位，{len(large):,} 个数达到 {LOOKS_LIKE_YUAN:,}，像是按元写的。"
    return UnitQuestion("元", ("元", unit), why)


def convert(text: str, head_unit: str, into: str) -> Decimal:
    """Return an amount in the unit `into`; a unit in the cell goes before the head's. Raise InvalidOperation."""
    return parse_amount(text, head_unit or into, into)[0]


def _read_bare(value: str, unit: str) -> Decimal | None:
    """Return an amount without a unit of its own; one with ¥ counts as one in 元 that is large."""
    text = fold_width(value)
    try:
        amount, has_own = parse_amount(text, unit, unit)
    except InvalidOperation:
        return None
    if has_own:
        return None
    return max(abs(amount), Decimal(LOOKS_LIKE_YUAN)) if text[:1] in "¥￥" else amount


def unit_choices(unit: str) -> tuple[str, ...]:
    """Return the units that a person may choose for a column, the own one first."""
    return (unit, *(word for word in UNITS if word != unit))
