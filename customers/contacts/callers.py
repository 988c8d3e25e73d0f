"""Find customers by a telephone number, compared by its digits in any spelling."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.models import User
from customers.records.models import Customer
from kit.domain.folding import fold_number

from .models import Contact

MIN_DIGITS = 5


def customers_by_phone(phone: str, by: User | None = None) -> QuerySet[Customer]:
    """Return customers with this number: their own, a contact's, or that of a customer merged into them.

    by: search only numbers that this user sees unmasked; the rows are not limited to the user's view.
    One search per index in a UNION: an OR of them would read every customer.
    """
    if len(fold_number(phone)) < MIN_DIGITS:
        return Customer.objects.none()
    first, *others = [
        searchable_rows(model, by, key).order_by().filter(**{f"{field}__same_number": phone}).values(key)
        for model, field, key in (
            (Customer, "phone", "pk"),
            (Customer, "phone", "merged_into"),
            (Contact, "office_phone", "customer"),
            (Contact, "mobile", "customer"),
        )
    ]
    return Customer.objects.current().filter(pk__in=first.union(*others))


def searchable_rows(
    model: type[Customer | Contact], by: User | None, key: str
) -> QuerySet[Customer] | QuerySet[Contact]:
    """Return the rows by whose numbers the user may find a customer; a merged one leads to its survivor."""
    if key == "merged_into":
        survivors = Customer.objects.current() if by is None else Customer.objects.detailed_for(by)
        return Customer.objects.filter(merged_into__in=survivors)
    return model.objects.all() if by is None else model.objects.detailed_for(by)
