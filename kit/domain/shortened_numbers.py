"""Numbers stored as text (电话, 银行账号, 编号) that a spreadsheet has shortened: the digits of 1.38E+10 are lost."""

from __future__ import annotations

import re
import unicodedata

from django.core.exceptions import ValidationError

SHORTENED_REFUSED = "表格软件把号码缩写了，请把这一列设为文本后重新保存"
# As spreadsheets write it. A code such as 1E5 or 2E-3 passes: a spreadsheet would have written 1.00E+05 and 2.00E-03.
SCIENTIFIC_NOTATION = re.compile(r"[+-]?(?:\d+\.\d+e[+-]?\d+|\d+e\+\d\d+)", re.I)


def is_shortened_number(text: object) -> bool:
    return SCIENTIFIC_NOTATION.fullmatch(unicodedata.normalize("NFKC", str(text)).strip().lstrip("'")) is not None


def refuse_shortened(text: object) -> None:
    """Validate a text field that holds a number."""
    if is_shortened_number(text):
        raise ValidationError(SHORTENED_REFUSED, code="shortened")
