"""Customers that may be one company: equal normalised names or license numbers."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q, QuerySet

from customers.records.models import Customer
from kit.sql.text_index import Fold

MAX_GROUPS = 50
MAX_IN_GROUP = 10


def find_suspected_duplicates(rows: QuerySet[Customer]) -> tuple[list[dict[str, Any]], bool]:
    """Return groups of customers that may be one company, and whether there are more groups."""
    groups = _equal_groups(rows, ("name_normalized", "code"))
    return _merge_equal_groups(groups), len(groups) > MAX_GROUPS


def groups_of_same_code(rows: QuerySet[Customer]) -> list[list[Customer]]:
    """Return groups of one 统一社会信用代码, the oldest customer first; no more than can be merged at once."""
    return [group[:MAX_IN_GROUP] for group in list(_equal_groups(rows, ("code",)).values())[:MAX_GROUPS]]


def _equal_groups(rows: QuerySet[Customer], fields: tuple[str, ...]) -> dict[tuple[str, str], list[Customer]]:
    """Return {(field, value): customers} of the values that repeat, one group more than are shown."""
    groups: dict[tuple[str, str], list[Customer]] = {}
    rows = rows.annotate(code=Fold("license_number"))
    for field in fields:
        repeated = rows.exclude(**{field: ""}).values(field).annotate(times=Count("pk")).filter(times__gt=1)
        for value in repeated.order_by(field).values_list(field, flat=True)[: MAX_GROUPS + 1]:
            groups[field, value] = []
    condition = Q(pk__in=[])
    for field, value in groups:
        condition |= Q(**{field: value})
    for one in rows.filter(condition).select_related("manager", "region").order_by("created_at", "pk"):
        for field in fields:
            if (group := groups.get((field, getattr(one, field)))) is not None:
                group.append(one)
    return groups


def _merge_equal_groups(groups: dict[tuple[str, str], list[Customer]]) -> list[dict[str, Any]]:
    """Join groups of the same customers, found by name, by number or by both."""
    distinct: dict[tuple[int, ...], dict[str, Any]] = {}
    for (field, _), group in groups.items():
        why = "名称相同" if field == "name_normalized" else "统一社会信用代码相同"
        keys = tuple(one.pk for one in group[:MAX_IN_GROUP])
        entry = distinct.setdefault(
            keys, {"why": [], "customers": group[:MAX_IN_GROUP], "more": len(group) > MAX_IN_GROUP}
        )
        entry["why"].append(why)
    return [{**group, "why": "、".join(group["why"])} for group in list(distinct.values())[:MAX_GROUPS]]
