"""Repairs of values: what a sheet probably meant by a text that the product does not know. Two that fit are none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kit.domain.folding import fold_name

from .likeness import propose_choice
from .people import propose_person
from .regions import propose_region
from .repair_words import Answer, Candidate
from .targets import Kind

__all__ = ["Candidate", "Known", "Proposal", "propose"]

REMEMBERED = "上次的选择"


@dataclass(frozen=True)
class Proposal:
    """What becomes of a value in all its rows. candidate: None when nothing or more than one fits; why: in Chinese."""

    value: str
    rows: int
    candidate: Candidate | None
    why: str
    sure: bool
    options: tuple[Candidate, ...] = ()  # the few that fit, when more than one does


class Known:
    """The values that the product knows, by every text that names exactly one of them."""

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        self.by_text: dict[str, list[Candidate]] = {}
        for candidate in candidates:
            for text in dict.fromkeys(fold_name(word) for word in candidate.names if word):
                self.by_text.setdefault(text, []).append(candidate)

    def find(self, text: str) -> Candidate | None:
        """Return the value that a text names; None for none or several."""
        found = self.by_text.get(fold_name(text), [])
        return found[0] if len(found) == 1 else None

    def homonyms(self, text: str) -> list[Candidate]:
        return self.by_text.get(fold_name(text), [])


def propose(
    values: Mapping[str, int],
    candidates: Sequence[Candidate],
    kind: Kind = Kind.CHOICE,
    remembered: Mapping[str, str] | None = None,
) -> list[Proposal]:
    """Return a proposal for each value that no candidate is called by, those of most rows first.

    values: {text: its rows}; remembered: {folded text: key of the candidate that was chosen before}.
    """
    known, keys = Known(candidates), {candidate.key: candidate for candidate in candidates}
    proposals = []
    for value, rows in sorted(values.items(), key=lambda item: -item[1]):
        if not value.strip() or known.find(value):
            continue
        chosen = keys.get((remembered or {}).get(fold_name(value), ""))
        answer = Answer(chosen, REMEMBERED, True) if chosen else _answer(value, candidates, kind, known)
        proposals.append(Proposal(value, rows, answer.candidate, answer.why, answer.sure, answer.options))
    return proposals


def _answer(value: str, candidates: Sequence[Candidate], kind: Kind, known: Known) -> Answer:
    if same := known.homonyms(value):
        return Answer(None, f"有 {len(same)} 个都叫「{value.strip()[:20]}」，请选一个", False, tuple(same))
    if kind is Kind.PERSON:
        return propose_person(value, candidates)
    if kind is Kind.REGION:
        return propose_region(value, candidates)
    return propose_choice(value, candidates)
