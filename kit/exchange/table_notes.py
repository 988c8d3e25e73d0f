"""What a reader says about a table beside its rows: sentences for people, bounded however long the table is."""

from __future__ import annotations

from collections.abc import Sequence

MAX_PLACES = 10  # places that a sentence names; the others are counted
MAX_SENTENCES = 50


class Notes:
    """Sentences in the order in which they first came up."""

    def __init__(self) -> None:
        self.places: dict[str, list[str]] = {}
        self.counts: dict[str, int] = {}

    def say(self, sentence: str) -> None:
        self.counts.setdefault(sentence, 0)

    def add(self, sentence: str, place: str) -> None:
        """sentence: with {} where the places stand."""
        self.counts[sentence] = self.counts.get(sentence, 0) + 1
        named = self.places.setdefault(sentence, [])
        if len(named) < MAX_PLACES:
            named.append(place)

    def sentences(self) -> list[str]:
        return [self._worded(sentence) for sentence in list(self.counts)[:MAX_SENTENCES]]

    def _worded(self, sentence: str) -> str:
        count, named = self.counts[sentence], self.places.get(sentence, [])
        if not named:
            return sentence
        more = f"等 {count} 处" if count > len(named) else ""
        before, _, after = sentence.partition("{}")
        return f"{before}{'、'.join(named)}{more}{after}"


def quote_texts(texts: Sequence[str], most: int = MAX_PLACES) -> str:
    """「甲」「乙」, the others counted."""
    shown = "".join(f"「{text[:30]}」" for text in texts[:most])
    return shown + (f"等 {len(texts)} 项" if len(texts) > most else "")
