"""A large import on SQLite, which has one writer at a time: in short transactions, made visible by the last one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from customers.sync.staging import batches
from kit.sql.turns import in_turn, without_collecting

from .arrivals import ROWS_PER_TRANSACTION, Arrival
from .meanwhile import ChangesMeanwhile
from .results import ImportRefused, Row

if TYPE_CHECKING:
    from .importing import CustomerImport


class PartwiseImport:
    """Write the rows as deleted ones that belong to an Arrival; one short statement reveals them all."""

    def __init__(self, task: CustomerImport) -> None:
        self.task = task

    def write(self, beat: Callable[[int, int], None] | None) -> None:
        """Write all rows or none: withdraw them on any exception. Raises ImportRefused or IntegrityError."""
        self.meanwhile = ChangesMeanwhile(self.task.new_keys())
        self.task.check_still_new()
        self.arrival = Arrival.objects.create(by=self.task.by)
        try:
            self._add_regions()
            self._insert(beat)
            self._join()
            self.meanwhile.refuse_known(self.task.written_keys())
            self._reveal()
        except BaseException:
            self.arrival.withdraw()
            raise

    def _add_regions(self) -> None:
        with transaction.atomic():
            self.task.add_regions()
            self.arrival.regions = [region.pk for region in self.task.new_regions]
            self.arrival.save(update_fields=["regions"])

    def _insert(self, beat: Callable[[int, int], None] | None) -> None:
        done, now = 0, timezone.now()
        for part in batches(self.task.rows, ROWS_PER_TRANSACTION):
            customers = [row.customer for row in part]
            for customer in customers:
                customer.deleted_at, customer.arrival = now, self.arrival
            with self._part():
                self.task.insert(customers)
            done += len(part)
            if beat:
                beat(done, len(self.task.rows))

    def _join(self) -> None:
        branches: list[Row] = [row for row in self.task.rows if row.parent]
        for part in batches(branches, ROWS_PER_TRANSACTION):
            with self._part():
                self.task.join_branches(part)

    @contextmanager
    def _part(self) -> Iterator[None]:
        with in_turn():
            self._heartbeat()
            yield

    def _reveal(self) -> None:
        with transaction.atomic(), without_collecting():
            self._heartbeat()
            self.task.fill(self.task.lock())
            self.meanwhile.refuse_known(self.task.written_keys())  # again, now that nobody else writes
            self.arrival.publish()
            self.task.finish()

    def _heartbeat(self) -> None:
        if not self.arrival.heartbeat():
            raise ImportRefused("导入中断了太久，什么都没有写入，请再运行一次。")
