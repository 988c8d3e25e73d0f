"""Service requests in the global search: each word in the request itself or in what its customer is found by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from operator import and_, or_

from django.db.models import Q

from accounts.models import User
from customers.models import Customer
from customers.search.customers import find_candidates
from customers.search.reasons import mark_name
from kit.domain.marks import join_facts, mark
from kit.domain.modules import Hit, HitGroup
from kit.domain.search_words import SearchQuery, Word
from kit.pages.html import format_html_fast
from kit.sql.first_rows import first_rows
from kit.sql.id_sets import IdSet

from .requests.models import ServiceRequest

TEXTS = ("number", "summary", "organisation")


def find_records(user: User, query: SearchQuery, limit: int) -> Sequence[HitGroup]:
    """Return the newest requests in view that have all words."""
    rows = ServiceRequest.objects.visible_to(user).select_related("kind", "customer", "assignee")
    rows = rows.order_by("-created_at", "-pk")
    conditions = _conditions(user, query)
    found = first_rows(rows, conditions, limit)
    if len(found) <= limit and len(query.words) > 1:
        found = first_rows(rows, [*conditions, *_shared(user, query)], limit)
    hits = [_hit(query, one) for one in found[:limit]]
    return [HitGroup("服务请求", "headset", hits, group="机会与服务", has_more=len(found) > limit)]


def _conditions(user: User, query: SearchQuery) -> list[Q]:
    """Return the ways to find a request: by itself, by its customer's name, by what its customer is found by."""
    named = reduce(and_, (Q(name__contains_text=word.typed) for word in query.words))
    return [
        reduce(and_, map(_own, query.words)),
        Q(customer__in=Customer.objects.filter(named).values("pk")),
        _of_customers(user, query),
    ]


def _shared(user: User, query: SearchQuery) -> Iterator[Q]:
    """Yield the ways to find it by one word of its own, the others being its customer's."""
    for word in query.words:
        yield _own(word) & _of_customers(user, query.without(word))


def _of_customers(user: User, query: SearchQuery) -> Q:
    """Match the requests of customers that were found: of a join PostgreSQL would read all requests."""
    return Q(customer__in=IdSet(one.pk for one in find_candidates(user, query)))


def _own(word: Word) -> Q:
    return reduce(or_, (Q(**{f"{name}__contains_text": word.typed}) for name in TEXTS))


def _hit(query: SearchQuery, one: ServiceRequest) -> Hit:
    facts = [mark(one.number, query), format_html_fast("{}", one.kind), mark_name(str(one.party), query)]
    facts += [format_html_fast("{}", part) for part in (one.get_status_display(), one.assignee) if part]
    return Hit(one, mark(one.summary, query), join_facts(facts))
