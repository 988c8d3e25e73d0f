"""A large import on SQLite, which has one writer at a time: in short transactions, made visible by the last one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from customers.records.models import Customer
from customers.sync.known_customers import Keys, KnownCustomers, is_same_customer
from customers.sync.staging import batches
from kit.audit.models import AuditEntry
from kit.sql.turns import in_turn, without_collecting

from .arrivals import ROWS_PER_TRANSACTION, Arrival
from .results import CHANGED_MEANWHILE, ImportRefused, Row

if TYPE_CHECKING:
    from .importing import CustomerImport


class PartwiseImport:
    """Write the rows as deleted ones that belong to an Arrival; one short statement reveals them all."""

    def __init__(self, task: CustomerImport) -> None:
        self.task = task
        self.keys = task.new_keys()
        self.by_key: dict[tuple[int, str], list[Keys]] = {}
        for keys in self.keys:
            for position, key in enumerate(keys):
                if key:
                    self.by_key.setdefault((position, key), []).append(keys)

    def write(self, beat: Callable[[int, int], None] | None) -> None:
        """Write all rows or none: withdraw them on any exception. Raises ImportRefused or IntegrityError."""
        self.last_checked = last_event()
        self.task.check_still_new()
        self.arrival = Arrival.objects.create(by=self.task.by)
        try:
            self._add_regions()
            self._insert(beat)
            self._join()
            self._check_since()
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
            self._check_since()  # again, now that nobody else writes
            self.task.fill(self.task.lock())
            self.arrival.publish()

    def _heartbeat(self) -> None:
        if not self.arrival.heartbeat():
            raise ImportRefused("导入中断了太久，什么都没有写入，请再运行一次。")

    def _check_since(self) -> None:
        """Raise ImportRefused when others created or changed one of these customers meanwhile."""
        newest = last_event()
        changed = AuditEntry.objects.filter(
            pk__gt=self.last_checked, content_type=ContentType.objects.get_for_model(Customer)
        ).values("object_id")
        others = Q(pk__in=changed) & (Q(arrival=None) | ~Q(arrival=self.arrival))
        if any(self._is_imported(customer.keys) for customer in KnownCustomers().load(others)):
            raise ImportRefused(CHANGED_MEANWHILE)
        self.last_checked = newest

    def _is_imported(self, keys: Keys) -> bool:
        candidates = (own for position in enumerate(keys) if position[1] for own in self.by_key.get(position, ()))
        return any(is_same_customer(own, keys) for own in candidates)


def last_event() -> int:
    """Return the key of the newest audit log row; on SQLite later rows have higher keys."""
    newest = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first()
    return newest or 0
