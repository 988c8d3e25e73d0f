"""Which customers some words mean: every word in one of the columns of SearchText that the user may search."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import and_, or_

from django.db.models import Q

from accounts.contact_details.masking import may_search_number
from accounts.models import User
from basedata.models import DictionaryEntry
from customers.records.field_labels import entry_categories
from customers.records.models import Customer
from customers.records.search_text import code_token, entry_token
from kit.domain.folding import fold_name
from kit.domain.search_words import SearchQuery, Word
from kit.sql.search_terms import HasTerms, all_of, any_of, number_terms, sound_term, text_terms, whole_term

TEXTS, NUMBERS = ("names", "address", "contacts", "entries"), ("phones", "contact_phones")  # as the index has them
CATEGORIES = entry_categories(("region", "industry")).values()


class WordConditions:
    """The words of a query, none of them mere punctuation, as conditions on customers, or on rows that belong to one.

    path: from the rows to the customer, "" or as customer__.
    """

    def __init__(self, user: User, query: SearchQuery) -> None:
        self.user, self.query = user, query
        items = query.once(DictionaryEntry, _read_entries)
        self.entries = {word: [key for key, item in items if word.text in item] for word in query.words}
        self.numbers = {word: may_search_number(user, word.number) for word in query.words if word.number}

    def all_words(self, path: str = "") -> Q:
        """Match customers that have every word; the index finds them by the rarest."""
        return self.terms(path) & self.compared(path)

    def compared(self, path: str = "") -> Q:
        """Match the same by comparing alone."""
        return reduce(and_, (self.word(word, path) for word in self.query.words))

    def terms(self, path: str = "") -> Q:
        texts, numbers = ([f"{path}search_text__{name}" for name in names] for names in (TEXTS, NUMBERS))
        return Q(HasTerms(texts, numbers, all_of(any_of(self._terms(word)) for word in self.query.words)))

    def word(self, word: Word, path: str = "") -> Q:
        """Match customers that have the word in one of the columns."""
        column = f"{path}search_text__{{}}__contains_plain"
        tokens = [(name, text) for name, texts in self._texts(word).items() for text in texts]
        found = [Q(**{column.format(name): text}) for name, text in tokens]
        if digits := self._digits(word):
            numbers = [Q(**{column.format(name): text}) for name in NUMBERS for text in digits]
            found.append(self._in_detail(reduce(or_, numbers), path))
        return reduce(or_, found, Q())

    def _texts(self, word: Word) -> dict[str, list[str]]:
        """Return {column: texts} of which one must be in it."""
        sounds = [f"|{word.sound}"] if word.sound else []
        codes = [f"|{code_token(word.typed)}|"] if word.code else []
        return {
            "names": [word.text, *sounds, *codes],
            "address": [word.text],
            "contacts": [word.text, *sounds],
            "entries": [f"|{entry_token(key)}|" for key in self.entries[word]],
        }

    def _terms(self, word: Word) -> Iterable[str]:
        yield text_terms(word.text)
        if word.sound:
            yield sound_term(word.sound)
        if word.code:
            yield whole_term(code_token(word.typed))
        yield from (whole_term(entry_token(key)) for key in self.entries[word])
        if self._digits(word):
            yield from (number_terms(digits) for digits, _ in word.digits)

    def _digits(self, word: Word) -> list[str]:
        """Return the digits to look for among the numbers, [] when the user may not search them."""
        if not self.numbers.get(word):
            return []
        return [f"|{digits}" if begins else digits for digits, begins in word.digits]

    def _in_detail(self, condition: Q, path: str) -> Q:
        """Limit a condition on numbers to the customers whose numbers the user sees."""
        shown = Customer.objects.all().shown_in_detail(self.user)
        return condition if shown is None else condition & _along(shown, path)


def _read_entries() -> list[tuple[int, str]]:
    rows = DictionaryEntry.objects.filter(category__in=CATEGORIES).order_by().values_list("pk", "item")
    return [(key, fold_name(item)) for key, item in rows]


def _along(condition: Q, path: str) -> Q:
    """Return the condition on customers as one on rows that lead to them."""
    if not path:
        return condition
    return Q(**{f"{path.removesuffix('__')}__in": Customer.objects.filter(condition)})
