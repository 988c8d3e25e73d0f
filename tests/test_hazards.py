"""Bad input and hostile visitors: a message or a clean round trip, never a 500, never more than one's own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import date, timedelta
from decimal import Decimal
from html import unescape
from urllib.parse import quote

import pytest
from axes.models import AccessAttempt
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.core import signing
from django.db import transaction
from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat
from django.test import Client, RequestFactory
from django.urls import URLResolver, get_resolver
from django.utils import timezone

from accounts.models import Role, User, notify
from accounts.views import SIGN_IN_FAILED
from basedata.models import DictionaryEntry
from crm.errors import server_error
from customers.models import Contact, Customer
from kit.audit.models import AuditEntry
from kit.jobs.models import Job
from marketing.models import Opportunity, PlanItem
from tests import factories

pytestmark = pytest.mark.django_db
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


@pytest.fixture
def ids(company):
    """Ids for the addresses above; every record is the manager's."""
    manager, supervisor = company.manager, company.supervisor
    assigned = factories.assigned(manager, supervisor, manager, customer_name="已有同名客户")
    customer = factories.CustomerFactory(name=assigned.customer_name, manager=manager, by=manager)
    return {
        "new": factories.opportunity(manager).pk,
        "assigned": assigned.pk,
        "bare": factories.assigned(manager, supervisor, manager, customer_name="没有同名客户").pk,
        "item": factories.plan_item(assigned, manager).pk,
        "customer": customer.pk,
        "contact": factories.ContactFactory(customer=customer).pk,
        "colleague": company.colleague.pk,
        "region": customer.region_id,
        "level": customer.level_id,
    }


@pytest.fixture
def clients(company, sign_in):
    return {"manager": sign_in(company.manager), "supervisor": sign_in(company.supervisor)}


def errors(html):
    return [re.sub(r"<[^>]+>", "", text).strip() for text in re.findall(r'<p class="err[^>]*>(.*?)</p>', html, re.S)]


def send(clients, ids, form, **changes):
    """Posts one form and gives the answer and the texts stored; the database stays as it was."""
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
    """Every text stored in the business tables and the trail."""
    found = []
    for model in (Opportunity, PlanItem, Customer, Contact, AuditEntry):
        for row in model.objects.values_list():
            found += [str(value) for value in row]
    return "\n".join(found)


# Text


@pytest.mark.parametrize("form", FORMS)
def test_every_form_goes_through_as_it_is_used_here(form, clients, ids):
    """The control for what follows: what is refused below is refused for its text."""
    assert send(clients, ids, form)[0].status_code == 302


WRITTEN = [form for form in FORMS if FORMS[form][2]]


@pytest.mark.parametrize("form", WRITTEN)
def test_control_characters_are_refused_beside_every_field(form, clients, ids):
    fields = FORMS[form][2]
    for bad in ("a\x00b", "a\x07b", "a\x1b[31mb", "a\x7fb"):
        response, stored = send(clients, ids, form, **dict.fromkeys(fields, bad))
        assert (bad, response.status_code) == (bad, 200)
        assert (bad, len(errors(response.content.decode())) >= len(fields)) == (bad, True)
        assert bad not in stored


@pytest.mark.parametrize("form", WRITTEN)
@pytest.mark.parametrize("bad", ["%ED%A0%80", "%FF%FE", "%C0%80"])
def test_broken_encoding_in_a_form_is_no_crash(form, bad, clients, ids):
    """Bytes that are no UTF-8, among them a lone surrogate, arrive as replacement characters or are refused."""
    address, values, fields = FORMS[form]
    client = clients["supervisor" if form in SUPERVISORS else "manager"]
    pairs = [f"{name}={quote(str(value).format(**ids))}" for name, value in values.items() if name not in fields]
    body = "&".join([*pairs, *(f"{field}=a{bad}b" for field in fields)])
    response = client.post(address.format(**ids), body, content_type="application/x-www-form-urlencoded")
    assert response.status_code in (200, 302, 400)


@pytest.mark.parametrize("form", WRITTEN)
def test_texts_of_100_kilobytes_are_refused_beside_every_field(form, clients, ids):
    fields = FORMS[form][2]
    response, stored = send(clients, ids, form, **dict.fromkeys(fields, "长" * 34_000))
    assert response.status_code == 200
    assert len(errors(response.content.decode())) >= len(fields)
    assert "长" * 1000 not in stored


@pytest.mark.parametrize("form", WRITTEN)
def test_four_byte_and_rare_characters_make_a_round_trip(form, clients, ids):
    strict = {"postcode", "website", "email", "introduced_by", "parent"}
    texts = {field: f"𠮷野家🚀é{n}" for n, field in enumerate(FORMS[form][2]) if field not in strict}
    response, stored = send(clients, ids, form, **texts)
    assert response.status_code == 302
    assert [field for field, text in texts.items() if text not in stored] == []


