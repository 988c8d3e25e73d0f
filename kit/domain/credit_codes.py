"""The check character of a 统一社会信用代码 (GB 32100-2015)."""

from __future__ import annotations

CODE_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CODE_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


def code_check_character(code: str) -> str:
    """Return the 18th character for the first 17."""
    total = sum(CODE_CHARACTERS.index(char) * weight for char, weight in zip(code, CODE_WEIGHTS, strict=True))
    return CODE_CHARACTERS[(31 - total % 31) % 31]


def is_credit_code(code: str) -> bool:
    """Tell whether a folded code has 18 characters, the last of which fits the others."""
    known = len(code) == 18 and all(char in CODE_CHARACTERS for char in code)
    return known and code_check_character(code[:17]) == code[17]
