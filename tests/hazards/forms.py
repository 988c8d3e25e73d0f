"""The forms and lists that are tried with bad input, and how one is sent."""

from __future__ import annotations

from django.core import signing
from django.db import transaction

from customers.models import Contact, Customer
from kit.audit.models import AuditEntry
from marketing.models import Opportunity, PlanItem
from tests import factories

PASSWORD = "a-long-passphrase"
HUGE = "99999999999999999999"
SCRIPT = '<script>alert("x")</script>'
ATTRIBUTE = '"><img src=x onerror=alert(1)>'

UNHEARD_OF = {**factories.OPPORTUNITY, "customer_name": "新来的单位", "contact_phone": "024-7777 1234"}

# Every form: address, what is posted, and its fields of text. Addresses are filled with the ids of the world's records.
FORMS = {
    "new opportunity": (
        "/marketing/opportunities/new/",
        UNHEARD_OF,
        ("customer_name", "summary", "description", "contact_name", "contact_phone", "source", "introduced_by"),
    ),
    "opportunity": (
        "/marketing/opportunities/{new}/edit/",
        {**factories.OPPORTUNITY, "opened": "memory"},
        ("customer_name", "summary", "description", "contact_name", "contact_phone", "source", "introduced_by"),
    ),
    "assign": ("/marketing/opportunities/{new}/assign/", {"to": "{colleague}"}, ()),
    "reassign": ("/marketing/opportunities/{assigned}/reassign/", {"to": "{colleague}", "reason": "x"}, ("reason",)),
    "forecast": (
        "/marketing/opportunities/{assigned}/forecast/",
        {"success_rate": "70", "expected_amount": "", "expected_on": "", "reason": "x", "opened": "memory"},
        ("reason",),
    ),
    "contact correction": (
        "/marketing/opportunities/{assigned}/contact/",
        {"contact_name": "x", "contact_phone": "x", "opened": "memory"},
        ("contact_name", "contact_phone"),
    ),
    "win": ("/marketing/opportunities/{assigned}/win/", {"choice": "create", "create_anyway": "x"}, ("create_anyway",)),
    "win without items": ("/marketing/opportunities/{bare}/win/", {"reason": "x"}, ("reason",)),
    "lose": ("/marketing/opportunities/{assigned}/lose/", {"reason": "x"}, ("reason",)),
    "new item": ("/marketing/development/{assigned}/plan/", {"on": "2026-03-01", "text": "x"}, ("text",)),
    "item": (
        "/marketing/development/{assigned}/items/{item}/edit/",
        {"on": "2026-03-01", "text": "x", "opened": "memory"},
        ("text",),
    ),
    "result": (
        "/marketing/development/{assigned}/items/{item}/result/",
        {"result": "x", "opened": "memory"},
        ("result",),
    ),
    "customer": (
        "/customers/{customer}/edit/",
        {
            "name": "名称", "region": "{region}", "level": "{level}", "satisfaction": "3", "credit": "3",
            "address": "x", "phone": "x", "opened": "memory",
        },
        (
            "name", "external_number", "address", "phone", "postcode", "fax", "website", "legal_representative", "bank",
            "bank_account", "license_number", "local_tax_number", "national_tax_number", "parent",
        ),
    ),
    "new contact": (
        "/customers/{customer}/contacts/new/",
        {"name": "x", "position": "x", "office_phone": "x"},
        ("name", "position", "office_phone", "mobile", "email", "note"),
    ),
    "contact": (
        "/customers/{customer}/contacts/{contact}/edit/",
        {"name": "x", "position": "x", "office_phone": "x", "opened": "memory"},
        ("name", "position", "office_phone", "mobile", "email", "note"),
    ),
}  # fmt: skip
SUPERVISORS = {"assign", "reassign"}
LISTS = ("/marketing/opportunities/", "/marketing/development/", "/customers/")
FILTERS = {
    "/marketing/opportunities/": (
        "customer_name", "summary", "contact_name", "assignee", "created_from", "created_to", "status", "sort", "page",
        "page_size", "export",
    ),
    "/marketing/development/": (
        "customer_name", "summary", "contact_name", "mine", "status", "sort", "page", "page_size", "export",
    ),
    "/customers/": (
        "number", "name", "region", "manager", "level", "industry", "status", "sort", "page", "page_size", "export",
    ),
}  # fmt: skip


def send(clients, ids, form, **changes):
    """Post one form; return the answer and the texts stored. The database stays as it was."""
    address, values, _ = FORMS[form]
    client = clients["supervisor" if form in SUPERVISORS else "manager"]
    address = address.format(**ids)
    values = {name: value.format(**ids) if isinstance(value, str) else value for name, value in values.items()}
    with transaction.atomic():
        if values.get("opened") == "memory":
            values["opened"] = signing.dumps({"version": version(form, ids), "values": {}}, salt="opened")
        response = client.post(address, {**values, **changes})
        stored = business_texts()
        transaction.set_rollback(True)
    return response, stored


EDITED = {
    "opportunity": (Opportunity, "new"),
    "forecast": (Opportunity, "assigned"),
    "contact correction": (Opportunity, "assigned"),
    "item": (PlanItem, "item"),
    "result": (PlanItem, "item"),
    "customer": (Customer, "customer"),
    "contact": (Contact, "contact"),
}


def version(form, ids):
    model, key = EDITED[form]
    return model.objects.get(pk=ids[key]).version


def business_texts():
    """Return every text stored in the business tables and the trail."""
    found = []
    for model in (Opportunity, PlanItem, Customer, Contact, AuditEntry):
        for row in model.objects.values_list():
            found += [str(value) for value in row]
    return "\n".join(found)