def test_four_byte_characters_in_strict_fields_are_refused(clients, ids):
    strict = ("postcode", "website", "parent")
    response, _ = send(clients, ids, "customer", **dict.fromkeys(strict, "𠮷野家🚀é"))
    assert len(errors(response.content.decode())) == len(strict)


def test_line_ends_and_tabs_are_text(clients, ids):
    response, stored = send(clients, ids, "new opportunity", description="一\r\n二\t三")
    assert response.status_code == 302
    assert "二\t三" in stored


def test_more_than_the_upload_limit_gets_a_page(clients):
    clients["manager"].raise_request_exception = False
    response = clients["manager"].post("/marketing/opportunities/new/", {"description": "x" * 6_000_000})
    assert response.status_code in (400, 413)


# Numbers and dates


@pytest.mark.parametrize("form", ["new opportunity", "opportunity", "forecast"])
def test_a_success_rate_that_is_no_whole_number_up_to_100_is_refused(form, clients, ids):
    for value in ("NaN", "Infinity", "-Infinity", "1e400", "-1", "101", "50.5", "一百", "0x10", HUGE, "9" * 5000):
        html = send(clients, ids, form, success_rate=value)[0].content.decode()
        assert (value, len(errors(html)), f'value="{value}"' in html) == (value, 1, True)


@pytest.mark.parametrize(("value", "stored"), [("0", 0), ("100", 100), (" 60 ", 60), ("６０", 60), ("060", 60)])
def test_a_success_rate_in_other_digits_is_understood(value, stored, clients):
    clients["manager"].post("/marketing/opportunities/new/", {**factories.OPPORTUNITY, "success_rate": value})
    assert Opportunity.objects.get().success_rate == stored


MONEY = [
    ("new opportunity", "expected_amount"),
    ("forecast", "expected_amount"),
    ("customer", "registered_capital"),
    ("customer", "annual_turnover"),
]


NO_AMOUNTS = (
    "NaN",
    "sNaN",
    "Infinity",
    "-Infinity",
    "1e400",
    "1e9999999999999999999",
    "一百",
    "1.234",
    "9" * 15,
    "0x10",
)


@pytest.mark.parametrize(("form", "field"), MONEY)
def test_an_amount_that_is_none_is_refused_beside_the_field(form, field, clients, ids):
    for value in NO_AMOUNTS:
        response, _ = send(clients, ids, form, **{field: value})
        assert (value, response.status_code) == (value, 200)
        assert (value, len(errors(response.content.decode()))) == (value, 1)


@pytest.mark.parametrize(("form", "field"), MONEY)
def test_a_negative_amount_is_refused(form, field, clients, ids):
    response, _ = send(clients, ids, form, **{field: "-1"})
    assert response.status_code == 200
    assert len(errors(response.content.decode())) == 1


@pytest.mark.parametrize(
    ("value", "stored"),
    [("0", "0"), ("0.01", "0.01"), ("999999999999.99", "999999999999.99"), ("１２３", "123"), ("1e2", "100")],
)
def test_an_amount_is_kept_to_the_cent(value, stored, clients):
    clients["manager"].post("/marketing/opportunities/new/", {**factories.OPPORTUNITY, "expected_amount": value})
    assert Opportunity.objects.get().expected_amount == Decimal(stored)


DATES = ["0000-00-00", "0001-01-01", "9999-12-31", "10000-01-01", "2025-02-30", "明天", "2025-13-01", "1e5", HUGE, "-1"]


REFUSED_DATE = ("请填写日期", "请填写 1900 年以后", "请填写 3000 年以前")


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ("new opportunity", "expected_on"),
        ("forecast", "expected_on"),
        ("customer", "cooperation_since"),
        ("new item", "on"),
        ("item", "on"),
    ],
)
def test_a_date_that_is_none_is_refused_beside_the_field(form, field, clients, ids):
    for value in DATES:
        html = send(clients, ids, form, **{field: value})[0].content.decode()
        assert (value, [error.startswith(REFUSED_DATE) for error in errors(html)]) == (value, [True])
        assert value in html


@pytest.mark.parametrize("field", ["created_from", "created_to"])
def test_a_date_filter_that_is_none_is_said_beside_the_filter(field, clients, ids):
    for value in DATES:
        html = clients["manager"].get("/marketing/opportunities/", {field: value}).content.decode()
        assert (value, [error.startswith(REFUSED_DATE) for error in errors(html)]) == (value, [True])


