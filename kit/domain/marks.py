"""Marking in a text what a search found in it: compared folded, marked as it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from .folding import DIGITS, NON_DIGITS, folding_table
from .search_words import SearchQuery, Word

Span = tuple[int, int]


def mark(text: str, query: SearchQuery, also: Iterable[Span] = ()) -> SafeString:
    """Return the text as HTML with the words in <mark>. also: further places to mark."""
    return mark_spans(text, [*(span for word in query.words for span in spans(text, word)), *also])


def mark_number(text: str, query: SearchQuery) -> SafeString:
    """Return a phone number as HTML with the digits looked for in <mark>."""
    return mark_spans(text, [span for word in query.words for span in number_spans(text, word)])


def join_facts(facts: Iterable[SafeString]) -> SafeString:
    """Return the second line of what was found."""
    return format_html_join(" · ", "{}", ((fact,) for fact in facts))


def spans(text: str, word: Word) -> list[Span]:
    """Return the places of the word in the text, compared as names are."""
    return _places(text, word.text, lambda sign: folding_table().get(ord(sign), sign)) if word.text else []


def number_spans(text: str, word: Word) -> list[Span]:
    """Return the places of a number's digits in the text."""
    return [span for digits, _ in word.digits for span in _places(text, digits, _digit)]


def holds(text: str, word: Word) -> bool:
    return bool(text) and bool(spans(text, word))


def mark_spans(text: str, places: Iterable[Span]) -> SafeString:
    parts, at = list[SafeString](), 0
    for start, end in sorted(places):
        if end > at:
            begin = max(start, at)
            parts += [format_html("{}", text[at:begin]), format_html("<mark>{}</mark>", text[begin:end])]
            at = end
    return format_html_join("", "{}", ((part,) for part in (*parts, text[at:])))


def _digit(sign: str) -> str:
    return NON_DIGITS.sub("", DIGITS.get(ord(sign), sign))


def _places(text: str, wanted: str, fold: Callable[[str], str]) -> list[Span]:
    folded, signs = "", list[int]()  # the place in the text of each folded sign
    for place, sign in enumerate(text):
        part = fold(sign)
        folded += part
        signs += [place] * len(part)
    found, at = list[Span](), folded.find(wanted)
    while at >= 0:
        found.append((signs[at], signs[at + len(wanted) - 1] + 1))
        at = folded.find(wanted, at + len(wanted))
    return found
