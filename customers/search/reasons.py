"""Why a customer was found: the words marked in its name, and for every other word where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.utils.safestring import SafeString

from accounts.models import User
from customers.contacts.models import Contact
from customers.contacts.search_text import NUMBERS
from customers.names import spoken_signs
from customers.records.models import Customer
from customers.records.search_text import FormerName, code_token
from kit.domain.days import show_day
from kit.domain.folding import folding_table
from kit.domain.marks import Span, holds, join_facts, mark, mark_number, number_spans, spans
from kit.domain.search_words import SearchQuery, Word
from kit.pages.html import format_html_fast, join_html


def mark_name(name: str, query: SearchQuery) -> SafeString:
    """Return a name with the words in <mark>, also where they are its pinyin."""
    return mark(name, query, [span for word in query.words for span in _spoken(name, word)])


def names_word(name: str, word: Word) -> bool:
    return holds(name, word) or bool(_spoken(name, word))


def _spoken(name: str, word: Word) -> list[Span]:
    """Return the place of the characters that the word is the pinyin of."""
    if not word.sound or spans(name, word):
        return []
    first, end = spoken_signs(name, word.sound.lower())
    return [(_place_of(name, first + 1) - 1, _place_of(name, end))] if end else []


def _place_of(name: str, count: int) -> int:
    """Return where the name has so many folded signs."""
    table, folded = folding_table(), 0
    for place, sign in enumerate(name, 1):
        folded += len(sign.translate(table))
        if folded >= count:
            return place
    return len(name)


class Reasons:
    """What is said of customers that were found, read for all of them at once."""

    def __init__(self, user: User, query: SearchQuery, customers: Sequence[Customer]) -> None:
        self.user, self.query = user, query
        self.contacts: dict[int, list[Contact]] = {}
        self.former: dict[int, list[tuple[str, str, str]]] = {}
        missing = {one.pk: one for one in customers if any(not self._is_told(one, word) for word in query.words)}
        if missing:
            for contact in Contact.objects.filter(customer__in=missing, erased_at=None):
                contact.customer = missing[contact.customer_id]
                self.contacts.setdefault(contact.customer_id, []).append(contact)
            self._read_former(list(missing))

    def _read_former(self, keys: list[int]) -> None:
        """Read names and numbers of before: former ones, and those of what was merged into the customers."""
        names = FormerName.objects.filter(customer__in=keys).values_list("customer_id", "name")
        merged = Customer.objects.filter(merged_into__in=keys).order_by("pk")
        for key, name in names:
            self.former.setdefault(key, []).append((name, "", ""))
        codes = ("external_number", "license_number")
        for key, name, number, *others in merged.values_list("merged_into", "name", "number", *codes):
            self.former.setdefault(key, []).append((name, number, next((c for c in others if self._is_code(c)), "")))

    def _is_code(self, code: str) -> bool:
        return bool(code) and any(code_token(word.typed) == code_token(code) for word in self.query.words)

    def _is_told(self, customer: Customer, word: Word) -> bool:
        return names_word(customer.name, word) or holds(customer.number, word)

    def why(self, customer: Customer) -> SafeString:
        """Return the second line of a customer."""
        told = [word for word in self.query.words if not names_word(customer.name, word)]
        facts = list(self._facts(customer, told))
        facts.append(format_html_fast("客户经理 {}", customer.manager))
        if customer.last_purchase_on:
            facts.append(format_html_fast("上次下单 {}", show_day(customer.last_purchase_on)))
        return join_facts(facts)

    def _facts(self, customer: Customer, words: list[Word]) -> Iterable[SafeString]:
        """Yield where each of the words stands, the nearest place first."""
        left = [word for word in words if not holds(customer.number, word)]
        yield mark(customer.number, self.query)
        for contact in self.contacts.get(customer.pk, ()):
            shown = [word for word in left if self.in_contact(contact, word)]
            if shown:
                yield self.contact_line(contact)
                left = [word for word in left if word not in shown]
        for label, name in (("地区", customer.region), ("行业", customer.industry), ("地址", customer.address)):
            if any(holds(str(name or ""), word) for word in left):
                yield format_html_fast("{} {}", label, mark(str(name), self.query))
                left = [word for word in left if not holds(str(name), word)]
        if left and any(number_spans(customer.phone, word) for word in left) and customer.shows_details_to(self.user):
            yield format_html_fast("电话 {}", mark_number(customer.phone, self.query))
        yield from self._codes_and_former(customer, left)

    def _codes_and_former(self, customer: Customer, words: list[Word]) -> Iterable[SafeString]:
        for label, code in (("销售系统编号", customer.external_number), ("信用代码", customer.license_number)):
            if self._is_code(code):
                yield format_html_fast("{} <mark>{}</mark>", label, code)
        for name, number, code in self.former.get(customer.pk, ()):
            if any(names_word(name, word) or holds(number, word) for word in words) or code:
                shown = format_html_fast(" <mark>{}</mark>", code) if code else ""
                yield format_html_fast("曾用 {} {}{}", mark_name(name, self.query), mark(number, self.query), shown)

    def in_contact(self, contact: Contact, word: Word) -> bool:
        """Tell whether a contact has the word, in what the user sees of it."""
        if names_word(contact.name, word) or holds(contact.position, word):
            return True
        is_number = any(number_spans(getattr(contact, name), word) for name in NUMBERS)
        return (is_number or holds(contact.wechat, word)) and contact_is_shown(contact, self.user)

    def contact_line(self, contact: Contact) -> SafeString:
        parts = [format_html_fast("联系人 {}", mark_name(contact.name, self.query))]
        if contact.position:
            parts.append(format_html_fast("，{}", mark(contact.position, self.query)))
        if number := matching_number(contact, self.user, self.query):
            parts.append(format_html_fast(" {}", number))
        elif any(holds(contact.wechat, word) for word in self.query.words) and contact_is_shown(contact, self.user):
            parts.append(format_html_fast(" 微信 {}", mark(contact.wechat, self.query)))
        return join_html(parts)


def contact_is_shown(contact: Contact, user: User) -> bool:
    """Whether the user sees the contact's numbers in full."""
    return contact.shows_details_to(user)


def matching_number(contact: Contact, user: User, query: SearchQuery) -> SafeString | str:
    """Return the contact's number that was looked for, marked; "" when none was, or the user may not see it."""
    numbers = [getattr(contact, name) for name in NUMBERS]
    found = next((one for one in numbers if any(number_spans(one, word) for word in query.words)), "")
    return mark_number(found, query) if found and contact_is_shown(contact, user) else ""