# Choices


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ("assign", "to"), ("reassign", "to"), ("lose", "competitor"), ("win", "choice"), ("new opportunity", "region"),
        ("new opportunity", "industry"), ("customer", "region"), ("customer", "level"), ("customer", "satisfaction"),
        ("customer", "credit"), ("new contact", "gender"), ("new contact", "preferred_channel"),
    ],
)  # fmt: skip
def test_a_choice_that_is_not_offered_is_refused(form, field, clients, ids):
    for value in ("abc", "-1", "0", HUGE, "1.5", "' OR 1=1 --", f"link:{HUGE}", "link:", "9" * 5000):
        response, _ = send(clients, ids, form, **{field: value})
        assert (value, response.status_code) == (value, 200)
        assert (value, errors(response.content.decode()) == []) == (value, False)


@pytest.mark.parametrize("value", ["abc", "-1", "00000000", "a" * 5000, "' OR 1=1"])
def test_a_senseless_submission_token_is_no_crash(value, clients, ids):
    assert send(clients, ids, "new opportunity", submission=value)[0].status_code in (200, 302)


@pytest.mark.parametrize("value", ["", "x", "a:b:c", "." * 5000, "\x00"])
def test_a_senseless_memory_is_no_crash(value, clients, ids):
    for form in ("opportunity", "item", "customer", "contact"):
        response, _ = send(clients, ids, form, opened=value)
        assert (form, response.status_code in (200, 400)) == (form, True)


# Query strings and paths

SENSELESS = ("", "abc", "-1", HUGE, "1.5", "１", "' OR 1=1 --", "-pk;drop", "__proto__", "%s", "🚀", ATTRIBUTE)
TEXTS = {"customer_name", "summary", "contact_name", "number", "name", "sort", "page", "page_size", "status"}


@pytest.mark.parametrize("address", LISTS)
@pytest.mark.parametrize("value", SENSELESS)
def test_senseless_parameters_of_a_list_are_no_crash(address, value, clients, ids):
    """Those that any text may fill together, the others one by one: a refused filter would hide what follows."""
    together = [name for name in FILTERS[address] if name in TEXTS]
    for query in (
        dict.fromkeys(["unknown", *together], value),
        *({name: value} for name in FILTERS[address] if name not in TEXTS),
    ):
        status = clients["manager"].get(address, query).status_code
        assert (query, status in (200, 302)) == (query, True)


@pytest.mark.parametrize("address", [*LISTS, "/search/", "/", "/notifications/", "/jobs/", "/help/"])
@pytest.mark.parametrize("bad", ["%00", "%07", "%1b", "%7f", "%ED%A0%80", "%FF", "%C0%80"])
def test_control_characters_and_broken_encoding_in_a_query_get_a_page_that_says_so(address, bad, clients):
    for name in (*FILTERS.get(address, ())[:1], "q", "unknown", f"a{bad}"):
        response = clients["manager"].get(f"{address}?{name}=a{bad}b")
        assert (name, response.status_code) == (name, 400)
        assert "控制字符" in response.content.decode()


@pytest.mark.parametrize("bad", ["%00", "%07", "%ED%A0%80", "%FF"])
@pytest.mark.parametrize(
    "address", ["/setup/{}/", "/customers/{}/", "/{}", "/admin/accounts/user/{}/change/", "/login/{}"]
)
def test_control_characters_in_a_path_get_a_page(address, bad, clients):
    for client in (clients["manager"], Client()):
        assert client.get(address.format(f"a{bad}b")).status_code in (302, 400, 404)


@pytest.mark.parametrize("address", LISTS)
def test_filters_of_100_kilobytes_are_no_crash(address, clients, ids):
    for name in FILTERS[address]:
        for text in ("x" * 100_000, "%" * 100_000, "长" * 34_000):
            response = clients["manager"].get(address, {name: text})
            assert (name, text[0], response.status_code in (200, 302, 400)) == (name, text[0], True)


@pytest.mark.parametrize("text", ["x" * 100_000, "%" * 100_000, "_" * 60_000, "9" * 100_000, "长" * 34_000])
def test_a_search_for_100_kilobytes_is_no_crash(text, clients, ids):
    assert clients["manager"].get("/search/", {"q": text}).status_code == 200


@pytest.mark.parametrize("digits", ["9" * 20, "9" * 4301, "9" * 100_000, "٣" * 30])
def test_numbers_of_many_digits_in_a_query_are_no_crash(digits, clients, ids):
    pages = {
        f"/marketing/development/{ids['assigned']}/execute/": "item",
        f"/marketing/opportunities/{ids['assigned']}/history/": "before",
        f"/customers/{ids['customer']}/history/": "before",
        "/marketing/opportunities/": "page",
        "/customers/": "page_size",
        "/search/": "q",
    }
    for address, name in pages.items():
        assert (address, clients["manager"].get(address, {name: digits}).status_code) == (address, 200)


def numbered(resolver=None, prefix=""):
    """Routes outside the admin that carry a number."""
    for pattern in (resolver or get_resolver()).url_patterns:
        route = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            if route != "admin/":
                yield from numbered(pattern, route)
        elif "<id:" in route:
            yield route


