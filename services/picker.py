"""Finding the customer who asks: in view by a part of the name, company-wide by what only he can tell."""

from __future__ import annotations

from django.db.models import Q

from accounts.models import User
from customers.beyond import Found, look_up
from customers.callers import customers_of_phone
from customers.models import Customer
from customers.models.rows import sounds_like
from kit.domain.folding import fold_code, looks_like_number

LIMIT = 10


def offered(user: User, text: str, *, beyond: bool = True) -> Found:
    """Customers in view by name, number, pinyin initials or phone; and beyond it a colleague's, matched exactly."""
    text = text.strip()
    if not text:
        return Found([], [])
    known = {customer.pk: customer for customer in find_exact(text)}
    match = Q(name__contains_text=text) | Q(pk__in=list(known))
    if number := fold_code(text):
        match |= Q(number__startswith=number)
    if looks_like_number(text):  # a part of a number that is masked for him finds nothing
        match |= Q(pk__in=Customer.objects.detailed_for(user).filter(phone__contains_number=text).values("pk"))
    if sounds := sounds_like(text):
        match |= sounds
    visible = Customer.objects.visible_to(user)
    found = list(visible.filter(match).select_related("manager").order_by("name_pinyin", "pk")[:LIMIT])
    return look_up(user, known.values())._replace(seen=found) if beyond else Found(found, [])


def find_exact(text: str) -> list[Customer]:
    """Any customer of the company with exactly this number, phone or full name, whoever keeps it."""
    number = fold_code(text.partition(" ")[0])
    numbered = list(Customer.objects.current().filter(number=number).select_related("manager"))
    if numbered:
        return numbered
    named = list(Customer.objects.named_like(text)[:LIMIT])
    return named or list(customers_of_phone(text).select_related("manager").order_by("pk")[:LIMIT])


def caller_text(user: User, customer: Customer) -> str:
    """What stands in the form for a chosen customer: number and name, of a colleague's only the name."""
    visible = Customer.objects.visible_to(user).filter(pk=customer.pk).exists()
    return f"{customer.number} {customer.name}" if visible else customer.name
