"""新建销售机会: its form, the customers and opportunities it already is, and forms that are sent twice."""

from __future__ import annotations

import uuid
from datetime import date
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from accounts.models import Role, Scope
from customers.models import Customer
from kit.audit.models import AuditEntry
from marketing.models import Opportunity
from tests import factories
from tests.html import errors, find, find_all, links, notices, texts, urls, value
from tests.marketing.pages import NEW, at, opened

pytestmark = pytest.mark.django_db


# New


def test_a_new_opportunity_is_saved_and_shown(manager, company):
    response = manager.post(NEW, factories.OPPORTUNITY, follow=True)
    record = Opportunity.objects.get()
    assert response.redirect_chain == [(at(record), 302)]
    assert notices(response) == ["保存成功"]
    assert (record.created_by, record.status) == (company.manager, "unassigned")
    html = response.content.decode()
    for text in factories.OPPORTUNITY.values():
        assert str(text) in html


def test_the_message_is_said_once(manager):
    manager.post(NEW, factories.OPPORTUNITY, follow=True)
    assert notices(manager.get(at(Opportunity.objects.get()))) == []


@pytest.mark.parametrize("field", ["customer_name", "success_rate", "summary", "description"])
def test_a_required_field_carries_its_star_and_is_refused_empty(field, manager):
    assert find(manager.get(NEW), f'label[for="id_{field}"].req') is not None
    response = manager.post(NEW, {**factories.OPPORTUNITY, field: ""})
    assert response.status_code == 200
    assert errors(response) == ["请填写。"]
    assert Opportunity.objects.count() == 0


def test_what_was_typed_survives_an_error(manager):
    response = manager.post(NEW, {**factories.OPPORTUNITY, "success_rate": "很高", "source": "朋友介绍"})
    html = response.content.decode()
    assert errors(response) == ["请填写 0–100 的整数，例如 60。"]
    for text in ("沈阳北辰重型机械有限公司", "很高", "朋友介绍", "二期 140 个测点"):
        assert text in html
    assert urls(response, ".msg.red a") == ["#id_success_rate"]  # the summary leads to the field


@pytest.mark.parametrize(
    ("field", "limit"),
    [
        ("customer_name", 100),
        ("summary", 200),
        ("contact_name", 50),
        ("contact_phone", 50),
        ("source", 50),
        ("description", 2000),
    ],
)
def test_texts_end_at_the_length_of_the_specification(field, limit, manager):
    assert manager.post(NEW, {**factories.OPPORTUNITY, field: "长" * (limit + 1)}).status_code == 200
    assert Opportunity.objects.count() == 0
    manager.post(NEW, {**factories.OPPORTUNITY, field: "长" * limit})
    assert getattr(Opportunity.objects.get(), field) == "长" * limit


def test_optional_fields_are_kept(manager, company):
    customer = factories.CustomerFactory(manager=company.manager)
    region, industry = factories.entry("地区", "东北"), factories.entry("行业", "机械制造")
    extra = {
        "region": region.pk,
        "industry": industry.pk,
        "introduced_by": customer.number,
        "expected_amount": "120000.50",
        "expected_on": "2026-06-30",
    }
    manager.post(NEW, {**factories.OPPORTUNITY, **extra})
    record = Opportunity.objects.get()
    assert (record.region, record.industry, record.introduced_by) == (region, industry, customer)
    assert (record.expected_amount, record.expected_on) == (Decimal("120000.50"), date(2026, 6, 30))


def test_a_customer_may_be_named_by_its_full_name(manager, company):
    customer = factories.CustomerFactory(name="海河水务有限公司", manager=company.manager)
    manager.post(NEW, {**factories.OPPORTUNITY, "introduced_by": "海河水务"})
    assert Opportunity.objects.get().introduced_by == customer


def test_sources_are_offered_and_any_may_be_typed(manager):
    assert find(manager.get(NEW), 'datalist option[value="招标公告"]') is not None
    manager.post(NEW, {**factories.OPPORTUNITY, "source": "校友会"})
    assert Opportunity.objects.get().source == "校友会"


# Already a customer

ADVICE = "老客户的新需求请记在客户页的交往记录里；确实要新建机会时，再次保存即可。"


