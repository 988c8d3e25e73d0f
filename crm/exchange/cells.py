"""Values as spreadsheet cells: numbers stay numbers, text never becomes a formula, odd characters never kill a file."""

from __future__ import annotations

import math
import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
MAX_CELL = 32_767


def clean(value: Any) -> Any:
    """A value ready for a cell: text without control characters, times in Shanghai without zone."""
    if isinstance(value, datetime):
        return timezone.localtime(value).replace(tzinfo=None) if timezone.is_aware(value) else value
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, int | float | Decimal):
        return value if math.isfinite(value) else str(value)
    if value is None or isinstance(value, date):
        return value
    return ILLEGAL.sub("", str(value))[:MAX_CELL]


def csv_text(value: Any) -> str:
    """CSV knows no types: text that a spreadsheet would run as a formula gets an apostrophe in front."""
    value = clean(value)
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
