"""SearchText for all customers: rebuilt by command, compared every night with what it is computed from."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from kit.sql.id_sets import IdSet
from kit.sql.turns import in_turn

from .contacts.search_text import CONTACT_COLUMNS, compute_contact_texts, write_contact_texts
from .orders.rhythm_base import batches_of_customers
from .records.models import Customer
from .records.search_text import (
    CUSTOMER_COLUMNS,
    SearchText,
    compute_customer_texts,
    read_texts,
    write_customer_texts,
)

SAMPLE = 1000  # customers compared each night
BATCH = 1000
PARTS = ((CUSTOMER_COLUMNS, compute_customer_texts), (CONTACT_COLUMNS, compute_contact_texts))


def rebuild_search_texts() -> str:
    """Recompute all customers, one transaction a batch: searching goes on, and a killed run can be repeated."""
    changed: set[int] = set()
    for keys in batches_of_customers():
        for batch in _parted(keys):
            with in_turn():
                changed |= write_customer_texts(batch) | write_contact_texts(batch)
    dropped, _ = SearchText.objects.exclude(customer__merged_into=None).delete()
    return f"已重建客户搜索文本，更正 {len(changed) + dropped} 个客户。"


def _parted(keys: IdSet) -> Iterable[IdSet]:
    ordered = sorted(keys)
    return (IdSet(ordered[start : start + BATCH]) for start in range(0, len(ordered), BATCH))


def describe_search_differences(limit: int = 20, sample: int | None = SAMPLE) -> list[str]:
    """Describe where stored texts differ from fresh ones; sample: of so many customers."""
    keys = list(Customer.objects.filter(merged_into=None).values_list("pk", flat=True))
    if sample is not None and len(keys) > sample:
        keys = Random().sample(keys, sample)  # noqa: S311 - which customers are compared is no secret
    texts: list[str] = []
    for batch in _parted(IdSet(keys)):
        # Somebody may have saved between the two reads: customers with a difference are read again.
        if suspects := _differing(batch):
            texts += [f"客户 {key} 的搜索文本" for key in sorted(_differing(IdSet(suspects)))]
        if len(texts) >= limit:
            break
    return texts[:limit]


def _differing(keys: IdSet) -> set[int]:
    differing: set[int] = set()
    for columns, compute in PARTS:
        stored, fresh = read_texts(keys, columns), compute(keys)
        differing |= {key for key, texts in fresh.items() if stored.get(key) != texts}
    return differing
