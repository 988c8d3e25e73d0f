"""撤销 of changes of many: what somebody changed since stays and is named, the rest goes back; once, and by whom."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Notification, User
from crm.privacy import erase_contact
from customers.merging.merge import merge_undoably
from customers.models import Contact, Customer, Interaction, Ownership
from kit.audit.models import AuditEntry
from kit.bulk import jobs as bulk_jobs
from kit.bulk import page as bulk_page
from kit.domain.verdict import Refused
from kit.jobs.models import Job
from kit.jobs.tasks import execute_job
from kit.undo import jobs as undo_jobs
from kit.undo import models as undo_models
from kit.undo.expiry import forget_expired
from kit.undo.models import UndoEntry, UndoRow
from kit.undo.restoring import take_back
from marketing.models import Opportunity
from tests import factories
from tests.customers.pages import page_of
from tests.digest import differences, digest
from tests.html import notices, text, value

pytestmark = pytest.mark.django_db
TRANSFER, RECLASSIFY, SHARE = "/customers/transfer/", "/customers/reclassify/", "/customers/share/"
REMOVE = "/customers/contacts/delete/"


@pytest.fixture
def client(company, sign_in):
    return sign_in(company.supervisor)


@pytest.fixture
def trio(company):
    return [factories.CustomerFactory(name=f"{word}水务", manager=company.manager) for word in ("海河", "滨城", "津南")]


def changed(client, url, rows, **values):
    """Change the rows together; return what takes it back."""
    chosen = {"ids": [row.pk for row in rows]}
    answer = client.post(url, {**chosen, **values, "opened": value(client.get(url, chosen), "opened")}, follow=True)
    assert answer.redirect_chain, text(answer)
    return UndoEntry.objects.order_by("pk").last()


def transferred(client, rows, company):
    return changed(client, TRANSFER, rows, to=company.eastern.pk, reason="换区")


def reclassified(client, rows, level="大客户"):
    return changed(client, RECLASSIFY, rows, level=factories.entry("客户等级", level).pk, reason="年度调整")


def undone(client, entry, status=200):
    return page_of(client.post(f"/recent/{entry.pk}/undo/", follow=status == 200), status)


def again(record):
    return type(record).objects.get(pk=record.pk)


# Somebody was faster


def test_what_somebody_changed_since_stays_and_is_named_with_who_and_when(client, trio, company):
    one, other, third = trio
    entry = transferred(client, trio, company)
    again(other).transfer(company.colleague, by=company.supervisor, reason="再换")
    page = undone(client, entry)
    assert "恢复 2 家客户" not in page
    assert "恢复 2 条，另有 1 条没有恢复：「滨城水务」：" in page
    assert "由林主管移交，没有恢复。" in page
    assert {again(row).manager for row in (one, third)} == {company.manager}
    assert again(other).manager == company.colleague
    assert Ownership.objects.filter(customer=other).count() == 3
    assert "已经由林主管撤销" in undone(client, entry, 409)


def test_where_all_were_changed_since_nothing_is_and_it_can_be_tried_again(client, trio, company):
    entry = transferred(client, trio[:1], company)
    again(trio[0]).transfer(company.colleague, by=company.supervisor, reason="再换")
    assert "没有一条可以撤销：「海河水务」：" in undone(client, entry, 409)
    assert again(entry).is_open
    assert again(trio[0]).manager == company.colleague


def test_what_is_edited_otherwise_stays_as_it_is_now(client, trio, company):
    """As after a merge: taking back the owner writes over nothing else."""
    entry = transferred(client, trio, company)
    again(trio[0]).edit(by=company.eastern, fax="022-9")
    undone(client, entry)
    assert (again(trio[0]).manager, again(trio[0]).fax) == (company.manager, "022-9")


def test_a_request_worked_on_since_keeps_its_customer(client, trio, company):
    request = factories.dispatched(company.manager, company.supervisor, company.manager, customer=trio[0], content="x")
    entry = transferred(client, trio, company)
    again(request).handle(by=company.eastern, handling="修好了")
    page = undone(client, entry)
    assert f"「海河水务」：服务请求「{request.summary}」" in page
    assert "由王华东处理，没有恢复。" in page
    assert (again(trio[0]).manager, again(request).assignee) == (company.eastern, company.eastern)
    assert again(trio[1]).manager == company.manager


def test_an_opportunity_worked_on_since_stays_assigned(company, client):
    first, second, third = (factories.opportunity(company.manager, summary=f"机会{n}") for n in range(3))
    people = {f"to_{one.pk}": company.eastern.pk for one in (first, second, third)}
    entry = changed(client, "/marketing/opportunities/assign/", [first, second, third], **people)
    factories.plan_item(again(first), company.eastern)
    again(second).update_forecast(
        by=company.eastern, success_rate=55, expected_amount=None, expected_on=None, reason="谈过"
    )
    page = undone(client, entry)
    assert "「机会0」：之后已经制定了开发计划，没有恢复。" in page
    assert "由王华东更新预测，没有恢复。" in page
    assert [again(one).status for one in (first, second, third)] == ["assigned", "assigned", "unassigned"]


def test_changes_are_taken_back_one_after_the_other(company, client):
    rows = [factories.opportunity(company.manager) for _ in range(2)]
    before = digest()
    first = changed(
        client, "/marketing/opportunities/assign/", rows, **{f"to_{one.pk}": company.eastern.pk for one in rows}
    )
    to = {f"to_{one.pk}": company.colleague.pk for one in rows}
    second = changed(client, "/marketing/opportunities/reassign/", rows, **to, reason="换人")
    assert "没有一条可以撤销" in undone(client, first, 409)
    undone(client, second)
    undone(client, first)
    assert differences(before, digest()) == []
    assert set(Opportunity.objects.values_list("status", flat=True)) == {"unassigned"}


def test_nothing_goes_back_to_somebody_who_left(client, trio, company):
    entry = transferred(client, trio, company)
    User.objects.filter(pk=company.manager.pk).update(is_active=False)
    assert "原来的负责人周经理已停用，没有恢复。" in undone(client, entry, 409)
    assert again(trio[0]).manager == company.eastern


def test_customers_deleted_or_merged_since_stay_so(client, trio, company):
    one, other, third = trio
    entry = transferred(client, trio, company)
    again(one).remove(by=company.supervisor)
    fourth = factories.CustomerFactory(name="集团水务", manager=company.eastern)
    merge_undoably(again(fourth), [again(other)], by=company.supervisor, reason="同一家")
    page = undone(client, entry)
    assert "「海河水务」" in page
    assert "「滨城水务」" in page
    assert again(third).manager == company.manager
    assert (again(one).manager, again(other).merged_into) == (company.eastern, fourth)
    assert Ownership.objects.filter(customer=other, until=None).count() == 0


def test_a_contact_deleted_since_comes_back_as_they_were_before(company, sign_in, trio):
    client = sign_in(company.manager)
    people = [factories.ContactFactory(customer=trio[0], name=name) for name in ("高峰", "姜工")]
    entry = changed(client, "/customers/contacts/refuse/", people)
    removal = again(people[0]).remove(by=company.manager)
    assert "恢复 1 条，另有 1 条没有恢复：另外 1 条已删除，或不在您的查看范围内。" in undone(client, entry)
    take_back(again(removal), by=company.manager)
    assert not Contact.objects.filter(do_not_contact=True).exists()


# Whose it is


def test_others_neither_see_nor_take_back_what_somebody_changed(client, trio, company, sign_in):
    entry = transferred(client, trio, company)
    for person in (company.manager, company.eastern, company.outsider, company.administrator):
        other = sign_in(person)
        assert entry.text not in page_of(other.get("/recent/"))
        assert other.post(f"/recent/{entry.pk}/undo/").status_code == 404
    with pytest.raises(Refused, match="只有操作的人"):
        take_back(again(entry), by=factories.fresh(company.administrator))
    assert "海河" not in entry.text  # it may have left the view of who reads the list


def test_who_lost_the_permission_takes_nothing_back(client, trio, company, sign_in):
    entry = transferred(client, trio, company)
    company.supervisor.groups.clear()
    assert sign_in(factories.fresh(company.supervisor)).post(f"/recent/{entry.pk}/undo/").status_code == 403
    assert again(trio[0]).manager == company.eastern


def test_who_lost_sight_of_a_record_is_not_told_its_name(client, trio, company):
    entry = reclassified(client, trio)
    Customer.objects.filter(pk=trio[0].pk).update(manager=company.stranger)
    page = undone(client, entry)
    assert "另外 1 条已删除，或不在您的查看范围内。" in page
    assert "海河" not in notices(page)[0]
    assert [str(again(row).level) for row in trio].count("大客户") == 1


def test_everybody_concerned_is_told_once(client, trio, company):
    entry = transferred(client, trio, company)
    Notification.objects.all().delete()
    undone(client, entry)
    told = dict(Notification.objects.values_list("recipient__name", "text"))
    assert told == {
        "周经理": "林主管 撤销了移交，3 个客户仍由您负责",
        "王华东": "林主管 撤销了移交，3 个客户不再由您负责",
    }
    event = AuditEntry.objects.about(trio[0]).first()
    assert (event.verb, event.changes["客户经理"]) == ("撤销移交", ["王华东", "周经理"])
    assert trio[0].timeline.newest().first().text == "撤销移交：王华东 → 周经理"


# Once, and for a day


def test_of_two_tabs_the_second_is_told_that_it_is_done(client, trio, company):
    entry = reclassified(client, trio)
    token = "3f0e7d9a-6a2f-4f6e-9a39-3d8a0c1c0001"
    first = client.post(f"/recent/{entry.pk}/undo/", {"submission": token})
    assert first.url == client.post(f"/recent/{entry.pk}/undo/", {"submission": token}).url  # the same click again
    assert client.post(f"/recent/{entry.pk}/undo/").status_code == 409
    assert AuditEntry.objects.filter(verb="撤销批量修改").count() == 3


def test_after_a_day_it_is_forgotten(client, trio, company):
    entry = reclassified(client, trio)
    assert "3 家客户，客户等级 大客户" in page_of(client.get("/recent/"))
    UndoEntry.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert "已过可以撤销的时间" in undone(client, entry, 409)
    assert forget_expired() == 1
    assert not UndoRow.objects.exists()


# 抹去


def test_an_erased_person_is_purged_and_the_others_still_come_back(company, sign_in, trio):
    """Who is named in the row of another deleted contact is purged with that contact alone."""
    client = sign_in(company.manager)
    kept = factories.ContactFactory(customer=trio[0], name="高峰", mobile="13800001111")
    people = [
        factories.ContactFactory(customer=trio[0], name=name, note=note, office_phone="")
        for name, note in (("姜工", "找高峰"), ("李雷", ""), ("赵云", ""))
    ]
    entry = changed(client, REMOVE, people)
    erase_contact(kept, by=company.supervisor, reason="本人要求")
    assert "高峰" not in str(list(UndoRow.objects.values()))
    undone(client, entry)
    assert set(Contact.objects.filter(erased_at=None).values_list("name", flat=True)) == {"李雷", "赵云"}


def test_a_marked_person_erased_since_stays_erased(company, sign_in, trio):
    client = sign_in(company.manager)
    people = [factories.ContactFactory(customer=trio[0], name=name) for name in ("高峰", "姜工")]
    entry = changed(client, "/customers/contacts/refuse/", people)
    erase_contact(again(people[0]), by=company.supervisor, reason="本人要求")
    assert "个人信息已抹去" in undone(client, entry)
    assert [again(one).do_not_contact for one in people] == [True, False]


def test_an_interaction_of_a_deleted_contact_given_another_since_keeps_the_contact_away(company, sign_in, trio):
    client = sign_in(company.manager)
    people = [factories.ContactFactory(customer=trio[0], name=name) for name in ("高峰", "姜工", "李雷")]
    talk = factories.interaction(trio[0], company.manager, contact=people[0])
    entry = changed(client, REMOVE, people[:2])
    again(talk).edit(by=company.manager, contact=people[2])
    assert "「高峰」：交往记录「电话回访高峰」" in undone(client, entry)
    assert Interaction.objects.get().contact == people[2]
    assert set(Contact.objects.values_list("name", flat=True)) == {"姜工", "李雷"}


# By a job


@pytest.fixture
def small_batches(monkeypatch):
    for module in (bulk_page, undo_models):
        monkeypatch.setattr(module, "MAX_DIRECT", 2)
    for module in (bulk_jobs, undo_jobs):
        monkeypatch.setattr(module, "BATCH", 2)


def many(company, count=6):
    return [factories.CustomerFactory(name=f"水务{number}号", manager=company.manager) for number in range(count)]


def by_job(client, rows, company):
    """Hand customers over by a job that has run; return what takes it back."""
    chosen = {"ids": [row.pk for row in rows]}
    sent = {**chosen, "to": company.eastern.pk, "reason": "换区"}
    client.post(TRANSFER, {**sent, "opened": value(client.get(TRANSFER, chosen), "opened")})
    return Job.objects.order_by("pk").last()


def owned(person):
    return Customer.objects.filter(manager=person).count()


def dies_after(monkeypatch, module, batches):
    original, calls = module.save_progress, []

    def dies(*args):
        calls.append(args)
        if len(calls) == batches + 1:
            raise ConnectionError
        original(*args)

    monkeypatch.setattr(module, "save_progress", dies)


def test_a_job_that_died_for_good_is_taken_back_as_far_as_it_came(small_batches, client, company, monkeypatch):
    job = by_job(client, many(company), company)
    dies_after(monkeypatch, bulk_jobs, 1)
    with pytest.raises(ConnectionError):
        bulk_jobs.run_bulk(job)
    entry = UndoEntry.objects.get()
    assert entry.text == "2 家客户给王华东"
    assert "还在后台进行" in undone(client, entry, 409)
    assert f'formaction="/recent/{entry.pk}/undo/"' not in page_of(client.get("/recent/"))
    again(job).fail("执行任务的进程三次中断")
    assert f'formaction="/recent/{entry.pk}/undo/"' in page_of(client.get(f"/jobs/{job.pk}/"))
    undone(client, entry)
    assert (owned(company.manager), owned(company.eastern)) == (6, 0)


def test_a_job_that_goes_on_is_one_entry(small_batches, client, company, monkeypatch):
    job = by_job(client, many(company), company)
    with monkeypatch.context() as patch:
        dies_after(patch, bulk_jobs, 1)
        with pytest.raises(ConnectionError):
            bulk_jobs.run_bulk(job)
    execute_job(again(job))
    entry = UndoEntry.objects.get()
    assert (entry.text, entry.records) == ("6 家客户给王华东", 6)


def test_taking_back_that_was_killed_goes_on_where_it_stopped(small_batches, client, company, monkeypatch):
    rows = many(company)
    before = digest()
    execute_job(by_job(client, rows, company))
    entry = UndoEntry.objects.get()
    client.post(f"/recent/{entry.pk}/undo/")
    job = Job.objects.order_by("pk").last()
    with monkeypatch.context() as patch:
        dies_after(patch, undo_jobs, 1)
        with pytest.raises(ConnectionError):
            undo_jobs.run_take_back(job)
    assert (owned(company.manager), again(entry).records) == (2, 4)
    execute_job(again(job))
    assert again(job).result == "已撤销：移交：6 家客户给王华东。恢复 6 条。"
    assert differences(before, digest()) == []
    assert AuditEntry.objects.filter(verb="撤销移交").count() == 6


def test_taking_back_that_died_for_good_is_begun_again(small_batches, client, company, monkeypatch):
    execute_job(by_job(client, many(company), company))
    entry = UndoEntry.objects.get()
    client.post(f"/recent/{entry.pk}/undo/")
    job = Job.objects.order_by("pk").last()
    with monkeypatch.context() as patch:
        dies_after(patch, undo_jobs, 1)
        with pytest.raises(ConnectionError):
            undo_jobs.run_take_back(job)
    again(job).fail("执行任务的进程三次中断")
    assert f'formaction="/recent/{entry.pk}/undo/"' in page_of(client.get(f"/jobs/{job.pk}/"))
    client.post(f"/recent/{entry.pk}/undo/")
    execute_job(Job.objects.order_by("pk").last())
    assert owned(company.manager) == 6
    assert again(entry).undone_at


def test_a_job_names_what_it_left(small_batches, client, company):
    rows = many(company)
    execute_job(by_job(client, rows, company))
    again(rows[3]).transfer(company.colleague, by=company.supervisor, reason="再换")
    entry = UndoEntry.objects.get()
    client.post(f"/recent/{entry.pk}/undo/")
    execute_job(job := Job.objects.order_by("pk").last())
    assert again(job).result == "已撤销：移交：6 家客户给王华东。恢复 5 条，1 条没有恢复，原因见下。"
    assert "由林主管移交，没有恢复。" in again(job).notes[0]
    assert not UndoRow.objects.exists()


def test_who_loses_the_permission_meanwhile_stops_the_job(small_batches, client, company):
    execute_job(by_job(client, many(company), company))
    entry = UndoEntry.objects.get()
    client.post(f"/recent/{entry.pk}/undo/")
    company.supervisor.groups.clear()
    execute_job(job := Job.objects.order_by("pk").last())
    assert again(job).status == Job.Status.FAILED
    assert owned(company.eastern) == 6
    assert again(entry).undone_at is None


def test_a_job_that_wakes_up_after_the_undo_changes_nothing_more(small_batches, client, company, monkeypatch):
    """It was taken for dead while it merely slept."""
    job = by_job(client, many(company), company)
    dies_after(monkeypatch, bulk_jobs, 1)
    with pytest.raises(ConnectionError):
        bulk_jobs.run_bulk(job)
    monkeypatch.undo()
    again(job).fail("执行任务的进程三次中断")
    take_back(UndoEntry.objects.get(), by=factories.fresh(company.supervisor))
    execute_job(again(job))
    assert "这次操作已经撤销" in again(job).result
    assert owned(company.manager) == 6


# 共享


def test_customers_are_shared_together_under_the_rules_of_one(client, trio, company):
    first, second, third = trio
    first.transfer(company.colleague, by=company.supervisor, reason="换人")
    again(second).share(company.colleague, by=company.supervisor, kind="view")
    Notification.objects.all().delete()
    entry = changed(client, SHARE, trio, person=company.colleague.pk, access="view")
    assert entry.text == "1 家客户给陈同事"
    assert Customer.objects.get(pk=third.pk).grants.get().user == company.colleague
    assert Notification.objects.get(recipient=company.colleague).text == "林主管 与您共享了客户「津南水务」（只看）"
    assert factories.fresh(company.colleague).receives_shares
    page = page_of(client.get(f"/customers/{third.pk}/share/"))
    assert "陈同事" in page


def test_sharing_together_names_whom_it_leaves_out(client, trio, company, sign_in):
    foreign = factories.CustomerFactory(name="海外水务", manager=company.stranger)
    foreign.share(company.supervisor, by=factories.fresh(company.outsider), kind="change")
    page = page_of(client.get(SHARE, {"ids": [one.pk for one in (*trio, foreign)]}))
    assert "「海外水务」：只有负责这个客户的人和他的主管可以共享。" in page
    again(trio[0]).share(company.colleague, by=company.supervisor, kind="view")
    chosen = {"ids": [one.pk for one in trio]}
    sent = {
        **chosen,
        "person": company.colleague.pk,
        "access": "change",
        "opened": value(client.get(SHARE, chosen), "opened"),
    }
    assert "共享 3 家客户" in notices(client.post(SHARE, sent, follow=True))[0]
    assert set(again(trio[0]).grants.values_list("permission__codename", flat=True)) == {"change_customer"}
    assert sign_in(company.executive).get(SHARE, chosen).status_code == 403


def test_a_withdrawn_grant_does_not_let_the_former_one_come_back(client, trio, company):
    again(trio[0]).share(company.colleague, by=company.supervisor, kind="view")
    entry = changed(client, SHARE, trio, person=company.colleague.pk, access="change")
    again(trio[0]).withdraw_share(again(trio[0]).grants.get(), by=company.supervisor)
    assert "「海河水务」：" in (page := undone(client, entry))
    assert "由林主管取消共享，没有恢复。" in page
    assert not any(again(one).grants.exists() for one in trio)
