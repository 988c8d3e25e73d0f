"""Rows that an action on many leaves out, in words: a sentence for each reason, with the names of the rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

MAX_NAMED = 5  # rows that a sentence names


class LeftOut(NamedTuple):
    """A row that is not acted on, and why."""

    name: str
    reason: str


def describe_left_out(left_out: Iterable[LeftOut], unseen: int = 0) -> list[str]:
    """Return a sentence for each reason, with the names of the rows. unseen: how many are outside the view."""
    names: dict[str, list[str]] = {}
    for one in left_out:
        names.setdefault(one.reason, []).append(one.name)
    sentences = [f"{quote_names(group)}：{reason}" for reason, group in names.items()]
    return [*sentences, *([f"另外 {unseen} 条不在您的查看范围内。"] if unseen else [])]


def quote_names(names: list[str]) -> str:
    more = f" 等 {len(names)} 条" if len(names) > MAX_NAMED else ""
    return "、".join(f"「{name}」" for name in names[:MAX_NAMED]) + more
