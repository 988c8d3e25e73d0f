"""Notes on a table that was read: sentences for the user, bounded however long the table is."""

from __future__ import annotations

from collections.abc import Sequence

MAX_PLACES = 10  # named in a sentence; more are counted
MAX_SENTENCES = 50


class Notes:
    """Sentences in the order of their first occurrence."""

    def __init__(self) -> None:
        self.places: dict[str, list[str]] = {}
        self.counts: dict[str, int] = {}

    def say(self, sentence: str) -> None:
        """Add a sentence without places."""
        self.counts.setdefault(sentence, 0)

    def add(self, sentence: str, place: str) -> None:
        """Add a place to a sentence, which has {} where the places go."""
        self.counts[sentence] = self.counts.get(sentence, 0) + 1
        places = self.places.setdefault(sentence, [])
        if len(places) < MAX_PLACES:
            places.append(place)

    def sentences(self) -> list[str]:
        return [self._format(sentence) for sentence in list(self.counts)[:MAX_SENTENCES]]

    def _format(self, sentence: str) -> str:
        count, places = self.counts[sentence], self.places.get(sentence, [])
        if not places:
            return sentence
        more = f"等 {count} 处" if count > len(places) else ""
        before, _, after = sentence.partition("{}")
        return f"{before}{'、'.join(places)}{more}{after}"


def quote_texts(texts: Sequence[str], most: int = MAX_PLACES) -> str:
    """Return 「甲」「乙」等 5 项: at most `most` texts quoted, more of them counted."""
    quoted = "".join(f"「{text[:30]}」" for text in texts[:most])
    return quoted + (f"等 {len(texts)} 项" if len(texts) > most else "")
