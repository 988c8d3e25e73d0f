"""Find the requesting customer: in view by part of the name, company-wide by exact number, phone or name."""

from __future__ import annotations

from django.db.models import Q

from accounts.models import User
from customers.contacts.callers import customers_by_phone
from customers.models import Customer
from customers.querysets import sounds_like
from customers.records.lookup_limits import LookupResult, look_up
from kit.domain.folding import fold_code, looks_like_number

LIMIT = 10


def find_customers(user: User, text: str, *, beyond: bool = True) -> LookupResult:
    """Return customers in view by name, number, pinyin or phone; with beyond also exact matches out of view."""
    text = text.strip()
    if not text:
        return LookupResult([], [])
    exact = {customer.pk: customer for customer in find_exact(text)}
    match = Q(name__contains_text=text) | Q(pk__in=list(exact))
    if number := fold_code(text):
        match |= Q(number__startswith=number)
    if looks_like_number(text):  # part of a number that is masked for the user matches nothing
        match |= Q(pk__in=Customer.objects.detailed_for(user).filter(phone__contains_number=text).values("pk"))
    if sounds := sounds_like(text):
        match |= sounds
    visible = Customer.objects.visible_to(user)
    customers = list(visible.filter(match).select_related("manager").order_by("name_pinyin", "pk")[:LIMIT])
    return look_up(user, exact.values())._replace(seen=customers) if beyond else LookupResult(customers, [])


def find_exact(text: str) -> list[Customer]:
    """Return customers of any owner with exactly this number, phone or full name."""
    number = fold_code(text.partition(" ")[0])
    by_number = list(Customer.objects.current().filter(number=number).select_related("manager"))
    if by_number:
        return by_number
    by_name = list(Customer.objects.named_like(text)[:LIMIT])
    return by_name or list(customers_by_phone(text).select_related("manager").order_by("pk")[:LIMIT])


def caller_text(user: User, customer: Customer) -> str:
    """Return the form's text for a customer: number and name, or only the name when out of view."""
    visible = Customer.objects.visible_to(user).filter(pk=customer.pk).exists()
    return f"{customer.number} {customer.name}" if visible else customer.name