@pytest.mark.parametrize("number", ["0", "9223372036854775807", "9223372036854775808", HUGE])
def test_numbers_that_are_nobodys_are_not_found_on_any_address(number, company, sign_in):
    """Also larger than any integer a database keeps. The runs of the sync are an administrator's."""
    supervisor, administrator = sign_in(company.supervisor), sign_in(company.administrator)
    routes = list(numbered())
    assert len(routes) > 20
    for route in routes:
        address = "/" + re.sub(r"<id:\w+>", number, route)
        client = administrator if route.startswith("customers/sync/") else supervisor
        answers = {client.get(address).status_code, client.post(address).status_code}
        assert (address, answers - {404, 405}) == (address, set())


def test_a_huge_item_under_ones_own_record_is_not_found(clients, ids):
    for address in (
        f"/marketing/development/{ids['assigned']}/items/{HUGE}/edit/",
        f"/marketing/development/{HUGE}/items/{ids['item']}/edit/",
        f"/customers/{ids['customer']}/contacts/{HUGE}/edit/",
        f"/customers/{HUGE}/contacts/{ids['contact']}/edit/",
    ):
        assert clients["manager"].get(address).status_code == 404


@pytest.mark.parametrize("number", ["0", HUGE, "abc", "1_1", "' OR 1=1"])
def test_senseless_ids_in_the_admin_are_no_crash(number, company, sign_in):
    client = sign_in(company.administrator)
    for model in ("accounts/user", "accounts/role", "accounts/department", "audit/auditentry"):
        for step in ("change", "history", "delete"):
            assert client.get(f"/admin/{model}/{quote(number)}/{step}/").status_code in (302, 403, 404)
    for query in (
        f"department__id__exact={number}",
        f"groups__id__exact={number}",
        f"o={number}",
        f"p={number}",
        f"q={number}",
    ):
        assert client.get(f"/admin/accounts/user/?{query}").status_code in (200, 302, 400)


# Script


@pytest.fixture
def poisoned(company):
    """Script in every text of every table a person can write."""
    bad = SCRIPT + ATTRIBUTE
    User.objects.filter(pk__in=[company.manager.pk, company.supervisor.pk]).update(name=SCRIPT, mobile=bad[:50])
    Role.objects.update(name=numbered_text(bad))
    company.north.name = f"{SCRIPT}"[:50]
    company.north.save()
    manager, supervisor = (factories.fresh(user) for user in (company.manager, company.supervisor))
    entries = {
        category: DictionaryEntry.objects.of(category).first() for category in ("地区", "行业", "客户等级", "竞争对手")
    }
    customer = factories.CustomerFactory(
        name=bad, manager=manager, by=manager, region=entries["地区"], industry=entries["行业"], address=bad,
        phone=SCRIPT, fax=SCRIPT, legal_representative=SCRIPT, bank=bad, bank_account=SCRIPT, license_number=SCRIPT,
        local_tax_number=SCRIPT, national_tax_number=SCRIPT, external_number=SCRIPT[:30],
    )  # fmt: skip
    factories.CustomerFactory(name=f"下属{bad}", manager=manager, parent=customer, region=entries["地区"])
    factories.ContactFactory(
        customer=customer, name=SCRIPT, position=SCRIPT, office_phone=SCRIPT, mobile=SCRIPT, note=bad
    )
    texts = {
        "customer_name": bad, "summary": bad, "description": bad, "contact_name": SCRIPT, "contact_phone": SCRIPT,
        "source": SCRIPT, "region": entries["地区"], "industry": entries["行业"], "introduced_by": customer,
    }  # fmt: skip
    new = factories.opportunity(manager, **texts)
    new.edit(by=manager, summary=f"新{bad}")
    assigned = factories.assigned(manager, supervisor, manager, **texts)
    item = factories.plan_item(assigned, manager, text=bad)
    factories.plan_item(assigned, manager, days=-2, text=bad, result=bad)
    assigned.update_forecast(by=manager, success_rate=1, expected_amount=None, expected_on=None, reason=bad)
    lost = factories.assigned(manager, supervisor, manager, **texts)
    lost.lose(by=manager, reason=bad, competitor=entries["竞争对手"])
    won = factories.assigned(manager, supervisor, manager, **texts)
    won.win(by=manager, reason=bad, create_anyway=bad)
    notify(manager, bad, new)
    DictionaryEntry.objects.filter(category__in=("地区", "行业", "机会来源", "竞争对手")).update(
        item=numbered_text(SCRIPT)
    )
    job = Job.objects.create(kind=SCRIPT, function="x", owner=manager, status="failed", result=bad, file_name=bad)
    return {"new": new, "assigned": assigned, "item": item, "lost": lost, "won": won, "customer": customer, "job": job}


