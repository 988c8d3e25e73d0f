"""What others did to customers while an import was writing, held against the customers it brings."""

from __future__ import annotations

from collections.abc import Collection

from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Q

from customers.records.locks import lock_customer_names
from customers.records.models import Customer
from customers.sync.known_customers import Keys, KnownCustomers, is_same_customer
from customers.sync.staging import batches
from kit.audit.models import AuditEntry

from .results import CHANGED_MEANWHILE, ImportRefused

BATCH = 500


class ChangesMeanwhile:
    """The check that nobody else created, renamed or numbered one of an import's customers since it began.

    It reads the audit log from a point on, so that the names are held for a moment only, whatever the import's size.
    """

    def __init__(self, keys: list[Keys]) -> None:
        self.by_key: dict[tuple[int, str], list[Keys]] = {}
        for one in keys:
            for position, key in enumerate(one):
                if key:
                    self.by_key.setdefault((position, key), []).append(one)
        with transaction.atomic():
            lock_customer_names()  # whoever names a customer now logs a later event
            self.last_checked = last_event()

    def refuse_known(self, own: Collection[int]) -> None:
        """Raise ImportRefused when a customer changed since the last check is one of the import's.

        own: keys of the rows that the import itself wrote.
        """
        newest = last_event()
        customers = ContentType.objects.get_for_model(Customer)
        events = AuditEntry.objects.filter(pk__gt=self.last_checked, content_type=customers)
        changed = sorted({key for key in events.values_list("object_id", flat=True) if key is not None} - set(own))
        for keys in batches(changed, BATCH):
            if any(self._is_imported(one.keys) for one in KnownCustomers().load(Q(pk__in=keys))):
                raise ImportRefused(CHANGED_MEANWHILE)
        self.last_checked = newest

    def _is_imported(self, keys: Keys) -> bool:
        candidates = (own for position in enumerate(keys) if position[1] for own in self.by_key.get(position, ()))
        return any(is_same_customer(own, keys) for own in candidates)


def last_event() -> int:
    """Return the key of the newest audit log row; who names a customer takes it under the lock of names."""
    newest = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first()
    return newest or 0
