"""Many customers at once: the filter chooses, what was shown is confirmed, the rest is named; large ones are jobs."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers.models import Contact, Customer
from kit.audit.models import AuditEntry
from kit.bulk import jobs as bulk_jobs
from kit.bulk import page as bulk_page
from kit.bulk import selection
from kit.jobs.models import Job
from kit.jobs.tasks import execute_job
from tests import factories
from tests.html import notices, text, texts, value

pytestmark = pytest.mark.django_db

TRANSFER, RECLASSIFY = "/customers/transfer/", "/customers/reclassify/"


def customers(company, count, **values):
    return [
        factories.CustomerFactory(name=f"{values.get('word', '水务')}{number}号", manager=company.manager)
        for number in range(count)
    ]


def whole(url="/customers/", **conditions):
    return {"all": "1", "list": f"{url}?{urlencode(conditions)}"}


def confirm(client, url, chosen, **values):
    """Open the page of a selection and send it."""
    page = client.get(url, chosen)
    return client.post(url, {**chosen, **values, "opened": value(page, "opened")}, follow=True)


def handed(company):
    return {"to": company.eastern.pk, "reason": "换区"}


def owned(person):
    return set(Customer.objects.filter(manager=person).values_list("pk", flat=True))


# All that the filter finds


def test_all_of_a_result_are_moved_beyond_its_page_and_nothing_else(company, sign_in):
    chosen = customers(company, 25)
    customers(company, 2, word="机械")
    client = sign_in(company.supervisor)
    page = client.get("/customers/", {"name": "水务"})
    assert value(page, "list") == "/customers/?name=%E6%B0%B4%E5%8A%A1"
    assert "选择全部 25 家" in texts(page, "#bulk button")
    page = client.get(TRANSFER, whole(name="水务", page_size="20"))
    assert "移交 25 家" in texts(page, "form.card button")
    assert 'name="ids"' not in page.content.decode()  # the filter travels, not the keys
    answer = confirm(client, TRANSFER, whole(name="水务"), **handed(company))
    assert notices(answer) == ["已移交 25 家客户，双方会收到通知 · 撤销"]
    assert answer.redirect_chain[-1][0] == whole(name="水务")["list"]
    assert owned(company.eastern) == {one.pk for one in chosen}


def test_a_customer_that_joins_the_result_before_confirming_makes_it_ask_again(company, sign_in):
    customers(company, 2)
    client, sent = sign_in(company.supervisor), {**whole(name="水务"), **handed(company)}
    sent["opened"] = value(client.get(TRANSFER, sent), "opened")
    customers(company, 1, word="第三水务")
    page = client.post(TRANSFER, sent)
    assert page.status_code == 409
    assert "您打开时 2 条，现在 3 条" in text(page)
    assert not owned(company.eastern)
    client.post(TRANSFER, {**sent, "opened": value(page, "opened")})
    assert len(owned(company.eastern)) == 3


@pytest.mark.parametrize("memory", ["", "x", "a:b:c"])
def test_without_the_memory_of_what_was_shown_nothing_moves(memory, company, sign_in):
    customers(company, 1)
    sent = {**whole(name="水务"), **handed(company), "opened": memory}
    assert "页面已过期" in text(sign_in(company.supervisor).post(TRANSFER, sent))
    assert not owned(company.eastern)


@pytest.mark.parametrize("host", ["https://elsewhere.example", "//elsewhere.example", "javascript:", "http:"])
def test_a_list_of_another_host_is_no_list_and_nobody_is_led_there(host, company, sign_in):
    client, (one,) = sign_in(company.supervisor), customers(company, 1)
    address = f"{host}/customers/?name=水务"
    for url in (TRANSFER, RECLASSIFY):
        assert client.get(url, {"all": "1", "list": address}).url == "/customers/"
        assert 'name="list"' not in client.get(url, {"ids": one.pk, "list": address}).content.decode()


@pytest.mark.parametrize("address", ["/services/dispatch/", "/marketing/opportunities/", "/nowhere/", "customers", ""])
def test_all_means_nothing_without_a_list_that_has_the_action(address, company, sign_in):
    customers(company, 1)
    answer = sign_in(company.supervisor).get(TRANSFER, {"all": "1", "list": address}, follow=True)
    assert "没有选中您可以移交的客户" in text(answer)


@pytest.mark.parametrize("typed", ["%00", "%ED%A0%80", "a\x00"])
def test_control_characters_in_the_lists_address_are_refused(typed, company, sign_in):
    answer = sign_in(company.supervisor).get(TRANSFER, {"all": "1", "list": f"/customers/?name={typed}"})
    assert answer.status_code == 400


@pytest.mark.parametrize("conditions", [{"nmae": "水务"}, {"manager": "abc"}])
def test_a_condition_the_list_does_not_understand_does_not_select_everything(conditions, company, sign_in):
    customers(company, 1)
    answer = sign_in(company.supervisor).get(TRANSFER, whole(**conditions), follow=True)
    assert "请改正条件后再选择全部" in text(answer)


# What is left out


@pytest.mark.parametrize("address", ["//evil.example/customers/", "https://evil.example/customers/", "///customers/"])
def test_no_list_of_another_site_is_led_back_to(address, company, sign_in):
    answer = sign_in(company.supervisor).get(reverse("customer_transfer_many"), {"list": address, "ids": "999"})
    assert answer["Location"] == reverse("customers:customer_list")


def test_those_left_out_are_named_with_the_reason_before_and_after(company, sign_in):
    one, other = customers(company, 2)
    foreign = factories.CustomerFactory(name="海外水务", manager=company.stranger)
    foreign.share(company.supervisor, by=factories.fresh(company.outsider), kind="change")
    hidden = factories.CustomerFactory(name="看不见的水务", manager=company.stranger)
    client = sign_in(company.supervisor)
    chosen = {"ids": [one.pk, other.pk, foreign.pk, hidden.pk]}
    page = client.get(TRANSFER, chosen)
    assert "「海外水务」：只有客户经理（外人甲）的主管可以移交这个客户。" in text(page)
    assert "另外 1 条不在您的查看范围内。" in text(page)
    assert "看不见的水务" not in page.content.decode()
    other.transfer(company.eastern, by=company.supervisor, reason="先移交")
    (notice,) = notices(confirm(client, TRANSFER, chosen, **handed(company)))
    assert "已移交 1 家客户" in notice
    assert "另有 3 条没有移交" in notice
    assert "「水务1号」：现在就由王华东负责。" in notice
    assert foreign.pk not in owned(company.eastern)


def test_of_many_ticked_rows_none_is_left_out_unsaid(company, sign_in):
    ids = [*range(10**6, 10**6 + 1500), customers(company, 1)[0].pk]
    assert "另外 1500 条不在您的查看范围内。" in text(sign_in(company.supervisor).get(TRANSFER, {"ids": ids}))


def test_ten_thousand_are_the_most(company, sign_in, monkeypatch):
    assert (selection.MAX_SELECTED, selection.MAX_DIRECT) == (10_000, 500)
    customers(company, 3)
    for module in (selection, bulk_page):
        monkeypatch.setattr(module, "MAX_SELECTED", 2)
    client = sign_in(company.supervisor)
    assert "一次最多移交 2 家客户" in text(client.get(TRANSFER, whole(name="水务"), follow=True))
    sent = {**whole(name="水务"), **handed(company), "opened": selection.Chosen(list(Customer.objects.all())).stamp}
    assert client.post(TRANSFER, sent).status_code == 409
    assert not owned(company.eastern)


def test_statements_do_not_grow_with_the_customers(company, sign_in):
    client, numbers = sign_in(company.supervisor), []
    for count in (2, 12):
        for one in customers(company, count, word=f"批{count}"):
            Contact.add(by=company.manager, customer=one, name="王芳", mobile="13800138000")
        chosen = whole(name=f"批{count}")
        opened = value(client.get(TRANSFER, chosen), "opened")
        with CaptureQueriesContext(
            connection,
        ) as statements:
            assert client.post(TRANSFER, {**chosen, **handed(company), "opened": opened}).status_code == 302
        numbers.append(len(statements))
    assert numbers[1] <= numbers[0] + 3


# By a job


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(bulk_page, "MAX_DIRECT", 2)
    monkeypatch.setattr(bulk_jobs, "BATCH", 2)


def started(client, company, chosen):
    """Confirm a large selection; return its job, which has not run."""
    answer = confirm(client, TRANSFER, chosen, **handed(company))
    job = Job.objects.get()
    assert answer.redirect_chain[-1][0] == reverse("job_detail", args=[job.pk])
    assert not owned(company.eastern)
    return job


def test_a_large_selection_is_a_job_that_leaves_out_what_changed_meanwhile(small_batches, company, sign_in):
    first, second, third, *_ = customers(company, 6)
    client = sign_in(company.supervisor)
    job = started(client, company, whole(name="水务"))
    first.edit(by=company.manager, fax="022-9")
    Customer.objects.filter(pk=second.pk).update(manager=company.stranger)
    customers(company, 1, word="后来的水务")
    execute_job(job)
    job.refresh_from_db()
    assert job.result == "已移交 4 家客户，双方会收到通知，2 条没有移交，原因见下。"
    assert job.notes == ["「水务0号」：确认后被别人修改过，没有改动。", "另外 1 条不在您的查看范围内。"]
    assert (job.done, job.total) == (6, 6)
    assert third.pk in owned(company.eastern)
    assert len(owned(company.eastern)) == 4
    assert "确认后被别人修改过" in text(client.get(reverse("job_detail", args=[job.pk])))


def test_a_job_that_is_run_again_goes_on_where_it_stopped(small_batches, company, sign_in, monkeypatch):
    customers(company, 6)
    job = started(sign_in(company.supervisor), company, whole(name="水务"))
    original, calls = bulk_jobs.save_progress, []

    def dies(*args):
        calls.append(args)
        if len(calls) == 2:
            raise ConnectionError
        original(*args)

    monkeypatch.setattr(bulk_jobs, "save_progress", dies)
    with pytest.raises(ConnectionError):
        bulk_jobs.run_bulk(job)
    assert len(owned(company.eastern)) == 2
    execute_job(Job.objects.get())
    assert Job.objects.get().result == "已移交 6 家客户，双方会收到通知。"
    assert AuditEntry.objects.filter(verb="移交").count() == 6


def test_a_job_does_nothing_for_somebody_who_lost_the_permission(small_batches, company, sign_in):
    customers(company, 3)
    job = started(sign_in(company.supervisor), company, whole(name="水务"))
    company.supervisor.groups.clear()
    execute_job(job)
    job.refresh_from_db()
    assert job.status == Job.Status.FAILED
    assert not owned(company.eastern)


def test_a_job_refused_halfway_says_what_it_did(small_batches, company, sign_in, monkeypatch):
    customers(company, 4)
    job = started(sign_in(company.supervisor), company, whole(name="水务"))
    original = bulk_jobs.save_progress

    def leaves(*args):
        original(*args)
        company.eastern.groups.clear()  # no 客户经理 any more

    monkeypatch.setattr(bulk_jobs, "save_progress", leaves)
    execute_job(job)
    job.refresh_from_db()
    assert (job.status, len(owned(company.eastern))) == (Job.Status.FAILED, 2)
    assert "王华东 不是您范围内在职的客户经理，请另选一位，已移交 2 家客户，其余没有改动。" in job.result


# Contacts


def test_contacts_are_marked_and_deleted_together(company, sign_in):
    customer = factories.CustomerFactory(manager=company.manager)
    people = [factories.ContactFactory(customer=customer, name=name) for name in ("王芳", "李雷", "赵云")]
    client, listed = sign_in(company.manager), f"/customers/{customer.pk}/contacts/"
    chosen = {"ids": [one.pk for one in people[:2]], "list": listed}
    assert "选择 王芳" in client.get(listed).content.decode()
    answer = confirm(client, "/customers/contacts/refuse/", chosen)
    assert notices(answer) == ["已设为请勿联系 2 位联系人 · 撤销"]
    assert answer.redirect_chain[-1][0] == listed
    assert Contact.objects.filter(do_not_contact=True).count() == 2
    confirm(client, "/customers/contacts/delete/", {"all": "1", "list": f"{listed}?name=李"})
    assert set(Contact.objects.values_list("name", flat=True)) == {"王芳", "赵云"}