def test_an_existing_customer_is_named_first_and_the_second_save_goes_through(manager, company):
    factories.CustomerFactory(name="沈阳北辰重型机械（有限公司）", manager=company.colleague)
    response = manager.post(NEW, factories.OPPORTUNITY)
    assert response.status_code == 200
    assert errors(response) == [f"已是客户：沈阳北辰重型机械（有限公司）（客户经理 陈同事）。{ADVICE}"]
    assert find_all(response, ".msg.red, .bad") == []  # a question in amber: nothing is wrong
    assert texts(response, ".msg.amber[role=alert] b") == ["请核对，尚未保存"]
    assert Opportunity.objects.count() == 0
    again = manager.post(NEW, {**factories.OPPORTUNITY, "confirm_existing": confirmation(response)}, follow=True)
    assert notices(again) == ["保存成功"]


def confirmation(response):
    return value(response, "confirm_existing")


def test_another_name_after_the_hint_is_named_as_well(manager, company):
    """What was confirmed is the one customer that was named, not every customer there is."""
    for name in ("海河水务有限公司", "渤海化工有限公司"):
        factories.CustomerFactory(name=name, manager=company.colleague)
    first = manager.post(NEW, {**factories.OPPORTUNITY, "customer_name": "海河水务有限公司"})
    other = {**factories.OPPORTUNITY, "customer_name": "渤海化工有限公司", "confirm_existing": confirmation(first)}
    second = manager.post(NEW, other)
    assert errors(second) == [f"已是客户：渤海化工有限公司（客户经理 陈同事）。{ADVICE}"]
    assert Opportunity.objects.count() == 0
    assert manager.post(NEW, {**other, "confirm_existing": confirmation(second)}).status_code == 302


@pytest.mark.parametrize("forged", ["on", "0", "1 2 3", "一"])
def test_an_answer_that_names_no_such_customer_confirms_nothing(forged, manager, company):
    factories.CustomerFactory(name=factories.OPPORTUNITY["customer_name"], manager=company.manager)
    assert len(errors(manager.post(NEW, {**factories.OPPORTUNITY, "confirm_existing": forged}))) == 1


def test_outside_ones_view_only_the_very_name_is_named_without_a_link(manager, company):
    hidden = factories.CustomerFactory(name="沈阳北辰重型机械有限公司", manager=company.stranger)
    html = manager.post(NEW, factories.OPPORTUNITY).content.decode()
    assert "已是客户：沈阳北辰重型机械有限公司（客户经理 外人甲）" in html
    assert hidden.number not in html
    assert hidden.get_absolute_url() not in html
    assert AuditEntry.objects.about(hidden)[0].verb == "查重提示"
    near = {**factories.OPPORTUNITY, "customer_name": "沈阳北辰重型机械", "contact_phone": ""}
    factories.CustomerFactory(name="沈阳北辰重型机械集团", manager=company.stranger)
    assert "集团" not in manager.post(NEW, near).content.decode()


@pytest.mark.parametrize("name", ["唐山暄和玻璃", "唐山暄和玻璃有限公司", "唐山轩和玻璃制品有限公司"])
def test_a_name_that_is_part_of_a_customers_or_read_like_it_is_found(name, manager, company):
    customer = factories.CustomerFactory(name="唐山暄和玻璃制品有限公司", manager=company.manager)
    response = manager.post(NEW, {**factories.OPPORTUNITY, "customer_name": name})
    assert (f"唐山暄和玻璃制品有限公司（{customer.number}）", customer.get_absolute_url()) in links(response)
    assert not Opportunity.objects.exists()


def test_an_open_opportunity_of_the_name_is_found_and_a_closed_one_is_not(manager, company):
    foreign = factories.opportunity(company.stranger)
    html = manager.post(NEW, factories.OPPORTUNITY).content.decode()
    assert "已有未结束的机会：沈阳北辰重型机械有限公司（创建人 外人甲）" in html
    foreign.remove(by=company.stranger)
    own = factories.assigned(company.colleague, company.supervisor, company.manager)
    response = manager.post(NEW, {**factories.OPPORTUNITY, "customer_name": "北辰重型"})
    assert (f"沈阳北辰重型机械有限公司（机会编号 {own.pk}）", own.get_absolute_url()) in links(response)
    own.lose(by=company.manager, reason="价格")
    assert manager.post(NEW, factories.OPPORTUNITY).status_code == 302


