"""What an opportunity knows of a person goes with it to the customer it becomes."""

from __future__ import annotations

from accounts.models import User
from customers.models import Contact, Customer
from customers.models.phone import SEPARATORS

DIVIDERS = str.maketrans("", "", "".join(SEPARATORS))


def carry_contact(customer: Customer, name: str, phone: str, *, by: User) -> None:
    """Adds the contact, or fills the empty phone of the one there is; another phone is left as it stands."""
    if not name:
        return
    same = customer.contacts.filter(name=name)
    if not same.exists():
        first = not customer.contacts.exists()
        Contact.create(by=by, customer=customer, name=name, office_phone=phone, is_primary=first)
    elif phone and not contact_with(customer, name, phone):
        empty = next((contact for contact in same if not contact.office_phone and contact.can_edit(by)), None)
        if empty:
            empty.edit(by=by, office_phone=phone)


def contact_with(customer: Customer, name: str, phone: str) -> Contact | None:
    """The customer's contact of this name and phone, however the number is divided."""
    sought = phone.translate(DIVIDERS)
    for contact in customer.contacts.filter(name=name):
        if sought in (contact.office_phone.translate(DIVIDERS), contact.mobile.translate(DIVIDERS)):
            return contact
    return None
