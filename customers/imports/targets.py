"""The columns of a sheet of customers: the fields of the table, and those of a contact in the same row."""

from __future__ import annotations

from accounts.models import User
from customers.contacts.models import Contact
from customers.records.field_labels import field_label
from customers.records.fields import FORM_FIELDS, UNITS
from customers.records.fields import Kind as FieldKind
from kit.imports.targets import Kind, Target

from .table_form import CustomerImportForm, ShownTextField

CONTACT = "contact."  # begins the keys of a contact's columns
CONTACT_FIELDS = ("name", "gender", "position", "mobile", "office_phone", "wechat", "email", "note")
CONTACT_GROUP = "联系人"

MEANINGS = {
    "number": "customer number", "name": "customer", "external_number": "external number", "region": "region",
    "industry": "industry", "level": "level", "satisfaction": "satisfaction", "credit": "credit",
    "manager": "manager", "parent": "parent", "cooperation_since": "cooperation since", "address": "address",
    "postcode": "postcode", "phone": "phone", "fax": "fax", "website": "website", "license_number": "credit code",
    "legal_representative": "legal representative", "registered_capital": "registered capital",
    "annual_turnover": "turnover", "bank": "bank", "bank_account": "bank account",
    "local_tax_number": "local tax number", "national_tax_number": "national tax number",
    "contact.name": "contact name", "contact.gender": "gender", "contact.position": "contact title",
    "contact.mobile": "mobile", "contact.office_phone": "office phone", "contact.wechat": "wechat",
    "contact.email": "email", "contact.note": "memo",
}  # fmt: skip
KINDS = {
    "number": Kind.CODE, "name": Kind.COMPANY, "external_number": Kind.CODE, "region": Kind.REGION,
    "postcode": Kind.CODE, "phone": Kind.PHONE, "fax": Kind.PHONE, "address": Kind.ADDRESS,
    "website": Kind.WEBSITE, "license_number": Kind.CREDIT_CODE, "legal_representative": Kind.NAME,
    "bank_account": Kind.CODE, "local_tax_number": Kind.CODE, "national_tax_number": Kind.CODE,
    "parent": Kind.COMPANY, "contact.name": Kind.NAME, "contact.gender": Kind.CHOICE, "contact.mobile": Kind.PHONE,
    "contact.office_phone": Kind.PHONE, "contact.email": Kind.EMAIL, "contact.note": Kind.LONG_TEXT,
    "contact.wechat": Kind.CODE,
}  # fmt: skip
KINDS_OF_FIELDS = {
    FieldKind.CHOICE: Kind.CHOICE, FieldKind.ENTRY: Kind.CHOICE, FieldKind.SCORE: Kind.CHOICE,
    FieldKind.DAY: Kind.DATE, FieldKind.AMOUNT: Kind.MONEY, FieldKind.LINK: Kind.WEBSITE,
    FieldKind.USER: Kind.PERSON, FieldKind.CUSTOMER: Kind.COMPANY,
}  # fmt: skip


def customer_targets(by: User | None) -> list[Target]:
    """Return the columns for this user: people and choices are those that they may give."""
    form = CustomerImportForm(by=by)
    number = Target("number", field_label("number"), kind=Kind.CODE, meaning=MEANINGS["number"])
    fields = [
        Target(
            row.name,
            form.labels[row.name],
            kind=KINDS.get(row.name) or KINDS_OF_FIELDS.get(row.kind, Kind.TEXT),
            required=row.name == "name",
            unit=UNITS.get(row.name),
            meaning=MEANINGS.get(row.name, ""),
            choices=_choices(form.fields[row.name]),
        )
        for row in FORM_FIELDS
    ]
    return [number, *fields, *contact_targets()]


def contact_targets() -> list[Target]:
    return [
        Target(
            CONTACT + name,
            str(Contact._meta.get_field(name).verbose_name),  # type: ignore[union-attr]
            kind=KINDS.get(CONTACT + name, Kind.TEXT),
            meaning=MEANINGS.get(CONTACT + name, ""),
            choices=tuple(Contact.Gender.labels) if name == "gender" else (),
            group=CONTACT_GROUP,
        )
        for name in CONTACT_FIELDS
    ]


def _choices(field: object) -> tuple[str, ...]:
    return field.shown if isinstance(field, ShownTextField) else ()