def numbered_text(text):
    """The text with the row's id behind it, where texts must differ."""
    return Concat(Value(text), Cast("id", CharField()))


def check_shown_as_text(html, address):
    assert (address, [mark for mark in ("<script>alert", "<img src=x") if mark in html]) == (address, [])
    assert (address, "&lt;script&gt;alert" in html) == (address, True)


def test_script_is_shown_as_text_on_every_page_of_a_manager(poisoned, company, sign_in):
    new, assigned, customer = (poisoned[name] for name in ("new", "assigned", "customer"))
    contact = customer.contacts.first()
    pages = [
        "/",
        *(f"{address}?status=all" for address in LISTS),
        "/search/?q=script",
        f"/search/?q={quote(ATTRIBUTE)}",
        "/notifications/",
        "/jobs/",
        f"/jobs/{poisoned['job'].pk}/",
        "/help/",
        "/marketing/opportunities/new/",
        *(poisoned[name].get_absolute_url() for name in ("new", "assigned", "lost", "won", "customer")),
        *(f"{poisoned[name].get_absolute_url()}history/" for name in ("new", "assigned", "lost", "won", "customer")),
        f"{new.get_absolute_url()}edit/",
        f"{new.get_absolute_url()}delete/",
        *(f"{assigned.get_absolute_url()}{step}/" for step in ("forecast", "contact", "win", "lose", "edit")),
        *(f"/marketing/development/{assigned.pk}/{step}/" for step in ("plan", "execute")),
        f"/marketing/development/{assigned.pk}/items/{poisoned['item'].pk}/edit/",
        f"/marketing/development/{assigned.pk}/items/{poisoned['item'].pk}/delete/",
        f"{customer.get_absolute_url()}edit/",
        f"{customer.get_absolute_url()}contacts/{contact.pk}/edit/",
        f"{customer.get_absolute_url()}contacts/{contact.pk}/delete/",
        "/marketing/opportunities/999999/",
    ]
    client = sign_in(company.manager)
    for address in pages:
        check_shown_as_text(client.get(address).content.decode(), address)
    dialog = client.get(f"{new.get_absolute_url()}delete/", headers={"HX-Request": "true"}).content.decode()
    check_shown_as_text(dialog, "dialog")
    fragment = client.get("/marketing/opportunities/", headers={"HX-Request": "true", "HX-Target": "list"})
    check_shown_as_text(fragment.content.decode(), "fragment")


def test_script_is_shown_as_text_on_the_pages_of_a_supervisor_and_in_refusals(poisoned, company, sign_in):
    client = sign_in(company.supervisor)
    for address in (
        "/",
        "/marketing/opportunities/?status=all",
        f"{poisoned['new'].get_absolute_url()}assign/",
        f"{poisoned['assigned'].get_absolute_url()}reassign/",
        f"{poisoned['assigned'].get_absolute_url()}edit/",  # 409 with names in the reason
        f"{poisoned['assigned'].get_absolute_url()}win/",  # 403
    ):
        check_shown_as_text(client.get(address).content.decode(), address)


def test_script_is_shown_as_text_in_the_admin(poisoned, company, sign_in):
    client = sign_in(company.administrator)
    for address in (
        "/",
        "/admin/accounts/user/",
        f"/admin/accounts/user/{company.manager.pk}/change/",
        f"/admin/accounts/user/{company.manager.pk}/history/",
        "/admin/accounts/role/",
        "/admin/accounts/department/",
        f"/admin/accounts/department/{company.north.pk}/change/",
        "/admin/audit/auditentry/",
        f"/admin/audit/auditentry/{AuditEntry.objects.filter(verb='编辑').first().pk}/change/",
        "/basedata/dictionary/",
    ):
        if "history" in address:
            assert "<script>alert" not in client.get(address).content.decode()
        else:
            check_shown_as_text(client.get(address).content.decode(), address)


def test_script_is_shown_as_text_in_a_conflict_and_in_refused_forms(poisoned, company, sign_in):
    new, client = poisoned["new"], sign_in(company.manager)
    address = f"{new.get_absolute_url()}edit/"
    memory = re.search(r'name="opened" value="([^"]+)"', client.get(address).content.decode())[1]
    new.edit(by=factories.fresh(company.supervisor), summary=f"主管{SCRIPT}", contact_name=SCRIPT[::-1] + SCRIPT[:10])
    values = {
        **factories.OPPORTUNITY,
        "customer_name": new.customer_name,
        "summary": f"我{SCRIPT}{ATTRIBUTE}",
        "opened": memory,
    }
    conflict = client.post(address, values)
    assert conflict.status_code == 409
    check_shown_as_text(conflict.content.decode(), "conflict")
    refused = client.post("/marketing/opportunities/new/", {**values, "success_rate": SCRIPT})
    check_shown_as_text(refused.content.decode(), "refused")
    known = client.post("/marketing/opportunities/new/", {**values, "customer_name": poisoned["customer"].name})
    assert "已是客户" in known.content.decode()
    check_shown_as_text(known.content.decode(), "known")


