"""Match the rows of a table with customers by their keys; a missing key is not a different one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db.models import Q

from accounts.models import User
from customers.names import normalize
from customers.records.models import Customer
from kit.domain.folding import fold_code, fold_name, fold_width
from kit.sql.text_index import Fold

from .staging import batches

LOOKUP_BATCH = 500  # rows of a table that are looked up by one statement


class Keys(NamedTuple):
    """The keys of a customer; empty where none is given. The license number and the name are folded."""

    number: str = ""
    external_number: str = ""
    license_number: str = ""
    name: str = ""


def build_keys(number: str, external_number: str, license_number: str, name: str) -> Keys:
    """Fold the texts into keys; texts that no customer can have become empty."""
    texts = (fold_code(number), fold_width(external_number), fold_code(license_number), normalize(name))
    return Keys(*(text if text.isprintable() else "" for text in texts))


def keys_contradict(one: Keys, other: Keys) -> bool:
    """Return whether both have an external number, or both a license number, and these differ."""
    pairs = ((one.external_number, other.external_number), (one.license_number, other.license_number))
    return any(mine and theirs and mine != theirs for mine, theirs in pairs)


def is_same_customer(one: Keys, other: Keys) -> bool:
    """Return whether one of the numbers is equal, or the names are and no number contradicts."""
    numbers = zip(one[:3], other[:3], strict=True)
    if any(mine and mine == theirs for mine, theirs in numbers):
        return True
    return bool(one.name) and one.name == other.name and not keys_contradict(one, other)


@dataclass
class KnownCustomer:
    """The columns of a customer that are compared with a table."""

    pk: int
    keys: Keys
    name: str
    manager: str
    is_deleted: bool
    merged_into: int | None
    is_arriving: bool = False  # written by an import that is not complete
    is_visible: bool = True
    is_editable: bool = True


COLUMNS = (
    "pk", "number", "external_number", "license_number", "name_normalized", "name", "manager__name", "deleted_at",
    "merged_into", "arrival",
)  # fmt: skip


@dataclass
class KnownCustomers:
    """A cache of the customers that the rows of a table may mean, looked up by the keys of these rows only."""

    by: User | None = None  # whose view and edit scope apply; None: the system, without limits
    customers: dict[int, KnownCustomer] = field(default_factory=dict)
    _indexes: tuple[dict[str, list[KnownCustomer]], ...] = field(default_factory=lambda: ({}, {}, {}, {}))

    def learn(self, keys: Iterable[Keys]) -> None:
        """Look up customers with one of the keys, deleted and merged ones included, and survivors of the merged."""
        for batch in batches(keys, LOOKUP_BATCH):
            merged = [customer.merged_into for customer in self.load(_keys_condition(batch)) if customer.merged_into]
            self.load(Q(pk__in=set(merged) - self.customers.keys()))

    def load(self, condition: Q) -> list[KnownCustomer]:
        """Look up customers by a condition; return those that were not in the cache yet."""
        rows = Customer.objects.alias(license_folded=Fold("license_number")).filter(condition).order_by("pk")
        new = [_known_customer(row) for row in rows.values_list(*COLUMNS) if row[0] not in self.customers]
        if self.by is not None and new:
            self._read_permissions(new, self.by)
        for customer in new:
            self.customers[customer.pk] = customer
            for index, key in zip(self._indexes, customer.keys, strict=True):
                if key:
                    index.setdefault(key, []).append(customer)
        return new

    def load_keys(self, keys: Iterable[int]) -> None:
        """Look up customers by their primary keys."""
        for batch in batches(keys, LOOKUP_BATCH):
            self.load(Q(pk__in=batch))

    def _read_permissions(self, customers: list[KnownCustomer], by: User) -> None:
        keys = [customer.pk for customer in customers]
        scopes = Customer.objects.visible_to(by), Customer.objects.editable_by(by)
        visible, editable = (set(rows.filter(pk__in=keys).values_list("pk", flat=True)) for rows in scopes)
        for customer in customers:
            customer.is_visible, customer.is_editable = customer.pk in visible, customer.pk in editable

    def matches(self, keys: Keys) -> list[KnownCustomer]:
        """Return the customers that the keys mean: by number first, then by name; deleted ones last."""
        pairs = zip(self._indexes, keys, strict=True)
        candidates = {customer.pk: customer for index, key in pairs for customer in index.get(key, ()) if key}
        same = [customer for customer in candidates.values() if is_same_customer(keys, customer.keys)]
        return sorted(same, key=lambda customer: customer.is_deleted and customer.merged_into is None)

    def survivor(self, customer: KnownCustomer) -> KnownCustomer:
        """Return the customer that a merged one became part of; any other one itself."""
        return self.customers[customer.merged_into] if customer.merged_into else customer

    def has_external_number(self, external_number: str) -> bool:
        """Return whether any customer has the number, deleted ones included."""
        return bool(self._indexes[1].get(external_number))

    def has_name(self, name: str) -> bool:
        return any(not customer.is_deleted for customer in self._indexes[3].get(name, ()))

    def set_external_number(self, customer: KnownCustomer, external_number: str) -> None:
        customer.keys = customer.keys._replace(external_number=external_number)
        self._indexes[1].setdefault(external_number, []).append(customer)

    def named(self, text: str) -> list[KnownCustomer]:
        """Return visible customers with this 客户编号, else with this name; survivors instead of merged ones."""
        matches = [*self._indexes[0].get(fold_code(text), ())] or self._indexes[3].get(normalize(text), [])
        survivors = {customer.pk: customer for customer in map(self.survivor, matches)}
        return [customer for customer in survivors.values() if customer.is_visible and not customer.is_deleted]


def _keys_condition(batch: list[Keys]) -> Q:
    columns = ("number", "external_number", "license_folded", "name_normalized")
    condition = Q(pk__in=[])
    for position, column in enumerate(columns):
        if values := {keys[position] for keys in batch if keys[position]}:
            is_license = column == "license_folded"  # old rows may hold it as it was typed
            condition |= Q(**{f"{column}__in": {fold_name(value) for value in values} if is_license else values})
    return condition


def _known_customer(row: tuple[Any, ...]) -> KnownCustomer:
    pk, number, external, license_number, folded, name, manager, deleted_at, merged_into, arrival = row
    keys = Keys(number, external, fold_code(license_number), folded)
    return KnownCustomer(pk, keys, name, manager, deleted_at is not None, merged_into, arrival is not None)
