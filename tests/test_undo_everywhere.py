"""撤销 of every action on several rows of every list: all business tables are afterwards as they were before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from customers.models import ChurnCase, Customer
from customers.orders.rollups import describe_differences, refresh_revenue
from kit.bulk import jobs as bulk_jobs
from kit.bulk import page as bulk_page
from kit.jobs.models import Job
from kit.jobs.tasks import execute_job
from kit.undo import jobs as undo_jobs
from kit.undo import models as undo_models
from kit.undo.models import UndoEntry, UndoRow
from tests import factories
from tests.digest import differences, digest
from tests.html import text, value
from tests.walks import CLASSES, LISTS

pytestmark = [pytest.mark.django_db, pytest.mark.walk]
BULK = sorted({action.url_name for name in LISTS for action in CLASSES[name].bulk_actions})
MERGES = {"customer_merge"}  # several become one: tests/customers/test_undo_merge.py


class Scene(NamedTuple):
    """Rows of one kind, with everything that hangs on them, and what somebody posts over them."""

    make: Callable[[Any], list[Any]]
    values: Callable[[Any], dict[str, Any]]
    person: str = "supervisor"


def customers(company):
    """Customers of two owners, with orders, a case, a follow-up, requests in work, helpers and grants."""
    rows = []
    for number, owner in enumerate((company.manager, company.manager, company.colleague, company.manager)):
        one = factories.CustomerFactory(name=f"水务{number}号", manager=owner)
        contact = factories.ContactFactory(customer=one, is_primary=True)
        factories.interaction(one, owner, contact=contact, follow_up_on=timezone.localdate() + timedelta(days=2))
        request = factories.dispatched(owner, company.supervisor, owner, customer=one, summary="漏水", content="请看")
        for person in (company.eastern, company.stranger):
            request.involve(person, by=company.supervisor)
            one.share(person, by=company.supervisor, kind="view")
        factories.archived(owner, company.supervisor, owner, customer=one, summary="旧", content="旧")
        factories.dispatched(owner, company.supervisor, company.eastern, customer=one, summary="别人", content="的")
        ChurnCase.objects.create(customer=one, status="warning")
        with transaction.atomic():
            factories.order(one, number=f"DD-{one.pk}")
        rows.append(one)
    type(request).objects.filter(summary="漏水").update(to_decide_since=timezone.now())
    with transaction.atomic():
        refresh_revenue([one.pk for one in rows])
    return rows


def contacts(company):
    """Contacts of one customer, one of them the primary one, whom talks, requests and hints name."""
    customer = factories.CustomerFactory(manager=company.manager)
    rows = []
    for number in range(4):
        one = factories.ContactFactory(customer=customer, name=f"高峰{number}", is_primary=not number, note="周末勿扰")
        factories.interaction(customer, company.manager, contact=one)
        factories.service_request(company.manager, customer=customer, contact=one, summary="漏水", content="请看")
        rows.append(one)
    return rows


def opportunities(company, person="manager"):
    rows = [factories.opportunity(company.manager, customer_name=f"新公司{number}") for number in range(4)]
    if person != "nobody":
        for one in rows:
            one.assign(getattr(company, person), by=company.supervisor)
    for one in rows:
        type(one).objects.filter(pk=one.pk).update(expected_on=timezone.localdate() + timedelta(days=one.pk % 3))
    return [type(one).objects.get(pk=one.pk) for one in rows]


def requests(company, make=factories.dispatched):
    customer = factories.CustomerFactory(manager=company.colleague)
    people = (company.supervisor, company.manager) if make is factories.dispatched else ()
    rows = [
        make(company.manager, *people, customer=customer, summary=f"漏水{number}", content="请看")
        for number in range(4)
    ]
    for one in rows if people else ():
        one.involve(company.eastern, by=company.supervisor)
        type(one).objects.filter(pk=one.pk).update(to_decide_since=timezone.now())
    return rows


def to_eastern(company):
    return {"to": company.eastern.pk, "person": company.eastern.pk, "access": "change", "reason": "换区"}


def each_to_eastern(company):
    return {**to_eastern(company), "by_row": company.eastern.pk}


def classes(company):
    return {"level": factories.entry("客户等级", "大客户").pk, "reason": "年度调整"}


def later(company):
    return {"expected_on": timezone.localdate() + timedelta(days=60), "reason": "客户推迟"}


def nothing(company):
    return {}


SCENES = {
    "customer_transfer_many": Scene(customers, to_eastern),
    "customer_reclassify": Scene(customers, classes),
    "customers:share_many": Scene(customers, to_eastern),
    "customers:refuse_contacts": Scene(contacts, nothing, "manager"),
    "customers:remove_contacts": Scene(contacts, nothing, "manager"),
    "marketing:assign_many": Scene(lambda company: opportunities(company, "nobody"), each_to_eastern),
    "marketing:reassign_many": Scene(opportunities, each_to_eastern),
    "marketing:postpone_many": Scene(opportunities, later, "manager"),
    "services:assign_many": Scene(lambda company: requests(company, factories.service_request), each_to_eastern),
    "services:reassign_many": Scene(requests, each_to_eastern),
}


def send(client, name, rows, values):
    """Open the page of these rows, as a person does, and send it."""
    chosen = {"ids": [row.pk for row in rows]}
    page = client.get(reverse(name), chosen)
    sent = {**chosen, **values, "opened": value(page, "opened")}
    for row in rows if "by_row" in values else ():
        sent[f"to_{row.pk}"] = values["by_row"]
    return page, client.post(reverse(name), sent, follow=True)


def test_every_action_on_several_rows_has_its_scene():
    assert set(SCENES) | MERGES == set(BULK)


@pytest.mark.parametrize("name", sorted(SCENES))
def test_it_is_taken_back_by_one_click_in_the_message(name, company, sign_in):
    scene = SCENES[name]
    rows, values, client = scene.make(company), scene.values(company), sign_in(getattr(company, scene.person))
    before = digest()
    page, answer = send(client, name, rows, values)
    assert "24 小时内可以撤销" in text(page)
    entry = UndoEntry.objects.get()
    changed = digest()
    assert len({row.record_key for row in entry.rows.all()}) == len(rows)
    assert differences(before, changed)
    undo = reverse("undo", args=[entry.pk])
    assert f'formaction="{undo}"' in answer.content.decode()
    assert entry.text in text(client.get(reverse("recent")))
    answer = client.post(undo, follow=True)
    assert f"已撤销：{entry}。" in text(answer)
    assert differences(before, digest()) == []
    assert describe_differences() == []
    assert not UndoRow.objects.exists()
    assert client.post(undo).status_code == 409  # once


@pytest.mark.parametrize("name", sorted(SCENES))
def test_a_job_is_taken_back_by_one_click_too(name, company, sign_in, monkeypatch):
    for module, limit in ((bulk_page, "MAX_DIRECT"), (undo_models, "MAX_DIRECT")):
        monkeypatch.setattr(module, limit, 3)
    for module in (bulk_jobs, undo_jobs):
        monkeypatch.setattr(module, "BATCH", 3)
    scene = SCENES[name]
    rows, values, client = scene.make(company), scene.values(company), sign_in(getattr(company, scene.person))
    before = digest()
    send(client, name, rows, values)
    execute_job(job := Job.objects.get())
    entry = UndoEntry.objects.get()
    undo = reverse("undo", args=[entry.pk])
    assert f'formaction="{undo}"' in client.get(reverse("job_detail", args=[job.pk])).content.decode()
    assert len({row.record_key for row in entry.rows.all()}) == len(rows)
    answer = client.post(undo, follow=True)
    second = Job.objects.exclude(pk=job.pk).get()
    assert answer.redirect_chain[-1][0] == reverse("job_detail", args=[second.pk])
    assert "还在后台进行" in text(client.post(undo))
    execute_job(second)
    second.refresh_from_db()
    assert second.result == f"已撤销：{entry}。恢复 4 条。"
    assert differences(before, digest()) == []
    assert client.post(undo).status_code == 409


@pytest.mark.parametrize("name", sorted(SCENES))
def test_the_numbers_of_statements_do_not_grow_with_the_rows(name, company, sign_in, django_assert_max_num_queries):
    """Eight rows are taken back by as many statements as four, but for what each has of its own."""
    scene = SCENES[name]
    client, numbers = sign_in(getattr(company, scene.person)), []
    for rows in (scene.make(company), scene.make(company) + scene.make(company)):
        send(client, name, rows, scene.values(company))
        undo = reverse("undo", args=[UndoEntry.objects.order_by("pk").last().pk])
        with django_assert_max_num_queries(200) as statements:
            assert client.post(undo).status_code == 302
        numbers.append(len(statements))
    assert numbers[1] <= numbers[0] + 4, numbers


def test_customers_are_back_with_their_owner(company, sign_in):
    rows = customers(company)
    send(sign_in(company.supervisor), "customer_transfer_many", rows, to_eastern(company))
    assert set(Customer.objects.values_list("manager", flat=True)) == {company.eastern.pk}
