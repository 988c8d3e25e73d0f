"""What a customer is found by of its contacts: their part of SearchText."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.apps import apps

from customers.records.search_text import Texts, joined, sounds_inside, sounds_of, store_texts
from kit.domain.folding import fold_name, fold_number
from kit.sql.id_sets import IdSet
from kit.sql.transactions import in_transaction

CONTACT_COLUMNS = ("contacts", "contact_phones")
NUMBERS = ("office_phone", "mobile")  # found by part; only by those who see them in full


@in_transaction
def write_contact_texts(keys: Iterable[int]) -> set[int]:
    """Recompute the contacts by which these customers are found; return those that differed."""
    return store_texts(keys, CONTACT_COLUMNS, compute_contact_texts)


def compute_contact_texts(keys: IdSet) -> dict[int, Texts]:
    """Return {customer: texts} of all these customers, whatever is stored."""
    contacts: dict[int, list[Mapping[str, Any]]] = {}
    every = apps.get_model("customers", "Contact")._default_manager  # whose own module imports this
    rows = every.filter(customer__in=keys, erased_at=None).order_by("pk")
    for row in rows.values("customer_id", "name", "position", *NUMBERS):
        contacts.setdefault(row["customer_id"], []).append(row)
    return {key: contact_texts(contacts.get(key, [])) for key in keys}


def contact_texts(contacts: Iterable[Mapping[str, Any]]) -> Texts:
    """Return the texts of one customer's contacts."""
    tokens, numbers = list[str](), list[str]()
    for row in contacts:
        tokens += [
            fold_name(row["name"]),
            fold_name(row["position"]),
            *sounds_of(row["name"]),
            *sounds_inside(row["name"]),
        ]
        numbers += [fold_number(row[name]) for name in NUMBERS]
    return {"contacts": joined(tokens), "contact_phones": joined(numbers)}
