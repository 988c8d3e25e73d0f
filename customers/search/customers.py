"""Customers that some words find: by exact number, beginning of the name, name, contact, the rest; mine first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import User
from customers.contacts.models import Contact, ContactQuerySet
from customers.records.models import Customer, CustomerQuerySet
from customers.records.search_text import INNER, code_token
from kit.domain.search_words import SearchQuery, Word
from kit.sql.id_sets import IdSet

from .conditions import WordConditions

LISTED = 3000  # customers that a list names by their keys
ENOUGH = 300  # of more customers only those that begin with a word, and one's own, are sure to be among the ranked
READ = ("pk", "manager_id", "name_pinyin", "search_text__names", "search_text__contacts")


class Rank(IntEnum):
    NUMBER, BEGINS, NAME, CONTACT, REST = range(5)


@dataclass(frozen=True)
class Candidate:
    """A customer that has all words, with what its rank is read from."""

    pk: int
    manager_id: int
    pinyin: str
    names: str
    contacts: str

    def rank(self, query: SearchQuery) -> Rank:
        words = query.words
        if any(f"|{word.text}|" in self.names or f"|{code_token(word.typed)}|" in self.names for word in words):
            return Rank.NUMBER
        if any(self._begins(word) for word in words):
            return Rank.BEGINS
        if all(_is_in(self.names, word) for word in words):
            return Rank.NAME
        if all(_is_in(self.names, word) or _is_in(self.contacts, word) for word in words):
            return Rank.CONTACT
        return Rank.REST

    def _begins(self, word: Word) -> bool:
        beginnings = self.names.partition(f"|{INNER}|")[0]
        return beginnings.startswith(f"|{word.text}") or bool(word.sound and f"|{word.sound}" in beginnings)


def _is_in(texts: str, word: Word) -> bool:
    return word.text in texts or bool(word.sound and f"|{word.sound}" in texts)


def find_candidates(user: User, query: SearchQuery) -> list[Candidate]:
    """Return the customers in view that have all words, best first; a search reads them once, whoever asks."""
    if not _has_words(query):
        return []
    found: list[Candidate] = query.once((Candidate, user.pk, query.words), lambda: _find_candidates(user, query))
    return found


def has_all_words(user: User, query: SearchQuery) -> Q:
    """Return the condition on customers in view that find_candidates() finds, however many.

    Few are found by their terms first, and named: to a list in its order PostgreSQL would read all customers, newest
    first, comparing each. Of many the first page is soon full that way, and terms would only be computed in vain.
    """
    if not _has_words(query):
        return Q(pk__in=IdSet(()))
    words, keys = WordConditions(user, query), set[int]()
    for part in Customer.objects.visible_to(user).disjoint_parts():
        keys.update(part.filter(words.all_words()).order_by().values_list("pk", flat=True)[: LISTED + 1])
    written = set[int]()
    if len(query.words) == 1:
        written.update(_written_to(user, query).values_list("customer", flat=True))
    if len(keys) <= LISTED:
        return Q(pk__in=IdSet(keys | written))
    return words.compared() | Q(pk__in=IdSet(written)) if written else words.compared()


def _has_words(query: SearchQuery) -> bool:
    return bool(query) and bool(query.words[0].text)


def _written_to(user: User, query: SearchQuery) -> ContactQuerySet:
    return Contact.objects.found_by_wechat(query.words[0].typed, user)


def _find_candidates(user: User, query: SearchQuery) -> list[Candidate]:
    condition = WordConditions(user, query).all_words()
    rows = Customer.objects.visible_to(user)
    found = {one.pk: one for one in _read(rows, condition)}
    if len(found) >= ENOUGH:
        for narrower in (Q(manager=user), _begins_with(query)):
            found |= {one.pk: one for one in _read(rows.filter(narrower), condition)}
    if len(query.words) == 1:
        written = _written_to(user, query).values("customer")
        found |= {one.pk: one for one in _read(rows, Q(pk__in=written))}
    return sorted(found.values(), key=lambda one: (one.rank(query), one.manager_id != user.pk, one.pinyin, one.pk))


def _read(rows: CustomerQuerySet, condition: Q) -> Iterator[Candidate]:
    """Read from each alternative of a scope by itself: each has an index of its own."""
    for part in rows.disjoint_parts():
        columns: Any = part.filter(condition).order_by().values_list(*READ)
        yield from (Candidate(*values) for values in columns[:ENOUGH])


def _begins_with(query: SearchQuery) -> Q:
    begins = Q()
    for word in query.words:
        begins |= Q(name_normalized__startswith=word.text) | Q(number__iexact=word.typed)
    return begins


def find_customers(user: User, query: SearchQuery, limit: int) -> list[Customer]:
    """Return the first customers in view that have all words."""
    return read_customers([one.pk for one in find_candidates(user, query)[:limit]])


def read_customers(keys: Iterable[int]) -> list[Customer]:
    """Return these customers in this order, with what is said of one that was found."""
    order = list(keys)
    rows: QuerySet[Customer] = Customer.objects.filter(pk__in=IdSet(order))
    by_key = {one.pk: one for one in rows.select_related("manager", "region", "industry")}
    return [by_key[key] for key in order if key in by_key]
