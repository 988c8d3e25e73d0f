"""客户, 联系人 and 订单 in the global search and in the palette."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from django.db.models import Q

from accounts.models import User
from customers.contacts.models import Contact
from customers.orders.models import Order, OrderQuerySet
from customers.records.models import Customer
from kit.domain.marks import holds, join_facts, mark
from kit.domain.modules import Hit, HitGroup, Step
from kit.domain.search_words import SearchQuery
from kit.domain.urls import page_url, record_url
from kit.pages.html import format_html_fast
from kit.sql.first_rows import first_rows
from kit.sql.id_sets import IdSet

from .conditions import WordConditions
from .customers import Candidate, find_candidates, read_customers
from .reasons import Reasons, mark_name, matching_number, names_word

MIN_ORDER_NUMBER = 4  # signs of an order's number


def find_records(user: User, query: SearchQuery, limit: int) -> Sequence[HitGroup]:
    """Return what the words find: customers, contacts of such customers, and orders by their number."""
    candidates = find_candidates(user, query)
    return [
        _customers(user, query, candidates, limit),
        _contacts(user, query, candidates, limit),
        _orders(user, query, limit),
    ]


def _customers(user: User, query: SearchQuery, candidates: list[Candidate], limit: int) -> HitGroup:
    customers = read_customers(one.pk for one in candidates[:limit])
    reasons = Reasons(user, query, customers)
    hits = [
        Hit(one, mark_name(one.name, query), reasons.why(one), _steps(user, one) if one is customers[0] else ())
        for one in customers
    ]
    listed = f"{page_url('customers:customer_list')}?{urlencode({'status': 'all', 'words': query.typed})}"
    narrow = Step("在客户列表里按这些词筛选", listed, "filter")
    return HitGroup("客户", "building", hits, has_more=len(candidates) > limit, narrow=narrow)


def _steps(user: User, customer: Customer) -> tuple[Step, ...]:
    if not customer.can_contribute(user):
        return ()
    url = record_url("customers:interaction_create", customer.pk)
    return (Step(f"给 {customer} 记交往", url, "message-circle"),)


def _contacts(user: User, query: SearchQuery, candidates: list[Candidate], limit: int) -> HitGroup:
    """Find contacts: each word is in the contact or in its customer, and one at least in the contact."""
    customers = IdSet(one.pk for one in candidates if _may_have_contacts(one, query))
    rows = Contact.objects.filter(customer__in=customers, erased_at=None).select_related(
        "customer__manager", "customer__region", "customer__industry"
    )
    reasons, place = Reasons(user, query, ()), {one.pk: at for at, one in enumerate(candidates)}
    found = [one for one in (rows if customers else ()) if any(reasons.in_contact(one, word) for word in query.words)]
    found = [one for one in found if _has_all_words(one, query, reasons)]
    found.sort(key=lambda one: (place[one.customer_id], not one.is_primary, one.pk))
    hits = [_contact_hit(user, query, one) for one in found[:limit]]
    return HitGroup("联系人", "user", hits, has_more=len(found) > limit)


def _may_have_contacts(candidate: Candidate, query: SearchQuery) -> bool:
    """Tell whether a word is a contact's; of digits the candidate does not say."""
    return any(
        word.number or word.text in candidate.contacts or (word.sound and f"|{word.sound}" in candidate.contacts)
        for word in query.words
    )


def _has_all_words(contact: Contact, query: SearchQuery, reasons: Reasons) -> bool:
    """Tell whether the words that the contact lacks are its customer's, and not another contact's."""
    customer = contact.customer
    texts = [customer.name, customer.number, customer.address, str(customer.region or ""), str(customer.industry or "")]
    return all(
        reasons.in_contact(contact, word) or names_word(customer.name, word) or any(holds(text, word) for text in texts)
        for word in query.words
    )


def _contact_hit(user: User, query: SearchQuery, contact: Contact) -> Hit:
    facts = [mark(contact.position, query)] if contact.position else []
    facts.append(mark_name(contact.customer.name, query))
    if number := matching_number(contact, user, query):
        facts.append(format_html_fast("{}", number))
    return Hit(contact, mark_name(contact.name, query), join_facts(facts))


def _orders(user: User, query: SearchQuery, limit: int) -> HitGroup:
    """Find orders by the beginning of their number; other words are their customer's."""
    numbers = [word for word in query.words if len(word.typed) >= MIN_ORDER_NUMBER and word.code]
    if not numbers or not user.has_perm(OrderQuerySet.view_permission):
        return HitGroup("订单", "receipt", ())
    words, conditions = WordConditions(user, query), []
    for number in numbers:
        condition = Q(number__startswith=number.typed) | Q(number__startswith=number.typed.upper())
        for other in query.words:
            if other is not number:
                condition &= words.word(other, "customer__")
        conditions.append(condition)
    rows = Order.objects.visible_to(user).select_related("customer").order_by("-ordered_at", "-pk")
    found = first_rows(rows, conditions, limit)
    hits = [Hit(one, mark(one.number, query), mark_name(one.customer.name, query)) for one in found[:limit]]
    return HitGroup("订单", "receipt", hits, group="订单与产品", has_more=len(found) > limit)
