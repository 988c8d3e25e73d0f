"""What a customer is found by, folded: one row a customer, a column for each source, written by the subject it is of.

Names, address and numbers are written here, contacts in customers/contacts/search_text.py, each recomputed in the
transaction of the change. The form of the texts is that of kit/sql/search_terms.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db import models

from customers.names import inner_sounds, other_readings, pinyin
from customers.querysets import all_customers
from kit.domain.folding import fold_code, fold_name, fold_number
from kit.sql.id_sets import IdSet
from kit.sql.transactions import in_transaction

SEARCHED_FIELDS = frozenset(
    {"name", "number", "external_number", "license_number", "address", "phone", "region", "industry"}
)
CUSTOMER_COLUMNS = ("names", "address", "phones", "entries")
BATCH = 1000
INNER = "~"  # stands before the sounds that do not begin a name
WIDE_DIGITS = str.maketrans("0123456789", "０１２３４５６７８９")
Texts = dict[str, str]  # by column


class SearchText(models.Model):
    customer = models.OneToOneField(
        "customers.Customer", models.CASCADE, primary_key=True, related_name="search_text", verbose_name="客户"
    )
    # Names and numbers, of what was merged into it too; the name of today is the first.
    names = models.TextField(default="", editable=False)
    address = models.TextField(default="", editable=False)
    phones = models.TextField(default="", editable=False)
    entries = models.TextField(default="", editable=False)  # 地区 and 行业, by the key of the dictionary entry
    contacts = models.TextField(default="", editable=False)
    contact_phones = models.TextField(default="", editable=False)

    derived_fields = (*CUSTOMER_COLUMNS, "contacts", "contact_phones")

    class Meta:
        verbose_name = verbose_name_plural = "客户搜索文本"
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.customer)


class FormerName(models.Model):
    """A name that a customer had before it was changed."""

    customer = models.ForeignKey("customers.Customer", models.CASCADE, related_name="former_names", verbose_name="客户")
    name = models.CharField("曾用名", max_length=100, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "曾用名"
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["customer", "name"], name="customers_former_name_once")]

    def __str__(self) -> str:
        return self.name


def joined(tokens: Iterable[str]) -> str:
    """Return the tokens between strokes, each once; "" when there are none."""
    told = dict.fromkeys(token.replace("|", "") for token in tokens)
    told.pop("", None)
    return f"|{'|'.join(told)}|" if told else ""


def sounds_of(name: str) -> Iterator[str]:
    """Yield the pinyin and the initials of a whole name, by every reading of its surnames."""
    yield from (sound.upper() for sound in (*pinyin(name), *other_readings(name).split("|")))


def sounds_inside(name: str) -> Iterator[str]:
    """Yield pinyin and initials from each later character of a name on."""
    yield from (sound.upper() for sound in inner_sounds(name))


def entry_token(key: int) -> str:
    return f"@{key}"


def code_token(code: str) -> str:
    """Return the token of a code, its digits wide: no folded text has such, so no word is found in a part of it."""
    return f"={fold_code(code).translate(WIDE_DIGITS)}" if code else ""


@in_transaction
def write_customer_texts(keys: Iterable[int]) -> set[int]:
    """Recompute what these customers are found by, but for contacts; return those that differed."""
    return store_texts(keys, CUSTOMER_COLUMNS, compute_customer_texts)


def store_texts(
    keys: Iterable[int], columns: tuple[str, ...], compute: Callable[[IdSet], Mapping[int, Texts]]
) -> set[int]:
    """Write columns of these customers as they are computed, where they are others; return whose were."""
    ordered, changed = sorted(set(keys)), set[int]()
    for start in range(0, len(ordered), BATCH):
        batch = IdSet(ordered[start : start + BATCH])
        stored, fresh = read_texts(batch, columns), compute(batch)
        rows = [SearchText(customer_id=key, **texts) for key, texts in fresh.items() if stored.get(key) != texts]
        SearchText.objects.bulk_create(
            rows, batch_size=500, update_conflicts=True, unique_fields=["customer"], update_fields=columns
        )
        changed.update(row.customer_id for row in rows)
    return changed


def read_texts(keys: IdSet, columns: tuple[str, ...]) -> dict[int, Texts]:
    rows = SearchText.objects.filter(customer__in=keys).values("customer_id", *columns)
    return {row.pop("customer_id"): row for row in rows}


def compute_customer_texts(keys: IdSet) -> dict[int, Texts]:
    """Return {customer: texts} of the customers among these that are not merged ones, whatever is stored."""
    customers = all_customers()
    own = customers.filter(pk__in=keys, merged_into=None).values(*_COLUMNS)
    merged: dict[int, list[dict[str, Any]]] = {}
    for row in customers.filter(merged_into__in=keys).order_by("pk").values(*_COLUMNS):
        merged.setdefault(row["merged_into_id"], []).append(row)
    former: dict[int, list[str]] = {}
    for key, name in FormerName.objects.filter(customer__in=keys).order_by("pk").values_list("customer_id", "name"):
        former.setdefault(key, []).append(name)
    return {row["id"]: customer_texts(row, merged.get(row["id"], []), former.get(row["id"], [])) for row in own}


_COLUMNS = (
    "id", "merged_into_id", "name", "number", "external_number", "license_number", "name_pinyin", "name_initials",
    "name_readings", "address", "phone", "region_id", "industry_id",
)  # fmt: skip


def customer_texts(row: Mapping[str, Any], merged: Sequence[Mapping[str, Any]], former: Sequence[str]) -> Texts:
    """Return the texts of one customer. row, merged: columns of it and of those that became part of it."""
    names, phones = list(_names(row)), [fold_number(row["phone"])]
    every = [row["name"], *(other["name"] for other in merged), *former]
    for other in merged:
        names += _names(other)
        phones.append(fold_number(other["phone"]))
    for name in former:
        names += [fold_name(name), *sounds_of(name)]
    if inside := [sound for name in every for sound in sounds_inside(name)]:
        names += [INNER, *inside]
    entries = (entry_token(key) for key in (row["region_id"], row["industry_id"]) if key)
    return {
        "names": joined(names),
        "address": joined([fold_name(row["address"])]),
        "phones": joined(phones),
        "entries": joined(entries),
    }


def _names(row: Mapping[str, Any]) -> Iterator[str]:
    yield from (fold_name(row["name"]), fold_name(row["number"]))
    yield from (code_token(row["external_number"]), code_token(row["license_number"]))
    yield from (row["name_pinyin"].upper(), row["name_initials"].upper())
    yield from (row["name_readings"] or "").upper().split("|")
