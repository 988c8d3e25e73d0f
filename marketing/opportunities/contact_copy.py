"""Copy an opportunity's contact to the customer it becomes."""

from __future__ import annotations

from accounts.models import User
from customers.models import Contact, Customer
from kit.domain.folding import fold_number


def copy_contact(customer: Customer, name: str, phone: str, *, by: User) -> None:
    """Add the contact, or fill in the empty phone of an existing one; a different phone is not overwritten."""
    if not name:
        return
    same_name = customer.contacts.filter(name__same_text=name)
    if not same_name.exists():
        first = not customer.contacts.exists()
        Contact.add(by=by, customer=customer, name=name, office_phone=phone, is_primary=first)
    elif phone and not find_contact(customer, name, phone):
        empty = next((contact for contact in same_name if not contact.office_phone and contact.can_edit(by)), None)
        if empty:
            empty.edit(by=by, office_phone=phone)


def find_contact(customer: Customer, name: str, phone: str) -> Contact | None:
    """Return the customer's contact of this name and phone; spaces and dashes in numbers do not matter."""
    key = phone_key(phone)
    for contact in customer.contacts.filter(name__same_text=name):
        if key in (phone_key(contact.office_phone), phone_key(contact.mobile)):
            return contact
    return None


def phone_key(phone: str) -> str:
    """Return the folded number; text without digits (见名片) unchanged."""
    return fold_number(phone) or phone.strip()
