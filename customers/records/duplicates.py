"""Find possible duplicates by names and numbers as typed, and say what a user may learn of each.

Inside the user's view a match links to the record; outside only an equal name or a full number is reported, with name,
客户经理 and since when. Reports from outside are counted in the audit log, so that nobody can enumerate records.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, NamedTuple, Protocol

from django.apps import apps
from django.db import models
from django.db.models import Q
from django.urls import reverse

from accounts.models import User
from customers.hooks import KnownLeads
from customers.names import COMPANY_ENDINGS, normalize, pinyin
from kit.domain.folding import fold_code, fold_number, fold_width
from kit.domain.modules import lent

from .lookup_limits import CheckPaused, counted_answers, recently_counted
from .models import Customer

if TYPE_CHECKING:
    from customers.contacts.models import Contact

MIN_PART_LENGTH = 4  # folded characters that identify an organisation
MAX_NAME_LENGTH = 40  # folded characters of a name that are cut into parts
MIN_PHONE_DIGITS = 7  # inside the country
MAX_SIMILAR = 5  # similar records per condition
MAX_IDENTICAL = 20
MOBILE = re.compile(r"1\d{10}")


class SearchTerms(NamedTuple):
    """Name and numbers of an organisation as typed."""

    name: str = ""
    phones: tuple[str, ...] = ()
    license_number: str = ""
    external_number: str = ""
    wechat: str = ""  # of a contact


@dataclass(frozen=True)
class Match:
    """A record that may be the same, and what its reader may learn of it."""

    record: models.Model
    name: str
    role_text: str  # the name behind `role`
    since: datetime | None
    why: str
    url: str = ""  # empty outside the reader's view
    reveals: bool = False  # tells what the reader could not look up
    role: str = "客户经理"
    number: str = ""  # empty outside the reader's view
    advice: str = ""  # what to do

    @property
    def key(self) -> str:
        """Return model and key as the form's hidden field names them, such as customer:12."""
        return f"{self.record._meta.model_name}:{self.record.pk}"

    def __str__(self) -> str:
        return f"{self.name}（{self.role} {self.role_text}）"


IN_VIEW = "请打开核对；是同一家就不用再建，新需求请记在它的交往记录里。"
BEYOND = "请与{}联系；需要由您跟进时，请主管移交。"


# Keys


def pinyin_variants(name: str) -> set[str]:
    """Return the full pinyin of a name, as it stands and with each ending that comparisons ignore."""
    folded = normalize(name)
    return {pinyin(text)[0] for text in (name, folded, *(folded + ending for ending in COMPANY_ENDINGS))}


def name_parts(folded: str) -> set[str]:
    """Return all substrings of a folded name that are long enough to be a name."""
    text = folded[:MAX_NAME_LENGTH]
    ends = range(MIN_PART_LENGTH, len(text) + 1)
    return {text[start:end] for end in ends for start in range(end - MIN_PART_LENGTH + 1)}


def full_numbers(phones: Iterable[str]) -> set[str]:
    """Return the full numbers, folded; shorter ones are extensions."""
    return {number for number in map(fold_number, phones) if len(number) >= MIN_PHONE_DIGITS}


def number_condition(column: str, numbers: Iterable[str]) -> Q:
    """Match rows whose column holds one of the numbers, in any spelling."""
    return reduce(or_, (Q(**{f"{column}__same_number": number}) for number in numbers), Q(pk__in=[]))


def mobile_numbers(phones: Iterable[str]) -> set[str]:
    """Return the mobile numbers, in one spelling."""
    return {number for number in full_numbers(phones) if MOBILE.fullmatch(number)}


def similar_name_condition(name: str) -> Q:
    """Match names that contain each other or sound alike, in models with name_normalized and name_pinyin."""
    folded = normalize(name)
    condition = Q(name_normalized=folded) | Q(name_pinyin__in=pinyin_variants(name))
    if len(folded) >= MIN_PART_LENGTH:
        condition |= Q(name_pinyin__startswith=pinyin(folded)[0])
        condition |= Q(name_normalized__contains_text=folded) | Q(name_normalized__in=name_parts(folded))
    return condition


def same_name_condition(name: str) -> Q:
    return Q(name_normalized=normalize(name))


class RecordWithName(Protocol):
    """A customer or an opportunity: its name as it is compared; None where a row has none yet."""

    @property
    def name_normalized(self) -> str | None: ...

    @property
    def name_pinyin(self) -> str | None: ...


def match_reason(terms: SearchTerms, record: RecordWithName) -> str:
    """Return in what a record equals the typed data."""
    folded, stored = normalize(terms.name) if terms.name else "", record.name_normalized or ""
    if folded and stored == folded:
        return "同名"
    code = fold_code(getattr(record, "license_number", ""))
    if code and code == fold_code(terms.license_number):
        return "统一社会信用代码相同"
    if terms.external_number and getattr(record, "external_number", "") == terms.external_number:
        return "销售系统客户编号相同"
    if folded and stored and (folded in stored or stored in name_parts(folded)):
        return "名称相近"
    if folded and record.name_pinyin in pinyin_variants(terms.name):
        return "读音相同"
    sounds_like = len(folded) >= MIN_PART_LENGTH and (record.name_pinyin or "").startswith(pinyin(folded)[0])
    return "读音相近" if sounds_like else "电话相同"


# Customers


