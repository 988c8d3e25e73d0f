"""Script in any text is shown as text, wherever it was typed."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import pytest
from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat

from accounts.models import Role, User, notify
from basedata.models import DictionaryEntry
from kit.audit.models import AuditEntry
from kit.jobs.models import Job
from tests import factories
from tests.hazards.forms import (
    ATTRIBUTE,
    FILTERS,
    LISTS,
    SCRIPT,
    send,
)
from tests.html import find, find_all, text, urls, values

pytestmark = pytest.mark.django_db


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


def check_runs_nothing(page, address):
    """Check that no tag somebody typed is in what was sent, and no script in what a browser makes of it."""
    sent = page.content.decode()
    assert (address, [mark for mark in ("<script>alert", "<img src=x") if mark in sent]) == (address, [])
    assert (address, find_all(page, "script:not([src]), [onerror], [onmouseover]")) == (address, [])


def check_shown_as_text(page, address):
    check_runs_nothing(page, address)
    written = [text(page), *(field.get("value", "") for field in find_all(page, "input, option"))]
    assert (address, any("<script>alert" in words for words in written)) == (address, True)


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
        check_shown_as_text(client.get(address), address)
    dialog = client.get(f"{new.get_absolute_url()}delete/", headers={"HX-Request": "true"})
    check_shown_as_text(dialog, "dialog")
    fragment = client.get("/marketing/opportunities/", headers={"HX-Request": "true", "HX-Target": "list"})
    check_shown_as_text(fragment, "fragment")


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
        check_shown_as_text(client.get(address), address)


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
            check_runs_nothing(client.get(address), address)
        else:
            check_shown_as_text(client.get(address), address)


def test_script_is_shown_as_text_in_a_conflict_and_in_refused_forms(poisoned, company, sign_in):
    new, client = poisoned["new"], sign_in(company.manager)
    address = f"{new.get_absolute_url()}edit/"
    memory = values(client.get(address))["opened"]
    new.edit(by=factories.fresh(company.supervisor), summary=f"主管{SCRIPT}", contact_name=SCRIPT[::-1] + SCRIPT[:10])
    typed = {
        **factories.OPPORTUNITY,
        "customer_name": new.customer_name,
        "summary": f"我{SCRIPT}{ATTRIBUTE}",
        "opened": memory,
    }
    conflict = client.post(address, typed)
    assert conflict.status_code == 409
    check_shown_as_text(conflict, "conflict")
    refused = client.post("/marketing/opportunities/new/", {**typed, "success_rate": SCRIPT})
    check_shown_as_text(refused, "refused")
    known = client.post("/marketing/opportunities/new/", {**typed, "customer_name": poisoned["customer"].name})
    assert "已是客户" in known.content.decode()
    check_shown_as_text(known, "known")


@pytest.mark.parametrize("typed", [SCRIPT, ATTRIBUTE, "' onmouseover=alert(1) x='", "{{ 7|add:7 }}", "{% debug %}"])
def test_what_a_filter_or_search_carries_comes_back_as_text(typed, clients, ids):
    for address, names in (*FILTERS.items(), ("/search/", ("q",))):
        for name in names:
            if name == "export":
                continue
            page = clients["manager"].get(address, {name: typed})
            assert typed not in page.content.decode() or "<" not in typed
            check_runs_nothing(page, address)
            if name in ("customer_name", "name", "q"):
                fields = find_all(page, f'input[name="{name}"]')
                assert (name, {field.get("value") for field in fields}) == (name, {typed})


def test_a_name_in_the_sign_in_form_comes_back_as_text(client):
    page = client.post("/login/", {"username": ATTRIBUTE, "password": "x"})
    check_runs_nothing(page, "/login/")
    assert find(page, 'input[name="username"]').get("value") == ATTRIBUTE


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
        assert bad not in urls(response)
        assert {urlsplit(url).scheme for url in urls(response)} <= {"", "http", "https", "tel", "mailto"}
