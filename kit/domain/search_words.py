"""What somebody typed into the search: words that must all be found, each in the forms in which texts are stored."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .folding import fold_code, fold_name, fold_number, fold_partial_number, has_letters, looks_like_number

MAX_WORDS, MAX_TYPED = 6, 100  # MAX_TYPED: characters
SEPARATORS = re.compile("[、，,；;]")


@dataclass(frozen=True)
class Word:
    """One word. number: the run of digits it was typed in, "" for a word that is no number: 0532 8888 is one."""

    typed: str
    number: str = ""

    @cached_property
    def text(self) -> str:
        """The word as names are folded; "" when nothing but punctuation was typed."""
        return fold_name(self.typed) if has_letters(self.typed) else ""

    @cached_property
    def sound(self) -> str:
        """The word as pinyin is stored, "" when it cannot be pinyin; digits are read as they are: tsxh2c."""
        return self.text.upper() if self.text.isascii() and self.text.isalnum() and self.text[:1].isalpha() else ""

    @cached_property
    def code(self) -> str:
        """The word as codes are stored, "" when it cannot be one."""
        return code if (code := fold_code(self.typed)).isascii() and code.isalnum() else ""

    @cached_property
    def digits(self) -> tuple[tuple[str, bool], ...]:
        """Return (digits, only at the beginning of a number?) of which one must be in a phone number."""
        if not self.number:
            return ()
        part, whole = fold_partial_number(self.typed), fold_number(self.typed)
        begins = bool(whole) and whole != part and self.number.startswith(self.typed)
        return ((part, False),) * bool(part) + ((whole, True),) * begins


@dataclass(frozen=True)
class SearchQuery:
    """The words of one search. typed: as it stands in the field; kept: what was found once, for all who ask."""

    typed: str
    words: tuple[Word, ...]
    kept: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)

    def __bool__(self) -> bool:
        return bool(self.words)

    def once(self, key: Hashable, find: Callable[[], Any]) -> Any:
        """Return what find() found for this search when it was first asked for under the key."""
        if key not in self.kept:
            self.kept[key] = find()
        return self.kept[key]

    def without(self, word: Word) -> SearchQuery:
        """Return the same search by the other words; it shares what was found."""
        return SearchQuery(self.typed, tuple(other for other in self.words if other is not word), self.kept)


def read_query(typed: str) -> SearchQuery:
    """Return the words of a text, parted by spaces or as lists are, at most MAX_WORDS.

    Punctuation is a word when nothing else was typed.
    """
    parts = SEPARATORS.sub(" ", typed).split() or typed.split()
    words = [Word(part, _number_around(parts, place)) for place, part in enumerate(parts)]
    told = [word for word in words if word.text and (not word.number or fold_partial_number(word.typed))]
    return SearchQuery(typed, tuple(dict.fromkeys(told[:MAX_WORDS] or words[:1])))


def _number_around(parts: list[str], place: int) -> str:
    """Return the run of number-like parts around one of them, joined by spaces; "" when it is none."""
    if not looks_like_number(parts[place]):
        return ""
    first = last = place
    while first and looks_like_number(parts[first - 1]):
        first -= 1
    while last + 1 < len(parts) and looks_like_number(parts[last + 1]):
        last += 1
    return " ".join(parts[first : last + 1])