def similar_customers(terms: SearchTerms, by: User, *, exclude: Iterable[int] = ()) -> list[Customer]:
    """Return customers of the same name or number, and inside the view also those of a similar name or phone."""
    rows = Customer.objects.with_owner()
    visible, customers = Q(pk__in=Customer.objects.visible_to(by).order_by().values("pk")), list[Customer]()
    for condition, limit in _search_conditions(terms, visible):
        customers += rows.filter(condition).exclude(pk__in=[*exclude, *(one.pk for one in customers)])[:limit]
    return customers


def _search_conditions(terms: SearchTerms, visible: Q) -> Iterator[tuple[Q, int]]:
    """Yield (condition, limit), the most certain first; each condition is served by its own indexes."""
    code = fold_code(terms.license_number)
    numbers = (("license_number__same_text", code), ("external_number", terms.external_number))
    same = [Q(**{column: value}) for column, value in numbers if value] + [same_name_condition(terms.name)] * bool(
        terms.name
    )
    if same:
        yield reduce(or_, same), MAX_IDENTICAL
    if phones := full_numbers(terms.phones):
        yield number_condition("phone", phones), MAX_SIMILAR
        yield Q(pk__in=_customers_with_contact_phone(phones)) & visible, MAX_SIMILAR
    if terms.name:
        yield similar_name_condition(terms.name) & visible, MAX_SIMILAR


def _customers_with_contact_phone(phones: set[str]) -> list[int]:
    """Return keys of customers with such a number of a contact; one search per index."""
    contacts = apps.get_model("customers", "Contact")._default_manager
    office, mobile = (
        contacts.order_by().filter(number_condition(field, phones)).values_list("customer")
        for field in ("office_phone", "mobile")
    )
    return [pk for (pk,) in office.union(mobile)[: 20 * MAX_SIMILAR]]


def customer_matches(terms: SearchTerms, by: User, *, exclude: Iterable[int] = ()) -> list[Match]:
    customers = similar_customers(terms, by, exclude=exclude)
    rows = Customer.objects.filter(pk__in=[customer.pk for customer in customers]).order_by()
    visible = set(Customer.objects.visible_to(by).filter(pk__in=rows.values("pk")).values_list("pk", flat=True))
    detailed = set(Customer.objects.detailed_for(by).filter(pk__in=rows.values("pk")).values_list("pk", flat=True))
    return [
        Match(
            customer,
            customer.name,
            str(customer.manager),
            customer.owned_since,  # type: ignore[attr-defined]
            reason := match_reason(terms, customer),
            customer.get_absolute_url() if customer.pk in visible else "",
            customer.pk not in visible or (reason == "电话相同" and customer.pk not in detailed),
            number=customer.number if customer.pk in visible else "",
            advice=IN_VIEW if customer.pk in visible else BEYOND.format(customer.manager),
        )
        for customer in customers
    ]


def customer_and_lead_matches(terms: SearchTerms, by: User, *, exclude: Iterable[int] = ()) -> list[Match]:
    """Return matching customers, then open opportunities, for who enters a customer."""
    leads = [match for known in lent(KnownLeads) for match in known.matches(terms, by)]
    return [*customer_matches(terms, by, exclude=exclude), *leads]


def contact_matches(customer: Customer, terms: SearchTerms, *, exclude: int | None = None) -> list[Match]:
    """Return contacts of one customer with the same folded name, mobile number or 微信号; who may add one sees all.

    Fixed lines are not compared: colleagues share a switchboard.
    """
    matches = []
    for contact in customer.contacts.filter(erased_at=None).exclude(pk=exclude or 0):
        if reason := _why_same_contact(terms, contact):
            url = reverse("customers:contact_update", args=[customer.pk, contact.pk])
            matches.append(Match(contact, contact.name, contact.position, None, reason, url, role="职位"))
    return matches


def _why_same_contact(terms: SearchTerms, contact: Contact) -> str:
    """Return in what a contact equals the typed data, or nothing. A 微信号 may be the mobile number."""
    if terms.name and normalize(contact.name) == normalize(terms.name):
        return "同名"
    if terms.wechat and fold_width(contact.wechat).casefold() == fold_width(terms.wechat).casefold():
        return "微信号相同"
    stored = mobile_numbers((contact.office_phone, contact.mobile, contact.wechat))
    return "电话相同" if stored & mobile_numbers((*terms.phones, terms.wechat)) else ""


# Answers


def find_while_typing(by: User, find: Callable[[], list[Match]]) -> tuple[list[Match], bool]:
    """Return the matches to show while the user types, and whether those outside the view are withheld.

    What the user was told within the last minute is told again without being counted again.
    """
    matches = find()
    try:
        with counted_answers(by) as count:
            for match in (one for one in matches if one.reveals):
                if match.record.pk not in recently_counted(by, type(match.record)):
                    count(match.record, match.why)
    except CheckPaused:
        return [match for match in matches if not match.reveals], True
    return matches, False


def find_unconfirmed(by: User, find: Callable[[], list[Match]], confirmed: Iterable[str] = ()) -> list[Match]:
    """Return matches that the user has not confirmed yet; count in the audit log what they reveal.

    Raises CheckPaused before looking: that nothing matches would be an answer as well.
    """
    with counted_answers(by) as count:
        matches = [match for match in find() if match.key not in confirmed]
        for match in matches:
            if match.reveals:
                count(match.record, match.why)
    return matches
