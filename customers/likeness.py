"""Is it here already? What a name and numbers typed by hand look like, and who is told what of it.

Inside one's view a match leads to the record; beyond it only the same name or a full number is answered, with name,
客户经理 and since when. Answers from beyond are counted in the audit trail, so that nobody asks for all there is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

from django.db.models import Q
from django.urls import reverse

from accounts.models import User
from kit.domain.folding import fold_code, fold_number

from .beyond import counted_answers
from .models import Contact, Customer
from .names import ENDINGS, normalize, pinyin

MIN_PART_LENGTH, MAX_NAME_LENGTH = (
    4,
    40,
)  # folded characters that say enough; of a longer name only the beginning is cut
MIN_PHONE_DIGITS = 7  # digits inside the country
SHOWN, MAX_IDENTICAL = 5, 20
MOBILE = re.compile(r"1\d{10}")


class Sought(NamedTuple):
    """What somebody typed of an organisation."""

    name: str = ""
    phones: tuple[str, ...] = ()
    license_number: str = ""
    external_number: str = ""


@dataclass(frozen=True)
class Match:
    """A record that may be the same. url: empty for whoever does not see it."""

    record: Any
    name: str
    keeper: str
    since: datetime | None
    why: str
    url: str = ""
    reveals: bool = False  # tells what its reader could not find out by looking
    role: str = "客户经理"
    number: str = ""  # in view only

    @property
    def key(self) -> str:
        """customer:12, as an answer names it."""
        return f"{self.record._meta.model_name}:{self.record.pk}"

    def __str__(self) -> str:
        return f"{self.name}（{self.role} {self.keeper}）"


# Keys


def pinyin_variants(name: str) -> set[str]:
    """The full pinyin of a name, as it stands and with every ending that makes no difference."""
    folded = normalize(name)
    return {pinyin(text)[0] for text in (name, folded, *(folded + ending for ending in ENDINGS))}


def name_parts(folded: str) -> set[str]:
    """Every part of a folded name that is long enough to be a name of its own."""
    kept = folded[:MAX_NAME_LENGTH]
    ends = range(MIN_PART_LENGTH, len(kept) + 1)
    return {kept[start:end] for end in ends for start in range(end - MIN_PART_LENGTH + 1)}


def whole(phones: Iterable[str]) -> set[str]:
    """Full numbers among them, folded: shorter ones are extensions."""
    return {number for number in map(fold_number, phones) if len(number) >= MIN_PHONE_DIGITS}


def with_number(column: str, numbers: Iterable[str]) -> Q:
    """Rows whose column is one of the numbers, however it is written."""
    return reduce(or_, (Q(**{f"{column}__same_number": number}) for number in numbers), Q(pk__in=[]))


def mobile_numbers(phones: Iterable[str]) -> set[str]:
    """The mobile numbers among them, in one spelling."""
    return {number for number in whole(phones) if MOBILE.fullmatch(number)}


def named_near(name: str) -> Q:
    """One name contains the other, or both are read alike: rows with name_normalized and name_pinyin."""
    folded = normalize(name)
    near = Q(name_normalized=folded) | Q(name_pinyin__in=pinyin_variants(name))
    if len(folded) >= MIN_PART_LENGTH:
        near |= Q(name_normalized__contains_text=folded) | Q(name_normalized__in=name_parts(folded))
    return near


def same_name(name: str) -> Q:
    return Q(name_normalized=normalize(name))


def why(sought: Sought, found: Any) -> str:
    """How a record is like what was typed. found: name_normalized, name_pinyin, and a customer's numbers."""
    folded = normalize(sought.name) if sought.name else ""
    if folded and found.name_normalized == folded:
        return "同名"
    code = fold_code(getattr(found, "license_number", ""))
    if code and code == fold_code(sought.license_number):
        return "统一社会信用代码相同"
    if sought.external_number and getattr(found, "external_number", "") == sought.external_number:
        return "销售系统客户编号相同"
    if folded and (folded in found.name_normalized or found.name_normalized in name_parts(folded)):
        return "名称相近"
    return "读音相同" if folded and found.name_pinyin in pinyin_variants(sought.name) else "电话相同"


