"""Whose telephone number is it? Numbers are compared by their digits, however they were written down."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from kit.domain.folding import fold_number

from .models import Contact, Customer

MIN_DIGITS = 5


def customers_of_phone(phone: str, by: User | None = None) -> Any:
    """Customers with this number, their own, a contact's, or that of a customer merged into them.

    Whoever may see them; with by: only through numbers that this person sees in full, for a masked one is not asked.
    One search per index, put together: an OR of them would read every customer.
    """
    if len(fold_number(phone)) < MIN_DIGITS:
        return Customer.objects.none()
    found = [
        searchable_rows(model, by, key).order_by().filter(**{f"{field}__same_number": phone}).values(key)
        for model, field, key in (
            (Customer, "phone", "pk"),
            (Customer, "phone", "merged_into"),
            (Contact, "office_phone", "customer"),
            (Contact, "mobile", "customer"),
        )
    ]
    return Customer.objects.current().filter(pk__in=found[0].union(*found[1:]))


def searchable_rows(model: Any, by: User | None, key: str) -> Any:
    """Return the rows through whose numbers the person may find a customer; a merged one speaks for its survivor."""
    if key == "merged_into":
        seen = Customer.objects.current() if by is None else Customer.objects.detailed_for(by)
        return Customer.objects.filter(merged_into__in=seen)
    return model.objects.all() if by is None else model.objects.detailed_for(by)
