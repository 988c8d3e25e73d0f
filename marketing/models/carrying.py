"""What an opportunity knows of a person goes with it to the customer it becomes."""

from __future__ import annotations

from accounts.models import User
from customers.models import Contact, Customer
from kit.domain.folding import fold_number


def copy_contact(customer: Customer, name: str, phone: str, *, by: User) -> None:
    """Adds the contact, or fills the empty phone of the one there is; another phone is left as it stands."""
    if not name:
        return
    same = customer.contacts.filter(name__same_text=name)
    if not same.exists():
        first = not customer.contacts.exists()
        Contact.add(by=by, customer=customer, name=name, office_phone=phone, is_primary=first)
    elif phone and not find_contact(customer, name, phone):
        empty = next((contact for contact in same if not contact.office_phone and contact.can_edit(by)), None)
        if empty:
            empty.edit(by=by, office_phone=phone)


def find_contact(customer: Customer, name: str, phone: str) -> Contact | None:
    """The customer's contact of this name and phone, however the number is divided."""
    sought = phone_key(phone)
    for contact in customer.contacts.filter(name__same_text=name):
        if sought in (phone_key(contact.office_phone), phone_key(contact.mobile)):
            return contact
    return None


def phone_key(phone: str) -> str:
    """The number folded; what holds no digit (见名片) as it stands."""
    return fold_number(phone) or phone.strip()
