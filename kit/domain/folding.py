"""Folding: one normal form for names, phone numbers and codes that mean the same; removal of invisible characters.

Each character folds on its own, by a table that is the same in every version of Python: the database folds its
columns by this table too (kit/sql/text_index.py).
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

UNICODE_3_2 = unicodedata.ucd_3_2_0  # the same in every Python; characters assigned later stay as they are
# Zero-width and bidirectional characters, soft hyphens, fillers, variation selectors, tags, C1 controls.
INVISIBLE_CHARACTERS = (
    "\x80-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
INVISIBLE = re.compile(f"[{INVISIBLE_CHARACTERS}]")
UNUSUAL_SPACES = re.compile("[\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f]")
# Punctuation and symbols of later versions: supplemental punctuation, technical signs, arrows, emoji.
LATER_SYMBOL_RANGES = ((0x2300, 0x23FF), (0x2600, 0x27BF), (0x2B00, 0x2BFF), (0x2E00, 0x2E7F), (0x1F000, 0x1FAFF))
HANGUL_SYLLABLES = range(0xAC00, 0xD7A4)  # syllables stay whole
FOLDED_RANGES = (
    range(0x3400), range(0xA000, 0xAC00), range(0xF900, 0x10000), range(0x1D000, 0x1D800), range(0x2F800, 0x2FA20),
    range(0xE0000, 0xE0200), *(range(first, last + 1) for first, last in LATER_SYMBOL_RANGES),
)  # fmt: skip
HALF_WIDTH = {0x3000: " "} | {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
UPPER_CASE = {code: chr(code).upper() for code in map(ord, "abcdefghijklmnopqrstuvwxyz")}  # codes have no others
DIGITS = {code: chr(code - 0xFEE0) for code in map(ord, "０１２３４５６７８９＋")}
COUNTRY_PREFIX = r"0086|\+86|\+|86(?=[0-9]{10})"
COUNTRY_PREFIXES, COUNTRY_AND_TRUNK_PREFIXES = (
    re.compile(f"^(?:{COUNTRY_PREFIX})*"),
    re.compile(f"^(?:{COUNTRY_PREFIX}|0)*"),
)
NON_DIGITS = re.compile("[^0-9]")
NUMBER_CHARACTERS = re.compile(r"[0-9+\s()（）./、，,;；:：#*·_—–―‐‑－-]|转|分机")


def clean_text(text: str) -> str:
    """Remove invisible characters and turn no-break and other unusual spaces into spaces; line ends and tabs stay."""
    if text.isascii():
        return text
    return UNUSUAL_SPACES.sub(" ", INVISIBLE.sub("", text))


def has_invisible(text: str) -> bool:
    """Tell whether clean_text() would change the text. No new text does; rows of older versions may."""
    return clean_text(text) != text


def fold_name(text: str) -> str:
    """Fold width, case, spaces, brackets and punctuation away. A text of nothing else stays as it is."""
    return text.translate(folding_table()) or text.strip(" ")


def has_letters(text: str) -> bool:
    """Tell whether anything is left of the text when it is folded."""
    return bool(text.translate(folding_table()))


def fold_number(text: str) -> str:
    """Return the digits as dialled inside the country: without separators and without 86 or 0 in front."""
    return NON_DIGITS.sub("", COUNTRY_AND_TRUNK_PREFIXES.sub("", _strip_separators(text)))


def fold_partial_number(text: str) -> str:
    """Return the digits of what may be a part of a number: a 0 in front stays."""
    return NON_DIGITS.sub("", COUNTRY_PREFIXES.sub("", _strip_separators(text)))


def looks_like_number(text: str) -> bool:
    """Tell whether the text holds digits and their separators only: 3M is a name."""
    text = text.translate(DIGITS)
    return any(character in "0123456789" for character in text) and not NUMBER_CHARACTERS.sub("", clean_text(text))


def _strip_separators(text: str) -> str:
    return re.sub("[^0-9+]", "", text.translate(DIGITS))


def fold_width(text: str) -> str:
    """Turn full-width letters, digits and punctuation into half-width ones; strip spaces around."""
    return clean_text(text).translate(HALF_WIDTH).strip()


def fold_code(text: str) -> str:
    """Fold a code: upper case, half width, without spaces and dashes."""
    return re.sub(r"[\s\-‐‑‒–—―−]", "", fold_width(text)).translate(UPPER_CASE)


def is_folded_code(text: str) -> bool:
    """Tell whether a code equals its folded form. Every new one does; rows of older versions may not."""
    return fold_code(text) == text


@cache
def folding_table() -> dict[int, str]:
    """Return {code point: folded text} of the characters that change; punctuation and symbols fold to nothing."""
    codes = (code for codes in FOLDED_RANGES for code in codes if code not in HANGUL_SYLLABLES)
    return {code: folded for code in codes if (folded := _fold_character(chr(code))) != chr(code)}


def _fold_character(character: str) -> str:
    parts, decomposed = "", character
    while parts != decomposed:
        parts, decomposed = decomposed, "".join(map(_decompose, decomposed))
    return "".join(part for part in parts if not _is_symbol(part))


def _decompose(character: str) -> str:
    """Return the character in lower case and half width, by Unicode rules that never changed since 3.2."""
    if UNICODE_3_2.category(character) == "Cn":
        return character
    return unicodedata.normalize("NFKD", character.casefold())


def _is_symbol(character: str) -> bool:
    category = UNICODE_3_2.category(character)
    is_later = category == "Cn" and any(first <= ord(character) <= last for first, last in LATER_SYMBOL_RANGES)
    return is_later or category[0] in "PSZ" or category in ("Cc", "Cf") or bool(INVISIBLE.match(character))
