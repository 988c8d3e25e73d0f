"""What the pages of the steps show: columns with their targets, values with their repairs, sums of the outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kit.domain.actor import Actor

from .kinds import Outcome
from .models import ImportRun
from .repair_words import Candidate
from .targets import Kind
from .writing import OUTCOME_LABELS

HINTS = {Outcome.SAME: "不写入", Outcome.SKIP: "不写入"}


@dataclass(frozen=True)
class ColumnLine:
    """One column of the sheet. is_ignored: nobody is asked about it, such as a column that counts the rows."""

    key: str
    head: str
    sample: str
    target: str
    why: str
    is_sure: bool
    is_ignored: bool


@dataclass(frozen=True)
class ValueLine:
    """A value that the product does not know. name: of its select; chosen: what it becomes, "" while open."""

    name: str
    text: str
    rows: int
    chosen: str
    why: str
    is_new: bool = False
    is_empty: bool = False


@dataclass
class ValueGroup:
    """The values of one target. may_add: whether a missing one can be added to the dictionary."""

    target: str
    label: str
    choices: Sequence[Candidate]
    may_add: bool
    takes_rest: bool  # 其余都归 …
    lines: list[ValueLine] = field(default_factory=list)


@dataclass(frozen=True)
class Question:
    """How dates are written, or in which unit amounts are. answer: that of today."""

    target: str
    label: str
    why: str
    choices: list[list[str]]
    answer: str


@dataclass(frozen=True)
class OutcomeSum:
    outcome: str
    label: str
    rows: int
    hint: str


def column_lines(run: ImportRun, by: Actor, samples: Mapping[str, str]) -> list[ColumnLine]:
    lines = []
    for key, head in run.heads:
        why, is_sure = run.why.get(key, ["", False])
        target = run.columns.get(key, "")
        ignored = not target and bool(is_sure)
        lines.append(ColumnLine(key, head, samples.get(key, ""), target, why, bool(is_sure), ignored))
    return lines


def repair_groups(run: ImportRun, by: Actor) -> list[ValueGroup]:
    targets = {target.key: target for target in run.kind.targets(by)}
    groups = []
    for key, lines in run.wrong_values.items():
        target = targets[key]
        may_add = run.kind.may_add_entries(by, key)
        group = ValueGroup(key, target.full_label, run.kind.candidates(by, target), may_add, target.kind is Kind.PERSON)
        for place, (text, rows, _, why) in enumerate(lines):
            repairs, added = run.repairs.get(key, {}), text in run.new_entries.get(key, ())
            chosen = repairs.get(text, "")
            is_empty = text in repairs and not chosen
            group.lines.append(ValueLine(f"{key}-{place}", text, rows, chosen, why, added, is_empty))
        groups.append(group)
    return groups


def questions_of(run: ImportRun, by: Actor) -> list[Question]:
    labels = {target.key: target.full_label for target in run.kind.targets(by)}
    answers = {**run.date_patterns, **run.units}
    return [
        Question(key, labels.get(key, ""), why, choices, answers.get(key, ""))
        for key, (why, choices) in run.questions.items()
    ]


def outcome_sums(run: ImportRun) -> list[OutcomeSum]:
    return [
        OutcomeSum(str(outcome), label, run.count(outcome), HINTS.get(outcome, ""))
        for outcome, label in OUTCOME_LABELS.items()
    ]
