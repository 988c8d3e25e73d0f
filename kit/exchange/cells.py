"""Values as spreadsheet cells: numbers stay numbers, text never becomes a formula, no character breaks a file."""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

FORMULA_SIGNS = frozenset("=+-@")  # and their full-width and small forms, which a spreadsheet folds
CELL_BREAKS = ("\t", "\r")
INVISIBLE_CATEGORIES = frozenset(
    {"Cc", "Cf", "Zs", "Zl", "Zp"}
)  # kinds of signs that a program may leave out before it reads on
BLANK_CHARACTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\ufe0e\ufe0f\uffa0")  # as empty, in other kinds
ILLEGAL_CHARACTERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
MAX_CELL_LENGTH = 32_767


def to_cell_value(value: Any) -> Any:
    """Return a value ready for a cell: text without control characters, datetimes in Shanghai without zone."""
    if isinstance(value, datetime):
        return timezone.localtime(value).replace(tzinfo=None) if timezone.is_aware(value) else value
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, int | float | Decimal):
        return value if math.isfinite(value) else str(value)
    if value is None or isinstance(value, date):
        return value
    return ILLEGAL_CHARACTERS.sub("", str(value))[:MAX_CELL_LENGTH]


def is_formula(text: str) -> bool:
    """Tell whether a spreadsheet may run the text: it begins with a formula sign, maybe behind invisible characters."""
    if text.startswith(CELL_BREAKS):
        return True
    first = next(
        (
            sign
            for sign in text
            if sign not in BLANK_CHARACTERS and unicodedata.category(sign) not in INVISIBLE_CATEGORIES
        ),
        "",
    )
    return bool(first) and unicodedata.normalize("NFKC", first) in FORMULA_SIGNS


def escape_formula(text: str) -> str:
    """Put an apostrophe in front of a text that may be run, or from which unescaping would remove one."""
    return f"'{text}" if is_formula(text.lstrip("'")) else text


def unescape_formula(text: str) -> str:
    """Return the text that escape_formula() was given."""
    return text[1:] if text.startswith("'") and is_formula(text.lstrip("'")) else text


def to_csv_text(value: Any) -> str:
    """Return a value as text of a csv file, which has no types: formulas get an apostrophe in front."""
    value = to_cell_value(value)
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, str):
        return escape_formula(value)
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