@pytest.mark.parametrize("text", [SCRIPT, ATTRIBUTE, "' onmouseover=alert(1) x='", "{{ 7|add:7 }}", "{% debug %}"])
def test_what_a_filter_or_search_carries_comes_back_as_text(text, clients, ids):
    for address, names in (*FILTERS.items(), ("/search/", ("q",))):
        for name in names:
            if name == "export":
                continue
            html = clients["manager"].get(address, {name: text}).content.decode()
            assert text not in html or "<" not in text
            if name in ("customer_name", "name", "q"):
                assert text in unescape(html)


def test_a_name_in_the_sign_in_form_comes_back_as_text(client):
    html = client.post("/login/", {"username": ATTRIBUTE, "password": "x"}).content.decode()
    assert "<img src=x" not in html
    assert ATTRIBUTE in unescape(html)


def test_a_web_address_that_would_run_script_is_never_drawn_as_a_link(clients, ids):
    for bad in (
        "javascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        " javascript:alert(1)",
        "java\tscript:alert(1)",
    ):
        response, _ = send(clients, ids, "customer", website=bad)
        assert (bad, response.status_code) == (bad, 200)
        assert f'href="{bad}"' not in response.content.decode()


# Headers

POLICY = {
    "default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self' data:",
    "font-src": "'self'", "connect-src": "'self'", "form-action": "'self'", "base-uri": "'none'",
    "frame-ancestors": "'none'",
}  # fmt: skip


def check_headers(response, *, kept=False):
    found = dict(part.strip().split(" ", 1) for part in response["Content-Security-Policy"].split(";"))
    assert found == POLICY
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert {"camera=()", "microphone=()", "geolocation=()"} <= set(response["Permissions-Policy"].split(", "))
    if not kept:
        assert "no-store" in response["Cache-Control"]
        assert response["X-Frame-Options"] == "DENY"


def test_every_signed_in_page_carries_the_security_headers(clients, ids, company, sign_in):
    client = clients["manager"]
    for address in (
        "/",
        *LISTS,
        "/marketing/opportunities/?export=csv",
        "/customers/?export=xlsx",
        f"/marketing/opportunities/{ids['assigned']}/",
        f"/marketing/opportunities/{ids['assigned']}/edit/",  # 409
        f"/marketing/opportunities/{ids['new']}/assign/",  # 403
        "/marketing/opportunities/999999/",  # 404
        "/nowhere",
        "/search/?q=x",
        "/accounts/password/",
        "/login/",  # forwards
    ):
        check_headers(client.get(address))
    check_headers(sign_in(company.administrator).get("/admin/accounts/user/"))


def test_pages_without_sign_in_carry_the_security_headers(client):
    for address in ("/login/", "/customers/"):
        response = client.get(address)
        check_headers(response, kept=response.status_code == 302)
    for address in ("/healthz", "/readyz", "/nowhere", "/customers/?q=%00"):
        check_headers(client.get(address), kept=True)


def test_no_page_carries_inline_script_or_style(clients, ids):
    for address in ("/", *LISTS, f"/marketing/opportunities/{ids['assigned']}/", f"/customers/{ids['customer']}/edit/"):
        html = clients["manager"].get(address).content.decode()
        assert re.findall(r"<script(?![^>]*\bsrc=)", html) == []
        assert re.findall(r"<style\b|\sstyle=|\son[a-z]+=\"", html) == []


# Signing in


def enter(client, username, password, address="10.0.0.1", **more):
    return client.post("/login/", {"username": username, "password": password, **more}, REMOTE_ADDR=address)


def alert(response):
    found = re.search(r'role="alert">.*?<div>([^<]*)</div>', response.content.decode(), re.S)
    return found[1] if found else ""


def plain(response):
    """The page without what differs by design: the token and the typed name."""
    html = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", response.content.decode())
    return re.sub(r'(name="username"[^>]*) value="[^"]*"|value="[^"]*"([^>]*name="username")', r"\1\2", html)


@pytest.fixture
def person(company):
    return company.manager


