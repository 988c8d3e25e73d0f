"""What the owner of a run posted, taken over where it is possible; nothing else has an effect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import QueryDict

from kit.domain.actor import Actor

from .models import ImportRun

EMPTY, NEW, CHOSEN = "empty", "new", "="  # values of a select; the key of a candidate stands behind the last
MAX_HEADER_ROWS = 3


def read_columns(run: ImportRun, data: QueryDict, by: Actor) -> str:
    """Take over the targets of the columns and the mode; return what is wrong, in Chinese, or ""."""
    targets = {target.key: target.full_label for target in run.kind.targets(by)}
    columns = {key: data.get(f"column-{key}", "") for key, _ in run.heads}
    run.columns = {key: target if target in targets else "" for key, target in columns.items()}
    mode = data.get("mode", "")
    run.mode = mode if mode in ImportRun.Mode.values else run.mode
    run.remembers = "remember" in data
    run.fallback_id = _fallback(run, data.get("fallback", ""), by)
    run.checked_at = None
    run.save()
    chosen = [target for target in run.columns.values() if target]
    twice = sorted({targets[target] for target in chosen if chosen.count(target) > 1})
    if twice:
        return f"{'、'.join(twice)}：有两列对应到它，请只留一列，其余忽略。"
    return ""


def _fallback(run: ImportRun, text: str, by: Actor) -> int | None:
    people = run.kind.fallbacks(by)
    if people is None or not text.isdecimal() or len(text) > 18:
        return None
    person = people.filter(pk=int(text)).first()
    return person.pk if person else None


def read_repairs(run: ImportRun, data: QueryDict, by: Actor) -> None:
    """Take over what the unknown values become."""
    targets = {target.key: target for target in run.kind.targets(by)}
    run.new_entries = {}
    for key, lines in run.wrong_values.items():
        choices = {candidate.key for candidate in run.kind.candidates(by, targets[key])}
        may_add, rest = run.kind.may_add_entries(by, key), data.get(f"rest-{key}", "")
        repairs: dict[str, str] = {}
        for place, (text, *_) in enumerate(lines):
            chosen = data.get(f"value-{key}-{place}", "") or rest
            if chosen == NEW and may_add:
                run.new_entries.setdefault(key, []).append(text)
            elif chosen == EMPTY:
                repairs[text] = ""
            elif chosen.startswith(CHOSEN) and chosen[1:] in choices:
                repairs[text] = chosen[1:]
        run.repairs[key] = repairs
    _read_answers(run, data)
    run.checked_at = None
    run.remembers = "remember" in data
    run.save()


def _read_answers(run: ImportRun, data: QueryDict) -> None:
    """Take over the pattern of dates and the unit of amounts, where they were asked for."""
    for key, (_, choices) in run.questions.items():
        answer = data.get(f"answer-{key}", "")
        if answer in {value for value, _ in choices}:
            (run.units if key in run.units else run.date_patterns)[key] = answer


def read_header_rows(data: Mapping[str, Any]) -> list[int]:
    """Return the line numbers of the heads: from, and how many rows they take."""
    first, rows = str(data.get("header", "")), str(data.get("header_height", "1"))
    if not (first.isdecimal() and rows.isdecimal() and 0 < int(first[:6]) < 1000):
        return []
    return list(range(int(first), int(first) + min(max(int(rows[:3]), 1), MAX_HEADER_ROWS)))