# Customers


def alike(sought: Sought, by: User, *, but: Iterable[int] = ()) -> list[Customer]:
    """Customers anywhere with the same name or number; and those in view of a name or a number like it."""
    rows = Customer.objects.with_keeper()
    mine, found = Q(pk__in=Customer.objects.visible_to(by).order_by().values("pk")), list[Customer]()
    for condition, limit in _conditions(sought, mine):
        found += rows.filter(condition).exclude(pk__in=[*but, *(customer.pk for customer in found)])[:limit]
    return found


def _conditions(sought: Sought, mine: Q) -> Iterator[tuple[Q, int]]:
    """(what is looked for, how many of them are enough), the surest first, each served by its own indexes."""
    code = fold_code(sought.license_number)
    numbers = (("license_number__same_text", code), ("external_number", sought.external_number))
    same = [Q(**{column: value}) for column, value in numbers if value] + [same_name(sought.name)] * bool(sought.name)
    if same:
        yield reduce(or_, same), MAX_IDENTICAL
    if wanted := whole(sought.phones):
        yield with_number("phone", wanted), SHOWN
        yield Q(pk__in=_customers_with_contact_phone(wanted)) & mine, SHOWN
    if sought.name:
        yield named_near(sought.name) & mine, SHOWN


def _customers_with_contact_phone(wanted: set[str]) -> list[int]:
    """Customers with such a number of a contact; one search per index."""
    found = [
        Contact.objects.order_by().filter(with_number(field, wanted)).values_list("customer")
        for field in ("office_phone", "mobile")
    ]
    return [pk for (pk,) in found[0].union(found[1])[: 20 * SHOWN]]


def customer_matches(sought: Sought, by: User, *, but: Iterable[int] = ()) -> list[Match]:
    found = alike(sought, by, but=but)
    rows = Customer.objects.filter(pk__in=[customer.pk for customer in found]).order_by()
    seen = set(Customer.objects.visible_to(by).filter(pk__in=rows.values("pk")).values_list("pk", flat=True))
    told = set(Customer.objects.detailed_for(by).filter(pk__in=rows.values("pk")).values_list("pk", flat=True))
    return [
        Match(
            customer,
            customer.name,
            str(customer.manager),
            customer.kept_since,  # type: ignore[attr-defined]
            reason := why(sought, customer),
            customer.get_absolute_url() if customer.pk in seen else "",
            customer.pk not in seen or (reason == "电话相同" and customer.pk not in told),
            number=customer.number if customer.pk in seen else "",
        )
        for customer in found
    ]


def contact_matches(customer: Customer, name: str, phones: Iterable[str], *, but: int | None = None) -> list[Match]:
    """Contacts of one customer with the same folded name or one of the numbers; who may add one sees them all.

    A fixed line says nothing: colleagues share the one of their switchboard.
    """
    wanted = mobile_numbers(phones)
    found = []
    for contact in customer.contacts.filter(erased_at=None).exclude(pk=but or 0):
        numbers = mobile_numbers((contact.office_phone, contact.mobile))
        reason = (
            "同名" if name and normalize(contact.name) == normalize(name) else "电话相同" if numbers & wanted else ""
        )
        if reason:
            url = reverse("customers:contact_update", args=[customer.pk, contact.pk])
            found.append(Match(contact, contact.name, contact.position, None, reason, url, role="职位"))
    return found


# Answers


def ask(by: User, find: Callable[[], list[Match]], answered: Iterable[str] = ()) -> list[Match]:
    """What was found and not answered before; what it reveals is counted in the audit trail. Raises CheckPaused.

    Paused, it does not even look: that nothing is found would be an answer as well.
    """
    with counted_answers(by) as tell:
        found = [match for match in find() if match.key not in answered]
        for match in found:
            if match.reveals:
                tell(match.record, match.why)
    return found
