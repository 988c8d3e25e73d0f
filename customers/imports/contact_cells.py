"""The contact in the row of its customer: read by the rules of the model, added where it is not there yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.core.exceptions import ValidationError

from accounts.models import User
from customers.contacts.models import WAYS, Contact
from customers.contacts.search_text import write_contact_texts
from customers.records.models import Customer
from kit.audit.log import log_events
from kit.domain.folding import fold_name, fold_number
from kit.imports.kinds import Problem

from .targets import CONTACT, CONTACT_FIELDS, CONTACT_GROUP

BATCH = 500
GENDERS = {"男": "male", "女": "female", "先生": "male", "女士": "female", "小姐": "female"}


def read_contact(cells: Mapping[str, str]) -> tuple[Contact | None, list[Problem]]:
    """Return the unsaved contact of a row, None where its columns are empty, and what is wrong with it."""
    values = {name: cells.get(CONTACT + name, "").strip() for name in CONTACT_FIELDS}
    if not any(values.values()):
        return None, []
    if not values["name"]:
        filled = "、".join(label(name) for name, text in values.items() if text)
        return None, [_problem("name", f"写了{filled}，没有写联系人的姓名，请补上。")]
    gender = values["gender"]
    values["gender"] = GENDERS.get(gender, gender)
    contact = Contact(**values)
    try:
        contact.clean_fields(exclude=["customer"])
    except ValidationError as error:
        return None, [_problem(name, "".join(reasons)) for name, reasons in error.message_dict.items()]
    return contact, []


def label(name: str) -> str:
    return str(Contact._meta.get_field(name).verbose_name)  # type: ignore[union-attr]


def _problem(name: str, reason: str) -> Problem:
    return Problem(CONTACT + name, f"{CONTACT_GROUP}{label(name)}", reason)


def describe(contact: Contact) -> str:
    words = (contact.name, contact.position, contact.mobile or contact.office_phone or contact.email)
    return "，".join(word for word in words if word)


def is_known(contact: Contact, others: Iterable[Contact]) -> bool:
    """Return whether the customer has this contact: the same name, and no number that contradicts."""
    return any(fold_name(contact.name) == fold_name(other.name) and not _contradict(contact, other) for other in others)


def _contradict(one: Contact, other: Contact) -> bool:
    mine, theirs = _ways(one), _ways(other)
    return bool(mine and theirs and not mine & theirs)


def _ways(contact: Contact) -> set[str]:
    texts = {name: str(getattr(contact, name)) for name in WAYS}
    return {
        fold_number(text) if "phone" in name or name == "mobile" else fold_name(text)
        for name, text in texts.items()
        if text
    }


def add_contacts(contacts: Mapping[int, Contact], customers: Iterable[Customer], by: User | None) -> list[Contact]:
    """Insert contacts with audit rows, timeline and search texts; the first of a customer is the primary one.

    contacts: by the key of their customer, which is locked or new.
    """
    owners = {customer.pk: customer for customer in customers if customer.pk in contacts}
    keys = list(owners)
    with_primary: set[int] = set()
    for start in range(0, len(keys), BATCH):
        primary = Contact.objects.filter(customer__in=keys[start : start + BATCH], is_primary=True)
        with_primary.update(primary.values_list("customer_id", flat=True))
    added = []
    for key, customer in owners.items():
        contact = contacts[key]
        contact.customer, contact.is_primary = customer, key not in with_primary
        added.append(contact)
    Contact.objects.bulk_create(added, batch_size=BATCH)
    write_contact_texts(keys)
    log_events(by, "新建", added, lambda contact: {"客户": contact.customer, "原因": "导入"})
    return added
