"""离职交接: all open work to successors and the account disabled, in one transaction: all or nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from crm import handover
from customers.models import ChurnCase, Customer, Interaction, Ownership
from kit.audit.models import AuditEntry
from kit.domain.verdict import Refused
from marketing.models import Opportunity
from services.models import ServiceRequest
from tests import factories
from tests.html import find_all, texts
from tests.permissions.asking import snapshot

pytestmark = pytest.mark.django_db


@pytest.fixture
def work(company):
    """What a 客户经理 has in hand: customers with a case and a follow-up, opportunities with a plan."""
    manager, supervisor = company.manager, company.supervisor
    customers = [factories.CustomerFactory(name=f"客户{n}", manager=manager, by=manager) for n in range(3)]
    factories.interaction(customers[0], manager, follow_up_on=timezone.localdate())
    factories.churn_case(manager, name="久未下单的客户")
    deleted = factories.CustomerFactory(name="误录的客户", manager=manager, by=manager)
    deleted.remove(by=manager)
    opened = [factories.assigned(manager, supervisor, manager, customer_name=f"线索{n}") for n in range(2)]
    factories.plan_item(opened[0], manager)
    factories.lost(manager, supervisor, manager, customer_name="已经结束")
    service_request(company, customers[1])
    factories.opportunity(manager, customer_name="还没有指派")
    return opened


def service_request(company, customer=None):
    """已分配 to the manager."""
    values = {"customer": customer} if customer else {"organisation": "还不是客户的单位"}
    with transaction.atomic():
        made = ServiceRequest.create(
            by=company.supervisor,
            kind=factories.entry("服务类型", "咨询"),
            summary="量程",
            content="怎样设置",
            **values,
        )
    made.assign(company.manager, by=company.supervisor)
    return made


def at(person, name="user_disable"):
    return reverse(name, args=[person.pk])


def to(customers, others=None):
    others = others or customers
    return {"customers": customers.pk, "opportunities": others.pk, "requests": others.pk}


def test_the_page_counts_what_is_open_before_anything_moves(work, admin, company):
    page = admin.get(at(company.manager))
    assert dict(texts(item, "div") for item in find_all(page, "ul.rows li")) == {
        "客户": "5 个",
        "未结束的客户流失": "1 个",
        "未完成的跟进": "1 个",
        "暂不提醒": "0 个",
        "已指派的销售机会": "2 个",
        "未执行的计划项": "1 个",
        "处理中的服务请求": "1 个",
    }
    html = page.content.decode()
    assert "离职交接" in html
    for word in ("客户0", "线索0", "误录的客户"):
        assert word not in html  # an administrator sees counts, no business data


def test_everything_open_goes_to_the_successors_and_the_account_is_disabled(work, admin, company, sign_in):
    browser = sign_in(company.manager)
    sent = to(company.colleague, company.eastern)
    assert admin.post(at(company.manager), sent).status_code == 302
    person = User.objects.get(pk=company.manager.pk)
    assert not person.is_active
    assert browser.get("/")["Location"].startswith(reverse("login"))
    assert not Customer.objects.filter(manager=person).exists()
    assert Customer.objects.filter(manager=company.colleague).count() == 5
    assert ChurnCase.objects.of_manager(company.colleague).count() == 1
    assert Interaction.objects.filter(customer__manager=company.colleague, followed_up_at=None).count() == 1
    moved = Opportunity.objects.filter(assignee=company.eastern)
    assert {one.pk for one in moved} == {one.pk for one in work}
    assert {(one.status, one.assigned_by) for one in moved} == {("assigned", company.administrator)}
    request = ServiceRequest.objects.get()
    assert (request.assignee, request.keeper, request.status) == (company.eastern, company.colleague, "assigned")
    assert AuditEntry.objects.about(request)[0].changes["原因"] == ["", "离职交接"]
    left = Opportunity.objects.filter(assignee=person)
    assert [one.status for one in left] == ["lost"]
    assert list(Opportunity.objects.filter(status="unassigned").values_list("created_by", flat=True)) == [person.pk]


def test_the_trail_the_history_of_ownership_and_the_successors_tell_of_it(work, admin, company):
    admin.post(at(company.manager), to(company.colleague))
    for opportunity in work:
        entry = AuditEntry.objects.about(opportunity)[0]
        assert (entry.verb, entry.actor) == ("改派", company.administrator)
        assert entry.changes == {"指派给": ["周经理", "陈同事"], "原因": ["", "离职交接"]}
    assert AuditEntry.objects.filter(verb="移交").count() == 5
    assert Ownership.objects.filter(manager=company.colleague, until=None, reason="离职交接").count() == 5
    entry = AuditEntry.objects.about(company.manager)[0]
    assert entry.verb == "停用"
    assert entry.changes["移交客户"] == ["", "5 个给 陈同事"]
    assert entry.changes["移交销售机会"] == ["", "2 个给 陈同事"]
    texts = [note.text for note in company.colleague.notifications.all()]
    assert len(texts) == 3
    assert all("离职交接" in text for text in texts)


def test_without_a_successor_nothing_happens(work, admin, company):
    before = snapshot()
    response = admin.post(at(company.manager), {"customers": company.colleague.pk})
    assert "请选择。" in response.content.decode()
    for wrong in (company.manager, company.supervisor, company.administrator, company.nobody):
        assert admin.post(at(company.manager), to(wrong)).status_code == 200
    assert snapshot() == before


def test_a_fault_half_way_leaves_nothing_moved(work, admin, company, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("injected")

    *first, last = handover.shares()
    monkeypatch.setattr(handover, "shares", lambda: [*first, replace(last, move=broken)])
    before = snapshot()
    admin.raise_request_exception = False
    assert admin.post(at(company.manager), to(company.colleague)).status_code == 500
    assert snapshot() == before
    assert User.objects.get(pk=company.manager.pk).is_active
    monkeypatch.undo()
    assert admin.post(at(company.manager), to(company.colleague)).status_code == 302


def test_work_that_came_after_the_page_was_opened_is_not_left_behind(admin, company):
    """The form asked for no successor; meanwhile the person was given a customer."""
    person = factories.fresh(company.manager)
    factories.CustomerFactory(manager=company.manager)
    with pytest.raises(Refused, match="没有接手人"):
        person.disable(
            by=company.administrator, hand_over=lambda: handover.move_work(person, {}, company.administrator)
        )
    assert User.objects.get(pk=person.pk).is_active
    response = admin.post(at(company.manager), {})
    assert "请选择。" in response.content.decode()


def test_somebody_without_work_is_disabled_without_a_successor(admin, company):
    assert admin.post(at(company.executive), {}).status_code == 302
    assert not User.objects.get(pk=company.executive.pk).is_active


def test_what_reaches_a_disabled_person_later_is_handed_over_too(admin, company):
    admin.post(at(company.manager), {})
    customer = factories.CustomerFactory(manager=company.colleague)
    Customer.objects.filter(pk=customer.pk).update(manager=company.manager)  # as a restored copy may have it
    assert "交接工作" in admin.get(company.manager.get_absolute_url()).content.decode()
    assert admin.post(at(company.manager, "user_hand_over"), {"customers": company.colleague.pk}).status_code == 302
    customer.refresh_from_db()
    assert customer.manager == company.colleague
    assert AuditEntry.objects.about(company.manager)[0].changes == {"移交客户": ["", "1 个给 陈同事"]}


def test_a_disabled_person_without_open_work_has_nothing_to_hand_over(admin, company):
    admin.post(at(company.manager), {})
    html = admin.get(company.manager.get_absolute_url()).content.decode()
    assert "没有未完成的工作。" in html
    assert at(company.manager, "user_hand_over") not in html
    answer = admin.post(at(company.manager, "user_hand_over"), {})
    assert (answer.status_code, "没有未完成的工作。" in answer.content.decode()) == (409, True)
    assert AuditEntry.objects.about(company.manager)[0].verb == "停用"


def test_a_thousand_customers_are_handed_over_in_a_fixed_number_of_statements(
    admin, company, django_assert_max_num_queries
):
    with_many = [factories.CustomerFactory(manager=company.manager) for _ in range(2)]
    rows = [
        Customer(
            **{
                field.attname: getattr(with_many[0], field.attname)
                for field in Customer._meta.concrete_fields
                if field.name not in ("id", "number")
            },
            number=f"KH9901010{n:04d}",
        )
        for n in range(1000)
    ]
    Customer.objects.bulk_create(rows)
    Ownership.objects.bulk_create(
        Ownership(customer=one, manager=company.manager) for one in Customer.objects.filter(ownerships=None)
    )
    with django_assert_max_num_queries(70):
        assert admin.post(at(company.manager), {"customers": company.colleague.pk}).status_code == 302
    assert Customer.objects.filter(manager=company.colleague).count() == 1002
    assert Ownership.objects.filter(manager=company.manager, until=None).count() == 0
