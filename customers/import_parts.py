"""A large import on SQLite, where one writes at a time: parts between which others get in, all or none by a mark."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from kit.audit.models import AuditEntry

from .import_rows import Row
from .importing import CHANGED_MEANWHILE, CustomerImport, ImportRefused
from .known import Keys, KnownCustomers, is_same_customer
from .models import Arrival, Customer
from .models.arrival import PART
from .sync.staging import batches

MIN_PAUSE = 0.15  # seconds at least: those who wait for the database try again every tenth of a second


class PartwiseImport:
    """The rows are written as deleted ones that belong to an arrival; one short statement reveals them all."""

    def __init__(self, task: CustomerImport) -> None:
        self.task = task
        self.keys = task.new_keys()
        self.by_key: dict[tuple[int, str], list[Keys]] = {}
        for keys in self.keys:
            for place, key in enumerate(keys):
                if key:
                    self.by_key.setdefault((place, key), []).append(keys)

    def write(self, beat: Callable[[int, int], None] | None) -> None:
        """Raises ImportRefused or IntegrityError; whatever stops it, what it wrote is taken out again."""
        self.seen = last_event()
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
        for part in batches(self.task.rows, PART):
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
        for part in batches(branches, PART):
            with self._part():
                self.task.join_branches(part)

    @contextmanager
    def _part(self) -> Iterator[None]:
        """One transaction, and as long a time in which it is the others' turn."""
        began = time.monotonic()
        with transaction.atomic():
            self._go_on()
            yield
        time.sleep(max(MIN_PAUSE, time.monotonic() - began))

    def _reveal(self) -> None:
        with transaction.atomic():
            self._go_on()
            self._check_since()  # again for the few deeds of the last moment, now that nobody else writes
            self.task.fill(self.task.lock())
            self.arrival.reveal()

    def _go_on(self) -> None:
        if not self.arrival.beat():
            raise ImportRefused("导入中断了太久，什么都没有写入，请再运行一次。")

    def _check_since(self) -> None:
        """Raises ImportRefused when a customer that others made or changed meanwhile is one of these."""
        last = last_event()
        deeds = AuditEntry.objects.filter(
            pk__gt=self.seen, content_type=ContentType.objects.get_for_model(Customer)
        ).values("object_id")
        others = Q(pk__in=deeds) & (Q(arrival=None) | ~Q(arrival=self.arrival))
        if any(map(self._means_one, (held.keys for held in KnownCustomers().learn_rows(others)))):
            raise ImportRefused(CHANGED_MEANWHILE)
        self.seen = last

    def _means_one(self, keys: Keys) -> bool:
        found = (own for at in enumerate(keys) if at[1] for own in self.by_key.get(at, ()))
        return any(is_same_customer(own, keys) for own in found)


def last_event() -> int:
    """The newest row of the trail: on SQLite what is done later has a higher key."""
    newest = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first()
    return newest or 0
