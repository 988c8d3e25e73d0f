"""Service requests in the global search: each word in the request itself or in what its customer is found by."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import and_, or_

from django.db.models import Q

from accounts.models import User
from customers.search.conditions import WordConditions
from customers.search.reasons import mark_name
from kit.domain.marks import join_facts, mark
from kit.domain.modules import Hit, HitGroup
from kit.domain.search_words import SearchQuery, Word
from kit.pages.html import format_html_fast
from kit.sql.first_rows import first_rows

from .requests.models import ServiceRequest

TEXTS = ("number", "summary", "organisation")


def find_records(user: User, query: SearchQuery, limit: int) -> Sequence[HitGroup]:
    """Return the newest requests in view that have all words."""
    rows = ServiceRequest.objects.visible_to(user).select_related("kind", "customer", "assignee")
    found = first_rows(rows.order_by("-created_at", "-pk"), _conditions(user, query), limit)
    hits = [_hit(query, one) for one in found[:limit]]
    return [HitGroup("服务请求", "headset", hits, group="机会与服务", has_more=len(found) > limit)]


def _conditions(user: User, query: SearchQuery) -> list[Q]:
    """Return the ways to find a request, each with an index: by itself, by its customer, by both."""
    own = [_own(word) for word in query.words]
    if not query.words[0].text:
        return [reduce(and_, own)]
    words = WordConditions(user, query)
    customer = [words.word(word, "customer__") for word in query.words]
    either = reduce(and_, (one | other for one, other in zip(own, customer, strict=True)))
    by_customer = words.all_words("customer__")
    return [reduce(and_, own), by_customer, *([reduce(or_, own) & either] if len(own) > 1 else [])]


def _own(word: Word) -> Q:
    return reduce(or_, (Q(**{f"{name}__contains_text": word.typed}) for name in TEXTS))


def _hit(query: SearchQuery, one: ServiceRequest) -> Hit:
    facts = [mark(one.number, query), format_html_fast("{}", one.kind), mark_name(str(one.party), query)]
    facts += [format_html_fast("{}", part) for part in (one.get_status_display(), one.assignee) if part]
    return Hit(one, mark(one.summary, query), join_facts(facts))
