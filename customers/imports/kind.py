"""Customers, with the contact of the same row, as a kind of records that sheets bring in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.db import models

from accounts.models import User
from customers.records.candidates import possible_import_owners
from customers.records.models import Customer
from kit.imports.kinds import Beat, Change, Choices, Importer, ImportKind, PlannedRow, Rows, SheetRefused
from kit.imports.repair_words import Candidate
from kit.imports.targets import Target

from .arrivals import withdraw_stale_imports
from .results import ImportRefused
from .sheet_import import SheetImport
from .table_form import fold_label
from .targets import customer_targets

ADD_ENTRIES = "basedata.add_dictionaryentry"
ENTRY_TARGETS = ("region", "industry", "level")


class CustomerImporter(Importer):
    def __init__(self, task: SheetImport) -> None:
        self.task, self.notes = task, list[str]()

    def read(self, rows: Rows, beat: Beat | None = None) -> None:
        try:
            self.task.read_rows(rows, beat)
        except ImportRefused as error:
            raise SheetRefused(str(error)) from error
        self.notes = self.task.notes

    def planned(self) -> Sequence[PlannedRow]:
        return [self.task.planned[line] for line in sorted(self.task.planned)]

    @property
    def beyond(self) -> int:
        return self.task.beyond

    @property
    def needs_reason(self) -> int:
        return sum(one.changes_level for one in self.task.updates.values())

    def refuse(self, reasons: Mapping[int, str]) -> None:
        self.task.refuse(reasons)

    def write(self, finish: Callable[[Iterable[Change]], None], beat: Beat | None = None) -> None:
        if self.task.is_waiting:
            raise SheetRefused("另一次导入正在写入这张表里的客户，什么都没有写入。请等它结束后再导入一次。")
        self.task.on_finish = finish
        try:
            self.task.write(partial=True, beat=(lambda done, total: beat(done)) if beat else None)
        except ImportRefused as error:
            raise SheetRefused(str(error)) from error


class CustomerKind(ImportKind):
    @property
    def record_model(self) -> type[models.Model]:
        return Customer

    def targets(self, by: Any) -> Sequence[Target]:
        return customer_targets(by)

    def importer(self, by: Any, choices: Choices) -> Importer:
        manager = User.objects.filter(pk=choices.fallback).first() if choices.fallback else None
        withdraw_stale_imports()  # rows of a run whose worker was killed are not there
        task = SheetImport(choices, manager=manager, by=by)
        return CustomerImporter(task)

    def candidates(self, by: Any, target: Target) -> Sequence[Candidate]:
        if target.key != "manager":
            return super().candidates(by, target)
        people = list(User.objects.account_managers() if by is None else possible_import_owners(by))
        names = Counter(fold_label(person.name) for person in people)
        return [
            Candidate(person.name, person.name, account=person.username)
            if names[fold_label(person.name)] == 1
            else Candidate(person.username, f"{person.name}（{person.username}）", account=person.username)
            for person in people
        ]

    def fallbacks(self, by: Any) -> models.QuerySet[User]:
        return possible_import_owners(by)

    def may_add_entries(self, by: Any, target: str) -> bool:
        return target in ENTRY_TARGETS and by.has_perm(ADD_ENTRIES)


CUSTOMERS = CustomerKind("customers", "客户", "家", "customers.import_customer")