def test_unknown_wrong_disabled_and_locked_read_the_same(company, person):
    disabled = factories.UserFactory(is_active=False)
    answers = {
        "unknown": enter(Client(), "niemand", PASSWORD, "10.0.0.2"),
        "wrong": enter(Client(), person.username, "wrong", "10.0.0.3"),
        "disabled": enter(Client(), disabled.username, PASSWORD, "10.0.0.4"),
    }
    for _ in range(5):
        enter(Client(), person.username, "wrong", "10.0.0.5")
    answers["locked"] = enter(Client(), person.username, PASSWORD, "10.0.0.5")
    assert {name: (answer.status_code, alert(answer)) for name, answer in answers.items()} == dict.fromkeys(
        answers, (200, SIGN_IN_FAILED)
    )
    assert len({plain(answer) for answer in answers.values()}) == 1


def test_the_fifth_wrong_password_locks_the_account_from_this_address_only(person, company):
    for _ in range(4):
        enter(Client(), person.username, "wrong")
    assert enter(Client(), person.username, PASSWORD).status_code == 302  # and begins anew
    for _ in range(5):
        assert alert(enter(Client(), person.username, "wrong")) == SIGN_IN_FAILED
    assert alert(enter(Client(), person.username, PASSWORD)) == SIGN_IN_FAILED
    assert enter(Client(), person.username, PASSWORD, "10.0.0.9").status_code == 302
    assert enter(Client(), company.colleague.username, PASSWORD).status_code == 302


def test_a_lock_ends_after_15_minutes(person):
    for _ in range(5):
        enter(Client(), person.username, "wrong")
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=14))
    assert enter(Client(), person.username, PASSWORD).status_code == 200
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))
    assert enter(Client(), person.username, PASSWORD).status_code == 302


def test_a_forged_forwarded_address_does_not_dodge_the_lock(person):
    for n in range(6):
        client = Client(headers={"X-Forwarded-For": f"8.8.8.{n}"})
        enter(client, person.username, "wrong")
    assert alert(enter(Client(), person.username, PASSWORD)) == SIGN_IN_FAILED


def test_signing_in_and_failing_to_are_in_the_trail_with_the_address(person):
    enter(Client(), person.username, "wrong", "10.0.0.7")
    enter(Client(), person.username, PASSWORD, "10.0.0.8")
    failed, entered = AuditEntry.objects.get(verb="登录失败"), AuditEntry.objects.get(verb="登录")
    assert (failed.actor, failed.object_text, failed.address) == (None, person.username, "10.0.0.7")
    assert (entered.actor, entered.address) == (person, "10.0.0.8")
    assert not AuditEntry.objects.filter(changes__icontains="wrong").exists()


@pytest.mark.parametrize("name", ["", "a" * 100_000, "\x00", "a\x00b", "𠮷", "' OR 1=1 --", SCRIPT, "null", "*"])
def test_a_senseless_name_is_refused_like_any_other(name, person):
    response = enter(Client(), name, PASSWORD)
    assert response.status_code == 200
    assert "登录" in response.content.decode()


@pytest.mark.parametrize("password", ["", "\x00", "x" * 100_000, "𠮷", "\u200b"])
def test_a_senseless_password_is_refused(password, person):
    assert enter(Client(), person.username, password).status_code == 200


def test_the_session_changes_at_sign_in_and_ends_at_sign_out(person):
    client = Client()
    session = client.session
    session["planted"] = True
    session.save()
    planted = session.session_key
    enter(client, person.username, PASSWORD)
    entered = client.session.session_key
    assert entered != planted
    assert not Session.objects.filter(session_key=planted).exists()
    client.post("/logout/")
    assert not Session.objects.filter(session_key=entered).exists()
    assert client.get("/")["Location"].startswith("/login/")
    assert AuditEntry.objects.filter(verb="退出", actor=person).count() == 1


def test_a_stolen_session_key_of_before_the_password_change_is_worthless(person, sign_in):
    client = sign_in(person)
    thief = Client()
    thief.cookies[django_settings.SESSION_COOKIE_NAME] = client.session.session_key
    assert thief.get("/").status_code == 200
    values = {"old_password": PASSWORD, "new_password1": "another-passphrase", "new_password2": "another-passphrase"}
    client.post("/accounts/password/", values)
    assert thief.get("/")["Location"].startswith("/login/")


ELSEWHERE = [
    "https://evil.example/", "//evil.example/", "///evil.example", "/\\evil.example", "javascript:alert(1)",
    "http:///evil.example", "\\\\evil.example", "https:evil.example",
]  # fmt: skip


@pytest.mark.parametrize("target", ELSEWHERE)
def test_signing_in_leads_nowhere_outside(target, person):
    response = enter(Client(), person.username, PASSWORD, next=target)
    assert response["Location"] == "/"
    signed_in = Client()
    signed_in.force_login(person, backend="accounts.backends.RoleBackend")
    assert signed_in.get("/login/", {"next": target})["Location"] == "/"
    assert signed_in.post("/accounts/theme/", {"theme": "dark", "next": target})["Location"] == "/"
    assert signed_in.post("/logout/", {"next": target})["Location"] == "/login/"


