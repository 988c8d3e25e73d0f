"""Sharing one record with a colleague: who may, what it opens, until when, and how it ends."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.sharing.records import colleagues
from customers.models import Contact, Customer
from kit.audit.models import AuditEntry
from kit.domain.verdict import Refused
from marketing.models import Opportunity
from tests import factories

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate


@pytest.fixture
def customer(company):
    return factories.CustomerFactory(name="海河水务有限公司", manager=company.manager, by=company.manager)


@pytest.fixture
def opportunity(company):
    return factories.assigned(company.manager, company.supervisor, company.manager)


def sees(person, record):
    return type(record).objects.visible_to(factories.fresh(person)).filter(pk=record.pk).exists()


@pytest.mark.parametrize("kind", ["view", "change"])
def test_a_shared_record_is_in_view_of_the_colleague_and_of_nobody_else(kind, company, customer, opportunity):
    for record in (customer, opportunity):
        assert not sees(company.stranger, record)
        record.share(company.stranger, by=company.manager, kind=kind)
        assert sees(company.stranger, record)
        assert not sees(company.outsider, record)
    assert list(Customer.objects.editable_by(factories.fresh(company.stranger))) == []


def test_without_shares_only_open_requests_are_asked_for_and_with_them_one_query_per_model(
    company, customer, opportunity, django_assert_num_queries
):
    for record in (customer, opportunity):
        record.share(company.stranger, by=company.manager, kind="view")
    for person, queries in ((company.eastern, 3), (company.stranger, 5)):
        reader = factories.fresh(person)
        with django_assert_num_queries(queries):
            for _ in range(2):
                str(Customer.objects.visible_to(reader).query)
                str(Opportunity.objects.visible_to(reader).query)


def test_the_last_day_still_counts_and_the_next_does_not(company, customer):
    for until, seen in ((TODAY(), True), (TODAY() + timedelta(days=1), True), (None, True)):
        customer.share(company.stranger, by=company.manager, kind="view", until=until)
        assert sees(company.stranger, customer) is seen
    customer.grants.update(until=TODAY() - timedelta(days=1))
    assert not sees(company.stranger, customer)


def test_sharing_again_replaces_the_former_grant(company, customer):
    customer.share(company.stranger, by=company.manager, kind="view")
    customer.share(company.stranger, by=company.manager, kind="change", until=TODAY())
    assert [(grant.kind_label, grant.until) for grant in customer.grants.all()] == [("可编辑", TODAY())]


def test_a_past_day_is_refused(company, customer):
    with pytest.raises(Refused, match="截止日期已经过去"):
        customer.share(company.stranger, by=company.manager, kind="view", until=TODAY() - timedelta(days=1))
    assert not customer.grants.exists()


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("manager", True),
        ("supervisor", True),
        ("colleague", False),
        ("eastern", False),
        ("stranger", False),
        ("outsider", False),
        ("executive", False),
        ("administrator", False),
        ("nobody", False),
    ],
)
def test_who_may_share(name, allowed, company, customer, opportunity):
    person = factories.fresh(getattr(company, name))
    for record in (customer, opportunity):
        assert bool(record.can_share(person)) is allowed


def test_a_colleague_cannot_share_on_what_was_shared_with_them(company, customer):
    customer.share(company.stranger, by=company.manager, kind="change")
    with pytest.raises(Refused):
        customer.share(company.eastern, by=factories.fresh(company.stranger), kind="view")


def test_the_people_offered_may_open_such_records_and_are_not_the_keeper(company, customer):
    offered = set(colleagues(customer))
    assert company.stranger in offered
    assert not {company.manager, company.administrator, company.nobody} & offered
    with pytest.raises(Refused, match="请另选同事"):
        customer.share(company.nobody, by=company.manager, kind="view")


def test_a_viewer_reads_and_an_editor_adds_contacts_but_neither_edits_deletes_or_transfers(company, customer, sign_in):
    at = f"/customers/{customer.pk}/"
    contact = {"name": "高峰", "position": "科长", "office_phone": "022-1"}
    customer.share(company.stranger, by=company.manager, kind="view")
    viewer = sign_in(factories.fresh(company.stranger))
    assert viewer.get(at).status_code == 200
    assert viewer.post(f"{at}contacts/new/", contact).status_code == 403
    customer.share(company.stranger, by=company.manager, kind="change")
    editor = sign_in(factories.fresh(company.stranger))
    assert "新建联系人" in editor.get(at).content.decode()
    assert editor.post(f"{at}contacts/new/", contact).status_code == 302
    assert Contact.objects.get().customer == customer
    for step in ("edit", "delete", "transfer", "share"):
        assert (step, editor.get(f"{at}{step}/").status_code) == (step, 403)


def test_an_editor_of_an_opportunity_makes_the_plan_and_takes_no_decision(company, opportunity):
    opportunity.share(company.stranger, by=company.manager, kind="view")
    assert not opportunity.can_plan(factories.fresh(company.stranger))
    opportunity.share(company.stranger, by=company.manager, kind="change")
    editor = factories.fresh(company.stranger)
    assert opportunity.can_plan(editor)
    for guard in ("develop", "win", "lose", "assign", "reassign"):
        assert not getattr(opportunity, f"can_{guard}")(editor)


def test_sharing_and_withdrawing_leave_a_trail_and_tell_the_colleague(company, customer, sign_in):
    client = sign_in(company.manager)
    at = f"/customers/{customer.pk}/share/"
    client.post(at, {"person": company.stranger.pk, "access": "view", "until": ""})
    assert company.stranger.notifications.get().text == "周经理 与您共享了客户「海河水务有限公司」（只看）"
    assert AuditEntry.objects.about(customer)[0].changes["协作人"] == ["", "外人甲"]
    page = client.get(at).content.decode()
    assert "外人甲" in page
    assert "外人甲" in client.get(f"/customers/{customer.pk}/?tab=info").content.decode()
    grant = customer.grants.get()
    assert client.get(f"{at}{grant.pk}/withdraw/").status_code == 200
    assert customer.grants.exists()
    client.post(f"{at}{grant.pk}/withdraw/")
    assert not sees(company.stranger, customer)
    assert AuditEntry.objects.about(customer)[0].verb == "取消共享"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"person": "", "access": "view"}, "请选择。"),
        ({"person": "999999", "access": "view"}, "选择一个有效的选项"),
        ({"access": "own"}, "own"),
        ({"access": "view", "until": "2020-01-01"}, "截止日期已经过去"),
        ({"access": "view", "until": "明天"}, "请填写日期"),
    ],
)
def test_a_wrong_form_says_so_beside_the_field(values, message, company, customer, sign_in):
    response = sign_in(company.manager).post(
        f"/customers/{customer.pk}/share/", {"person": company.stranger.pk, **values}
    )
    assert response.status_code == 200
    assert message in response.content.decode()
    assert not customer.grants.exists()


def test_the_grant_of_another_record_cannot_be_withdrawn_here(company, customer, sign_in):
    other = factories.CustomerFactory(name="另一家", manager=company.stranger, by=company.stranger)
    other.share(company.manager, by=factories.fresh(company.stranger), kind="view")
    address = f"/customers/{customer.pk}/share/{other.grants.get().pk}/withdraw/"
    assert sign_in(company.manager).post(address).status_code == 404
    assert other.grants.exists()


def test_a_person_who_left_sees_nothing_and_is_not_offered(company, customer):
    customer.share(company.stranger, by=company.manager, kind="view")
    User.objects.filter(pk=company.stranger.pk).update(is_active=False)
    assert not sees(company.stranger, customer)
    assert company.stranger not in colleagues(customer)
