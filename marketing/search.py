"""Opportunities in the global search: each word in customer, summary, contact, number or phone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import and_

from django.db.models import Q

from accounts.contact_details.masking import may_search_number
from accounts.models import User
from kit.domain.marks import holds, join_facts, mark, mark_number, number_spans
from kit.domain.modules import Hit, HitGroup
from kit.domain.money import format_money
from kit.domain.search_words import SearchQuery, Word
from kit.pages.html import format_html_fast
from kit.sql.first_rows import first_rows

from .opportunities.models import Opportunity

TEXTS = ("customer_name", "summary", "contact_name")
MAX_KEY_DIGITS = 18


def find_records(user: User, query: SearchQuery, limit: int) -> Sequence[HitGroup]:
    """Return the newest opportunities in view that have all words."""
    rows = Opportunity.objects.visible_to(user).select_related("assignee", "created_by")
    rows = rows.order_by("-created_at", "-pk")
    found = first_rows(rows, [reduce(and_, (_has(user, word) for word in query.words))], limit)
    hits = [_hit(user, query, one) for one in found[:limit]]
    return [HitGroup("销售机会", "target-arrow", hits, group="机会与服务", has_more=len(found) > limit)]


def _has(user: User, word: Word) -> Q:
    condition = Q()
    for name in TEXTS:
        condition |= Q(**{f"{name}__contains_text": word.typed})
    if word.typed.isdecimal() and len(word.typed) <= MAX_KEY_DIGITS:
        condition |= Q(pk=int(word.typed))
    if word.number and may_search_number(user, word.number):
        numbers = Opportunity.objects.detailed_for(user).filter(contact_phone__contains_number=word.typed)
        condition |= Q(pk__in=numbers.values("pk"))
    return condition


def _hit(user: User, query: SearchQuery, one: Opportunity) -> Hit:
    facts = [mark(one.summary, query), format_html_fast("编号 {}", mark(str(one.pk), query))]
    words = query.words
    if any(holds(one.contact_name, word) for word in words):
        facts.append(format_html_fast("联系人 {}", mark(one.contact_name, query)))
    if any(number_spans(one.contact_phone, word) for word in words) and one.shows_details_to(user):
        facts.append(format_html_fast("电话 {}", mark_number(one.contact_phone, query)))
    facts.append(format_html_fast("{}", one.get_status_display()))
    if one.expected_amount:
        facts.append(format_html_fast("预计 {} 元", format_money(one.expected_amount)))
    if one.assignee:
        facts.append(format_html_fast("{}", one.assignee))
    return Hit(one, mark(one.customer_name, query), join_facts(facts))
