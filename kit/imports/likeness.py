"""Repairs by likeness: synonyms, sound, shared words, slips of the pen."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from pypinyin import lazy_pinyin
from rapidfuzz import fuzz

from kit.domain.folding import fold_name

from .repair_words import VALUE_GROUPS, Answer, Candidate

GENERIC = re.compile(r"(?:客户|企业|行业|产业|单位|公司|类型|级别|等级|类|级|型|业|厂)$")
LIKE, SURELY_LIKE, LEAD = 70, 88, 8
NOTHING = "没有相近的值，请选一个，或留空"


@lru_cache(maxsize=65_536)
def sound(text: str) -> str:
    """Return the pinyin of a folded text."""
    return "".join(lazy_pinyin(text))


@lru_cache(maxsize=65_536)
def core(text: str) -> str:
    """Return a folded text without generic words at its end: 战略客户 is 战略."""
    plain = fold_name(text)
    while len(shorter := GENERIC.sub("", plain)) >= 2 and shorter != plain:
        plain = shorter
    return plain


def only(found: Sequence[Candidate], why: str, *, sure: bool) -> Answer | None:
    """Return the answer for candidates that fit: the only one, or the question between several; None for none."""
    if not found:
        return None
    if len(found) == 1:
        return Answer(found[0], why, sure)
    shown = "、".join(f"「{candidate.label}」" for candidate in found[:4])
    return Answer(None, f"{shown}都像，请选一个", False, tuple(found[:10]))


def propose_choice(value: str, candidates: Sequence[Candidate]) -> Answer:
    """Return what a value of a dictionary probably means."""
    plain = fold_name(value)
    steps: tuple[Callable[[], Answer | None], ...] = (
        lambda: _by_group(plain, candidates),
        lambda: _by_core(value, candidates),
        lambda: by_sound(plain, candidates),
        lambda: by_likeness(plain, candidates),
        lambda: _by_part(value, candidates),
    )
    return next((answer for step in steps if (answer := step())), Answer(None, NOTHING))


def _by_group(plain: str, candidates: Sequence[Candidate]) -> Answer | None:
    words = {plain, core(plain)}
    for group in VALUE_GROUPS:
        if words & group:
            found = [each for each in candidates if _is_in_group(each, group)]
            if answer := only(found, "同义词", sure=True):
                return answer
    return None


def _is_in_group(candidate: Candidate, group: frozenset[str]) -> bool:
    label = fold_name(candidate.label)
    return label in group or core(label) in group or any(len(word) > 1 and label.startswith(word) for word in group)


def _by_core(value: str, candidates: Sequence[Candidate]) -> Answer | None:
    found = [each for each in candidates if core(each.label) == core(value)]
    return only(found, f"与「{found[0].label}」只差通用的字", sure=True) if found else None


def by_sound(plain: str, candidates: Sequence[Candidate]) -> Answer | None:
    """Return the candidates that sound the same, 化公 and 化工 for example."""
    if len(plain) < 2:
        return None
    found = [each for each in candidates if sound(fold_name(each.label)) == sound(plain)]
    return only(found, f"与「{found[0].label}」读音相同", sure=True) if found else None


def by_likeness(plain: str, candidates: Sequence[Candidate]) -> Answer | None:
    """Return the candidate that is clearly most like the value."""
    ranked = sorted(
        ((fuzz.ratio(plain, fold_name(each.label)), each) for each in candidates), key=lambda pair: -pair[0]
    )
    if not ranked or ranked[0][0] < LIKE:
        return None
    near = [each for score, each in ranked if score > ranked[0][0] - LEAD]
    return only(near, f"与「{ranked[0][1].label}」相近", sure=ranked[0][0] >= SURELY_LIKE)


def _by_part(value: str, candidates: Sequence[Candidate]) -> Answer | None:
    """Return the only candidate that shares its characteristic part with the value."""
    part = core(value)
    if len(part) < 2:
        return None
    found = [
        each
        for each in candidates
        if part in fold_name(each.label) or (len(core(each.label)) > 1 and core(each.label) in part)
    ]
    return only(found, f"与「{found[0].label}」有共同的词", sure=False) if found else None
