"""Whose telephone number is it? Numbers are compared by their digits, however they were written down."""

from __future__ import annotations

import re
from typing import Any

from django.db.models import F, Q, Value
from django.db.models.functions import Replace

from .models import Contact, Customer

SEPARATORS = (" ", "-", "(", ")", "（", "）")
SHORTEST = 5


def digits(phone: str) -> str:
    """The number as dialled inside the country: no separators, no 86 in front."""
    kept = re.sub(r"[^0-9+]", "", phone)
    return re.sub(r"^(\+86|0086)", "", kept).lstrip("+")


def customers_of_phone(phone: str) -> Any:
    """Customers with this number, their own or a contact's, whoever may see them; without the area code's 0 as well."""
    number = digits(phone)
    if len(number) < SHORTEST:
        return Customer.objects.none()
    wanted = {number, f"0{number}"}
    people = Contact.objects.alias(office=plain("office_phone"), private=plain("mobile"))
    theirs = people.filter(Q(office__in=wanted) | Q(private__in=wanted)).order_by().values("customer")
    return Customer.objects.current().alias(own=plain("phone")).filter(Q(own__in=wanted) | Q(pk__in=theirs))


def plain(field: str) -> F | Replace:
    """The column without separators, on both databases."""
    expression: F | Replace = F(field)
    for separator in SEPARATORS:
        expression = Replace(expression, Value(separator), Value(""))
    return expression
