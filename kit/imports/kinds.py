"""What a module says of the records that can be brought in from a sheet; the engine knows no model of theirs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from django.db import models

from kit.domain.actor import Actor
from kit.domain.modules import modules
from kit.exchange.readers import Cells

from .repair_words import Candidate
from .targets import Target

Beat = Callable[[int], None]


class Outcome(StrEnum):
    """What becomes of a row: the counts of these add up to the rows of the sheet."""

    CREATE = "create"
    UPDATE = "update"
    SAME = "same"
    SKIP = "skip"
    REFUSE = "refuse"


@dataclass(frozen=True)
class Value:
    """One value of a row as it will be stored; old: what stands there now."""

    label: str
    new: str
    old: str = ""


@dataclass(frozen=True)
class Problem:
    """Why a row is refused. target: the key of the column concerned; empty for the whole row."""

    target: str
    label: str
    reason: str


@dataclass
class PlannedRow:
    """A row of the sheet and what an import would do with it now.

    record, version: of the record that it means, empty for a new one. note: what is to be told of a row that is not
    refused, such as whose record it is.
    """

    line: int
    outcome: Outcome
    title: str
    record: int | None = None
    version: int | None = None
    values: list[Value] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    note: str = ""

    @property
    def is_good(self) -> bool:
        return self.outcome in (Outcome.CREATE, Outcome.UPDATE)

    @property
    def promise(self) -> tuple[str, int | None, int | None]:
        """What the preview promised: anything else at writing refuses the row."""
        return str(self.outcome), self.record, self.version


class Rows(Protocol):
    """The rows of a sheet, as often as they are asked for: (line in the file, cells by head)."""

    is_1904: bool

    @property
    def notes(self) -> list[str]: ...

    def __iter__(self) -> Iterator[tuple[int, Cells]]: ...


@dataclass(frozen=True)
class Choices:
    """What the owner of a run chose. columns: {column: (key of a target, head)}; new_entries: {target: texts to add}.

    fallback: key of the person to whom rows without one belong. reason: of what asks for one, for all rows.
    """

    columns: Mapping[str, tuple[str, str]]
    mode: str
    fallback: int | None = None
    reason: str = ""
    new_entries: Mapping[str, Collection[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """A row written to the database, for taking it back. before: None for a new one; {column: value} otherwise."""

    model: type[models.Model]
    key: int
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]
    version: int | None = None


class Importer(ABC):
    """One reading of one sheet by one kind: read() plans every row, write() carries the good ones out."""

    notes: list[str]  # what was read otherwise than it stands there, those of the rows included

    @property
    def beyond(self) -> int:
        """Return the number of rows of records outside the user's edit scope."""
        return 0

    @property
    def needs_reason(self) -> int:
        """Return the number of rows that change what asks for a reason."""
        return 0

    @abstractmethod
    def read(self, rows: Rows, beat: Beat | None = None) -> None:
        """Plan every row. Raise SheetRefused where the sheet cannot be imported at all."""

    @abstractmethod
    def planned(self) -> Sequence[PlannedRow]:
        """Return the plan of every row, in the order of the sheet."""

    @abstractmethod
    def refuse(self, reasons: Mapping[int, str]) -> None:
        """Refuse further rows before writing, by their lines."""

    @abstractmethod
    def write(self, finish: Callable[[Iterable[Change]], None], beat: Beat | None = None) -> None:
        """Write the good rows, all in one visible step; finish is called in its transaction with what was changed."""


class SheetRefused(Exception):
    """The sheet cannot be imported as it is; the text gives the reason in Chinese, and what to do."""


@dataclass(frozen=True)
class ImportKind(ABC):
    """One kind of records. unit: the measure word; permission: to import them."""

    key: str
    label: str
    unit: str
    permission: str

    @abstractmethod
    def targets(self, by: Actor | None) -> Sequence[Target]:
        """Return the columns that a sheet may fill, with the choices open to this user."""

    @abstractmethod
    def importer(self, by: Actor | None, choices: Choices) -> Importer: ...

    @property
    @abstractmethod
    def record_model(self) -> type[models.Model]: ...

    def candidates(self, by: Actor | None, target: Target) -> Sequence[Candidate]:
        """Return the values that a text of a column may become; the key is what the importer reads."""
        return [Candidate(text, text) for text in target.choices]

    def fallbacks(self, by: Actor) -> models.QuerySet[Any] | None:
        """Return the people to whom rows without one may go; None where rows need nobody."""
        return None

    def may_add_entries(self, by: Actor, target: str) -> bool:
        """Return whether the user may add a missing text to the dictionary that this column is of."""
        return False


def kinds() -> list[ImportKind]:
    """Return the kinds of all modules, from low to high."""
    return [kind for module in modules() for kind in module.imports if isinstance(kind, ImportKind)]


def kinds_for(user: Actor) -> list[ImportKind]:
    return [kind for kind in kinds() if user.has_perm(kind.permission)]


def find_kind(key: str) -> ImportKind | None:
    return next((kind for kind in kinds() if kind.key == key), None)