def test_signing_in_leads_to_the_page_that_was_asked_for(person):
    asked = Client().get("/customers/?name=%E5%8C%97")["Location"]
    target = unescape(re.search(r'name="next" value="([^"]*)"', Client().get(asked).content.decode())[1])
    assert enter(Client(), person.username, PASSWORD, next=target)["Location"] == "/customers/?name=%E5%8C%97"


def test_a_form_without_its_token_is_refused_in_chinese(person):
    client = Client(enforce_csrf_checks=True)
    response = enter(client, person.username, PASSWORD)
    assert response.status_code == 403
    assert "这次提交没有生效" in response.content.decode()
    client.force_login(person, backend="accounts.backends.RoleBackend")
    for address in ("/marketing/opportunities/new/", "/accounts/theme/", "/logout/", "/notifications/read/"):
        response = client.post(address, factories.OPPORTUNITY)
        assert (address, response.status_code) == (address, 403)
        assert "这次提交没有生效" in response.content.decode()
    assert Opportunity.objects.count() == 0


@pytest.mark.parametrize("verb", ["put", "patch", "delete"])
def test_other_verbs_change_nothing(verb, clients, ids):
    for address, _, _ in FORMS.values():
        with transaction.atomic():
            response = getattr(clients["manager"], verb)(address.format(**ids), "x=1")
            assert response.status_code in (403, 404, 405, 409)
    assert Opportunity.objects.count() == 3


def test_no_page_changes_anything_when_it_is_only_read(clients, ids):
    before = business_texts()
    for address, _, _ in FORMS.values():
        for client in clients.values():
            client.get(address.format(**ids))
    assert business_texts() == before


# Running it


def run(*arguments, **environment):
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "CRM_VAR_DIR") if name in os.environ}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=django_settings.BASE_DIR,
        env={**kept, "DJANGO_SETTINGS_MODULE": "crm.settings", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


SETUP = ("-c", "import django; django.setup()")
KEY = "k" * 30 + "abcdefghijklmnopqrstuvwxyz0123456789"


@pytest.mark.parametrize(
    ("environment", "word"),
    [
        ({"CRM_ENV": "production"}, "SECRET_KEY"),
        ({"CRM_ENV": "production", "SECRET_KEY": ""}, "SECRET_KEY"),
        ({"CRM_ENV": "production", "SECRET_KEY": KEY, "CRM_DEBUG": "1"}, "CRM_DEBUG"),
        ({"CRM_ENV": "prod"}, "CRM_ENV"),
    ],
)
def test_production_refuses_to_start_without_a_key_or_with_debug(environment, word):
    result = run(*SETUP, **environment)
    assert result.returncode != 0
    assert f"ImproperlyConfigured: {word}" in result.stderr or word in result.stderr.splitlines()[-1]


def test_production_passes_djangos_deployment_check():
    result = run(
        "manage.py", "check", "--deploy", "--fail-level", "WARNING",
        CRM_ENV="production", SECRET_KEY=KEY, CRM_ALLOWED_HOSTS="crm.example.com",
    )  # fmt: skip
    assert (result.returncode, "no issues" in result.stdout) == (0, True), result.stderr


def test_no_user_exists_before_somebody_makes_one():
    assert User.objects.count() == 0


def test_the_error_page_is_made_without_the_database(django_assert_num_queries):
    with django_assert_num_queries(0):
        response = server_error(RequestFactory().get("/"))
    html = response.content.decode()
    assert response.status_code == 500
    assert "系统出错了" in html
    assert 'href="/"' in html


def test_a_crash_shows_the_error_page_and_nothing_of_the_inside(company, sign_in, monkeypatch):
    def crash(*args, **kwargs):
        raise RuntimeError("secret detail")

    monkeypatch.setattr("crm.home.figures", crash)
    client = sign_in(company.manager)
    client.raise_request_exception = False
    response = client.get("/")
    assert response.status_code == 500
    assert "系统出错了" in response.content.decode()
    assert "secret detail" not in response.content.decode()


@pytest.mark.parametrize("address", ["/nowhere", "/customers/999999/", "/marketing/nowhere/"])
def test_what_is_not_there_gets_a_chinese_page_with_a_way_on(address, clients):
    html = clients["manager"].get(address).content.decode()
    assert "没有这个页面或记录" in html
    assert 'href="/"' in html
    assert Client().get("/nowhere").status_code == 404


def test_a_foreign_host_name_is_refused(client):
    assert client.get("/login/", headers={"host": "evil.example"}).status_code == 400


def test_today_is_shanghais_whatever_the_server_thinks():
    assert django_settings.TIME_ZONE == "Asia/Shanghai"
    assert timezone.localdate() == (timezone.now() + timedelta(hours=8)).replace(tzinfo=None).date()
    assert isinstance(timezone.localdate(), date)
