"""Products in the global search: each word in number, name, model or batch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import and_, or_

from django.db.models import Q

from kit.domain.actor import Actor
from kit.domain.marks import join_facts, mark
from kit.domain.modules import Hit, HitGroup
from kit.domain.search_words import SearchQuery
from kit.pages.html import format_html_fast

from .mirror.models import Product

TEXTS = ("number", "name", "model", "batch")


def find_records(user: Actor, query: SearchQuery, limit: int) -> Sequence[HitGroup]:
    """Return the products that have all words, in the order of their numbers."""
    words = (reduce(or_, (Q(**{f"{name}__contains_text": word.typed}) for name in TEXTS)) for word in query.words)
    rows = Product.objects.visible_to(user).filter(reduce(and_, words))
    found = list(rows.order_by("number")[: limit + 1])
    hits = [_hit(query, one) for one in found[:limit]]
    return [HitGroup("产品", "database", hits, group="订单与产品", has_more=len(found) > limit)]


def _hit(query: SearchQuery, one: Product) -> Hit:
    facts = [mark(one.number, query), *(mark(text, query) for text in (one.model, one.batch) if text)]
    if one.is_discontinued:
        facts.append(format_html_fast("{}", "已下架"))
    return Hit(one, mark(one.name, query), join_facts(facts))