def test_a_filled_in_name_of_a_new_opportunity_is_compared_too(manager, company):
    factories.CustomerFactory(name=factories.OPPORTUNITY["customer_name"], manager=company.manager)
    url = f"{NEW}?customer_name={factories.OPPORTUNITY['customer_name']}"
    assert len(errors(manager.post(url, factories.OPPORTUNITY))) == 1


def test_editing_something_else_does_not_ask_about_the_name_again(manager, company):
    record = factories.opportunity(company.manager)
    factories.CustomerFactory(name=record.customer_name, manager=company.manager)
    values = {**factories.OPPORTUNITY, "summary": "新概要", "opened": opened(manager, at(record, "edit/"))}
    assert manager.post(at(record, "edit/"), values).status_code == 302


# Sent twice


def test_a_form_sent_twice_makes_one_record_and_leads_to_the_same_page(manager):
    values = {**factories.OPPORTUNITY, "submission": str(uuid.uuid4())}
    first, second = manager.post(NEW, values), manager.post(NEW, values)
    assert first["Location"] == second["Location"] == at(Opportunity.objects.get())


def test_two_forms_with_the_same_words_make_two_records(manager):
    manager.post(NEW, {**factories.OPPORTUNITY, "submission": str(uuid.uuid4())})
    match_key = f"opportunity:{Opportunity.objects.get().pk}"
    manager.post(NEW, {**factories.OPPORTUNITY, "submission": str(uuid.uuid4()), "confirm_existing": match_key})
    assert Opportunity.objects.count() == 2


def test_every_form_page_carries_a_token_of_its_own(manager):
    first, second = (value(manager.get(NEW), "submission") for _ in range(2))
    assert uuid.UUID(first) != uuid.UUID(second)


def test_somebody_elses_token_leads_nowhere(manager, company, sign_in):
    values = {**factories.OPPORTUNITY, "submission": str(uuid.uuid4())}
    manager.post(NEW, values)
    match_key = f"opportunity:{Opportunity.objects.get().pk}"
    response = sign_in(company.stranger).post(NEW, {**values, "confirm_existing": match_key})
    assert response.status_code == 409
    assert Opportunity.objects.count() == 1
    assert Opportunity.objects.get().get_absolute_url() not in response.content.decode()


@pytest.mark.parametrize("step", ["win/", "lose/"])
def test_a_result_sent_twice_is_recorded_once_and_leads_to_the_same_page(step, manager, assigned):
    values = {"reason": "已有结果", "submission": str(uuid.uuid4())}
    first, second = (manager.post(at(assigned, step), values) for _ in range(2))
    assert (first.status_code, second.status_code) == (302, 302)
    assert first["Location"] == second["Location"] == at(assigned)
    assert Customer.objects.count() == (step == "win/")


def test_an_assignment_sent_twice_is_made_once_and_leads_to_the_same_page(supervisor, company):
    record = factories.opportunity(company.manager)
    values = {"to": company.manager.pk, "submission": str(uuid.uuid4())}
    first, second = (supervisor.post(at(record, "assign/"), values) for _ in range(2))
    assert first["Location"] == second["Location"] == reverse("marketing:opportunity_list")
    assert AuditEntry.objects.about(record).filter(verb="指派").count() == 1


def test_a_deletion_sent_twice_leads_to_the_same_page(manager, company):
    record = factories.opportunity(company.manager)
    values = {"submission": str(uuid.uuid4())}
    first, second = (manager.post(at(record, "delete/"), values) for _ in range(2))
    assert (first.status_code, second.status_code) == (302, 302)
    assert first["Location"] == second["Location"]


def test_what_its_creator_could_not_see_afterwards_is_not_saved_and_stays_typed(company, sign_in):
    """A home-made role may create and view nothing: the record would be gone the moment it is saved."""
    role = Role.objects.create(name="只录入", view_scope=Scope.NONE, edit_scope=Scope.SELF)
    role.permissions.set(Permission.objects.filter(codename="add_opportunity"))
    clerk = factories.UserFactory(department=company.north)
    clerk.groups.add(role)
    response = sign_in(clerk).post(NEW, factories.OPPORTUNITY)
    assert response.status_code == 400
    assert find(response, "[role=alert]", containing="您将看不到这条记录") is not None
    assert value(response, "summary") == factories.OPPORTUNITY["summary"]
    assert not Opportunity.objects.exists()
