"""Which customer is meant: a key that is missing is not one that differs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db.models import Q

from accounts.models import User
from kit.domain.folding import fold_code, fold_name, fold_width
from kit.sql.text_index import Fold

from .models import Customer
from .names import normalize
from .sync.staging import batches

LOOKUP_BATCH = 500  # rows of a table that are looked up by one statement


class Keys(NamedTuple):
    """What names a customer; empty where it is not said. The license number and the name are folded."""

    number: str = ""
    external_number: str = ""
    license_number: str = ""
    name: str = ""


def keys_of(number: str, external_number: str, license_number: str, name: str) -> Keys:
    """Texts that no customer can have are no keys."""
    texts = (fold_code(number), fold_width(external_number), fold_code(license_number), normalize(name))
    return Keys(*(text if text.isprintable() else "" for text in texts))


def keys_contradict(one: Keys, other: Keys) -> bool:
    """Both have a number of the sales system, or both a license number, and these differ."""
    pairs = ((one.external_number, other.external_number), (one.license_number, other.license_number))
    return any(mine and theirs and mine != theirs for mine, theirs in pairs)


def is_same_customer(one: Keys, other: Keys) -> bool:
    """One of the numbers agrees; or the name does, and no number of the two says otherwise."""
    numbers = zip(one[:3], other[:3], strict=True)
    if any(mine and mine == theirs for mine, theirs in numbers):
        return True
    return bool(one.name) and one.name == other.name and not keys_contradict(one, other)


@dataclass
class KnownCustomer:
    """A customer of the database, as far as a table is compared with it."""

    pk: int
    keys: Keys
    name: str
    manager: str
    is_deleted: bool
    merged_into: int | None
    is_arriving: bool = False  # written by an import that is not complete
    is_seen: bool = True
    is_reached: bool = True

    def take(self, external_number: str) -> None:
        self.keys = self.keys._replace(external_number=external_number)


COLUMNS = (
    "pk", "number", "external_number", "license_number", "name_normalized", "name", "manager__name", "deleted_at",
    "merged_into", "arrival",
)  # fmt: skip


@dataclass
class KnownCustomers:
    """The customers that the rows of a table may mean: asked for by their keys, so that it holds no others."""

    by: User | None = None  # in whose view and reach; None: the system, which reaches all
    held: dict[int, KnownCustomer] = field(default_factory=dict)
    _places: tuple[dict[str, list[KnownCustomer]], ...] = field(default_factory=lambda: ({}, {}, {}, {}))

    def learn(self, asked: Iterable[Keys]) -> None:
        """Looks up what has one of the keys, deleted and merged customers too."""
        for batch in batches(asked, LOOKUP_BATCH):
            found = self._read(_keys_condition(batch))
            self._read(Q(pk__in={held.merged_into for held in found if held.merged_into} - self.held.keys()))

    def learn_rows(self, wanted: Q) -> list[KnownCustomer]:
        """Looks up customers by something else; returns those that were not known yet."""
        return self._read(wanted)

    def _read(self, wanted: Q) -> list[KnownCustomer]:
        rows = Customer.objects.alias(license_folded=Fold("license_number")).filter(wanted).order_by("pk")
        new = [_known_customer(row) for row in rows.values_list(*COLUMNS) if row[0] not in self.held]
        if self.by is not None and new:
            keys = [held.pk for held in new]
            seen, reached = Customer.objects.visible_to(self.by), Customer.objects.editable_by(self.by)
            mine, theirs = (set(rows.filter(pk__in=keys).values_list("pk", flat=True)) for rows in (seen, reached))
            for held in new:
                held.is_seen, held.is_reached = held.pk in mine, held.pk in theirs
        for held in new:
            self.held[held.pk] = held
            for place, key in zip(self._places, held.keys, strict=True):
                if key:
                    place.setdefault(key, []).append(held)
        return new

    def matches(self, keys: Keys) -> list[KnownCustomer]:
        """Those that the keys mean, the surest first: by a number, then by name; deleted ones last."""
        places = zip(self._places, keys, strict=True)
        found = {held.pk: held for place, key in places for held in place.get(key, ()) if key}
        same = [held for held in found.values() if is_same_customer(keys, held.keys)]
        return sorted(same, key=lambda held: held.is_deleted and held.merged_into is None)

    def survivor(self, held: KnownCustomer) -> KnownCustomer:
        """The customer that a merged one became part of; others are their own."""
        return self.held[held.merged_into] if held.merged_into else held

    def holds_number(self, external_number: str) -> bool:
        """Whether any customer has the number of the sales system, deleted ones included."""
        return bool(self._places[1].get(external_number))

    def holds_name(self, name: str) -> bool:
        return any(not held.is_deleted for held in self._places[3].get(name, ()))

    def give(self, held: KnownCustomer, external_number: str) -> None:
        held.take(external_number)
        self._places[1].setdefault(external_number, []).append(held)

    def named(self, text: str) -> list[KnownCustomer]:
        """Customers in view whose 客户编号 or name the text is; a merged one means what it became part of."""
        found = [*self._places[0].get(fold_code(text), ())] or self._places[3].get(normalize(text), [])
        meant = {held.pk: held for held in map(self.survivor, found)}
        return [held for held in meant.values() if held.is_seen and not held.is_deleted]


def _keys_condition(batch: list[Keys]) -> Q:
    columns = ("number", "external_number", "license_folded", "name_normalized")
    wanted = Q(pk__in=[])
    for place, column in enumerate(columns):
        if values := {keys[place] for keys in batch if keys[place]}:
            folded = column == "license_folded"  # rows from before may hold it as it was typed
            wanted |= Q(**{f"{column}__in": {fold_name(value) for value in values} if folded else values})
    return wanted


def _known_customer(row: Any) -> KnownCustomer:
    pk, number, external, license_number, folded, name, manager, deleted_at, merged_into, arrival = row
    keys = Keys(number, external, fold_code(license_number), folded)
    return KnownCustomer(pk, keys, name, manager, deleted_at is not None, merged_into, arrival is not None)
