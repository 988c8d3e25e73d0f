"""The pages of 销售机会管理: creating, changing, deleting, assigning, forecasting, closing."""

from __future__ import annotations

import re
import uuid
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Notification, User
from customers.models import Customer
from kit.audit.models import AuditEntry
from marketing.models import Opportunity
from tests import factories

pytestmark = pytest.mark.django_db
NEW = "/marketing/opportunities/new/"


def at(record, step=""):
    return f"/marketing/opportunities/{record.pk}/{step}"


def said(response):
    """The messages above the content, as the page shows them."""
    found = re.findall(r'role="(?:status|alert)">.*?<div>([^<]*)</div>', response.content.decode(), re.S)
    return [text for text in found if text.strip()]


def errors(response):
    """The texts beside the fields."""
    return [
        re.sub(r"<[^>]+>", "", text)
        for text in re.findall(r'<p class="err[^>]*>(.*?)</p>', response.content.decode(), re.S)
    ]


def opened(client, address):
    """The hidden memory of an edit page."""
    return re.search(r'name="opened" value="([^"]+)"', client.get(address).content.decode())[1]


@pytest.fixture
def supervisor(company, sign_in):
    return sign_in(company.supervisor)


@pytest.fixture
def assigned(company):
    return factories.assigned(company.colleague, company.supervisor, company.manager)


# New


def test_a_new_opportunity_is_saved_and_shown(manager, company):
    response = manager.post(NEW, factories.OPPORTUNITY, follow=True)
    record = Opportunity.objects.get()
    assert response.redirect_chain == [(at(record), 302)]
    assert said(response) == ["保存成功"]
    assert (record.created_by, record.status) == (company.manager, "unassigned")
    html = response.content.decode()
    for text in factories.OPPORTUNITY.values():
        assert str(text) in html


def test_the_message_is_said_once(manager):
    manager.post(NEW, factories.OPPORTUNITY, follow=True)
    assert said(manager.get(at(Opportunity.objects.get()))) == []


@pytest.mark.parametrize("field", ["customer_name", "success_rate", "summary", "description"])
def test_a_required_field_carries_its_star_and_is_refused_empty(field, manager):
    html = manager.get(NEW).content.decode()
    assert f'<label for="id_{field}" class="req">' in html
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
    assert 'href="#id_success_rate"' in html  # the summary leads to the field


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
    assert '<option value="招标公告">' in manager.get(NEW).content.decode()
    manager.post(NEW, {**factories.OPPORTUNITY, "source": "校友会"})
    assert Opportunity.objects.get().source == "校友会"


# Already a customer


def test_an_existing_customer_is_named_first_and_the_second_save_goes_through(manager, company):
    factories.CustomerFactory(name="沈阳北辰重型机械（有限公司）", manager=company.colleague)
    response = manager.post(NEW, factories.OPPORTUNITY)
    assert response.status_code == 200
    assert errors(response) == [
        "已是客户：沈阳北辰重型机械（有限公司）（客户经理 陈同事）。请核对；确实要新建机会时，再次保存即可。"
    ]
    assert Opportunity.objects.count() == 0
    confirmed = re.search(r'name="confirm_existing" value="([^"]+)"', response.content.decode())[1]
    again = manager.post(NEW, {**factories.OPPORTUNITY, "confirm_existing": confirmed}, follow=True)
    assert said(again) == ["保存成功"]


def confirmation(response):
    return re.search(r'name="confirm_existing" value="([^"]*)"', response.content.decode())[1]


def test_another_name_after_the_hint_is_named_as_well(manager, company):
    """What was confirmed is the one customer that was named, not every customer there is."""
    for name in ("海河水务有限公司", "渤海化工有限公司"):
        factories.CustomerFactory(name=name, manager=company.colleague)
    first = manager.post(NEW, {**factories.OPPORTUNITY, "customer_name": "海河水务有限公司"})
    other = {**factories.OPPORTUNITY, "customer_name": "渤海化工有限公司", "confirm_existing": confirmation(first)}
    second = manager.post(NEW, other)
    assert errors(second) == ["已是客户：渤海化工有限公司（客户经理 陈同事）。请核对；确实要新建机会时，再次保存即可。"]
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
    html = manager.post(NEW, {**factories.OPPORTUNITY, "customer_name": name}).content.decode()
    assert f'<a href="{customer.get_absolute_url()}">唐山暄和玻璃制品有限公司（{customer.number}）</a>' in html
    assert not Opportunity.objects.exists()


def test_an_open_opportunity_of_the_name_is_found_and_a_closed_one_is_not(manager, company):
    theirs = factories.opportunity(company.stranger)
    html = manager.post(NEW, factories.OPPORTUNITY).content.decode()
    assert "已有未结束的机会：沈阳北辰重型机械有限公司（创建人 外人甲）" in html
    theirs.remove(by=company.stranger)
    mine = factories.assigned(company.colleague, company.supervisor, company.manager)
    html = manager.post(NEW, {**factories.OPPORTUNITY, "customer_name": "北辰重型"}).content.decode()
    assert f'<a href="{mine.get_absolute_url()}">沈阳北辰重型机械有限公司（机会编号 {mine.pk}）</a>' in html
    mine.lose(by=company.manager, reason="价格")
    assert manager.post(NEW, factories.OPPORTUNITY).status_code == 302


def test_a_filled_in_name_of_a_new_opportunity_is_compared_too(manager, company):
    factories.CustomerFactory(name=factories.OPPORTUNITY["customer_name"], manager=company.manager)
    address = f"{NEW}?customer_name={factories.OPPORTUNITY['customer_name']}"
    assert len(errors(manager.post(address, factories.OPPORTUNITY))) == 1


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
    known = f"opportunity:{Opportunity.objects.get().pk}"
    manager.post(NEW, {**factories.OPPORTUNITY, "submission": str(uuid.uuid4()), "confirm_existing": known})
    assert Opportunity.objects.count() == 2


def test_every_form_page_carries_a_token_of_its_own(manager):
    found = [re.search(r'name="submission" value="([^"]+)"', manager.get(NEW).content.decode())[1] for _ in range(2)]
    assert found[0] != found[1]


def test_somebody_elses_token_leads_nowhere(manager, company, sign_in):
    values = {**factories.OPPORTUNITY, "submission": str(uuid.uuid4())}
    manager.post(NEW, values)
    known = f"opportunity:{Opportunity.objects.get().pk}"
    response = sign_in(company.stranger).post(NEW, {**values, "confirm_existing": known})
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
    assert first["Location"] == second["Location"] == at(record)
    assert AuditEntry.objects.about(record).filter(verb="指派").count() == 1


def test_a_deletion_sent_twice_leads_to_the_same_page(manager, company):
    record = factories.opportunity(company.manager)
    values = {"submission": str(uuid.uuid4())}
    first, second = (manager.post(at(record, "delete/"), values) for _ in range(2))
    assert (first.status_code, second.status_code) == (302, 302)
    assert first["Location"] == second["Location"]


# Changed


def test_an_edit_is_saved_with_old_and_new_in_the_history(manager, company):
    record = factories.opportunity(company.manager)
    values = {**factories.OPPORTUNITY, "summary": "流量计改造", "opened": opened(manager, at(record, "edit/"))}
    response = manager.post(at(record, "edit/"), values, follow=True)
    assert said(response) == ["保存成功"]
    assert "概要：压力变送器改造 → 流量计改造" in response.content.decode()
    entry = AuditEntry.objects.about(record).get(verb="编辑")
    assert (entry.actor, entry.changes) == (company.manager, {"概要": ["压力变送器改造", "流量计改造"]})


def test_saving_without_a_change_leaves_no_trace(manager, company):
    record = factories.opportunity(company.manager)
    values = {**factories.OPPORTUNITY, "opened": opened(manager, at(record, "edit/"))}
    manager.post(at(record, "edit/"), values)
    record.refresh_from_db()
    assert record.version == 0
    assert not AuditEntry.objects.about(record).filter(verb="编辑").exists()


def test_an_assigned_opportunity_is_not_edited_and_the_page_says_who_has_it(manager, assigned):
    response = manager.get(at(assigned, "edit/"))
    assert response.status_code == 409
    assert "机会已由 林主管 指派给 周经理，只有「未分配」的机会可以编辑。" in response.content.decode()


def test_an_edit_overtaken_by_an_assignment_keeps_the_typed_text(manager, company):
    record = factories.opportunity(company.manager)
    values = {**factories.OPPORTUNITY, "summary": "我写了很久的概要", "opened": opened(manager, at(record, "edit/"))}
    record.assign(company.manager, by=company.supervisor)
    response = manager.post(at(record, "edit/"), values)
    assert response.status_code == 409
    assert "我写了很久的概要" in response.content.decode()
    assert "只有「未分配」的机会可以编辑" in response.content.decode()


# Deleted


def test_deleting_asks_first_and_names_the_object(manager, company):
    record = factories.opportunity(company.manager)
    html = manager.get(at(record, "delete/")).content.decode()
    assert "确认删除？" in html
    assert "“销售机会：压力变送器改造”" in html
    assert f"沈阳北辰重型机械有限公司，编号 {record.pk}" in html
    assert re.search(rf'href="{at(record)}" autofocus[^>]*>取消', html)
    assert Opportunity.objects.filter(pk=record.pk).exists()


def test_the_question_comes_as_a_fragment_for_the_dialog(manager, company):
    record = factories.opportunity(company.manager)
    html = manager.get(at(record, "delete/"), headers={"HX-Request": "true", "HX-Target": "dialog"}).content.decode()
    assert "确认删除？" in html
    assert f'action="{at(record, "delete/")}"' in html
    assert "<html" not in html


def test_deleting_says_so_and_the_record_is_gone(manager, company):
    record = factories.opportunity(company.manager)
    response = manager.post(at(record, "delete/"), follow=True)
    assert response.redirect_chain == [("/marketing/opportunities/", 302)]
    assert said(response) == ["删除成功"]
    assert manager.get(at(record)).status_code == 404
    entry = AuditEntry.objects.get(verb="删除")
    assert entry.changes == {"客户名称": ["", record.customer_name], "概要": ["", record.summary]}


def test_a_deletion_overtaken_by_an_assignment_is_refused_with_the_reason(manager, company):
    record = factories.assigned(company.manager, company.supervisor, company.manager)
    response = manager.post(at(record, "delete/"))
    assert response.status_code == 409
    assert "只有「未分配」的机会可以删除" in response.content.decode()
    assert Opportunity.objects.filter(pk=record.pk).exists()


# Assigned, reassigned


def candidate_row(html, user):
    return re.search(rf'<tr[^>]*>(?:(?!</tr>).)*value="{user.pk}".*?</tr>', html, re.S)[0]


def test_the_assign_page_shows_fit_and_load_of_each_candidate_best_first(supervisor, company):
    region, industry = factories.entry("地区", "东北"), factories.entry("行业", "机械制造")
    company.colleague.regions.add(region)
    company.colleague.industries.add(industry)
    company.eastern.regions.add(factories.entry("地区", "西部"))
    factories.assigned(company.manager, company.supervisor, company.eastern)
    factories.won(company.manager, company.supervisor, company.eastern, customer_name="甲")
    factories.lost(company.manager, company.supervisor, company.eastern, customer_name="乙")
    record = factories.opportunity(company.manager, region=region, industry=industry)
    html = supervisor.get(at(record, "assign/")).content.decode()
    fit, load = candidate_row(html, company.colleague), candidate_row(html, company.eastern)
    assert "分区适合" in fit
    assert "行业适合" in fit
    assert ">0</td>" in fit
    assert "分区适合" not in load
    assert "西部" in load
    assert ">1</td>" in load
    assert "50%（1/2）" in load
    order = [html.index(f'value="{user.pk}"') for user in (company.colleague, company.manager, company.eastern)]
    assert order == sorted(order)
    assert not any(f'value="{user.pk}"' in html for user in (company.stranger, company.outsider, company.supervisor))


def test_an_assignment_is_saved_and_the_assignee_is_told(supervisor, company):
    record = factories.opportunity(company.manager)
    response = supervisor.post(at(record, "assign/"), {"to": company.colleague.pk}, follow=True)
    record.refresh_from_db()
    assert said(response) == ["保存成功"]
    assert (record.status, record.assignee, record.assigned_by) == ("assigned", company.colleague, company.supervisor)
    assert record.assigned_at is not None
    note = Notification.objects.get(recipient=company.colleague)
    assert (note.text, note.record) == ("林主管 将机会「压力变送器改造」指派给您", record)


def test_assigning_to_nobody_is_refused_beside_the_choice(supervisor, company):
    record = factories.opportunity(company.manager)
    assert "请选择一位客户经理。" in errors(supervisor.post(at(record, "assign/"), {}))


def test_the_second_assignment_is_told_who_was_faster(supervisor, assigned, company):
    response = supervisor.post(at(assigned, "assign/"), {"to": company.colleague.pk})
    assert response.status_code == 409
    assert "机会已由 林主管 指派给 周经理，不能再次指派；需要换人时请改派。" in response.content.decode()
    assert f'<a class="btn btn-primary" href="{at(assigned, "reassign/")}">改派</a>' in response.content.decode()
    assert ">指派</button>" not in response.content.decode()
    assigned.refresh_from_db()
    assert assigned.assignee == company.manager


def test_a_reassignment_needs_a_reason_and_keeps_the_choice(supervisor, assigned, company):
    response = supervisor.post(at(assigned, "reassign/"), {"to": company.colleague.pk, "reason": " "})
    assert errors(response) == ["请填写。"]
    assert re.search(rf'value="{company.colleague.pk}" checked', response.content.decode())


def test_a_reassignment_is_saved_with_its_reason_and_both_are_told(supervisor, assigned, company):
    response = supervisor.post(
        at(assigned, "reassign/"), {"to": company.colleague.pk, "reason": "休假三个月"}, follow=True
    )
    assert said(response) == ["保存成功"]
    entry = AuditEntry.objects.about(assigned).get(verb="改派")
    assert entry.changes == {"指派给": ["周经理", "陈同事"], "原因": ["", "休假三个月"]}
    told = set(Notification.objects.filter(text__contains="改派").values_list("recipient", flat=True))
    assert told == {company.manager.pk, company.colleague.pk}


def test_a_reassignment_to_the_present_assignee_is_refused(supervisor, assigned, company):
    response = supervisor.post(at(assigned, "reassign/"), {"to": company.manager.pk, "reason": "x"})
    assert response.status_code == 409
    assert "机会现在就由周经理负责" in response.content.decode()
    assert re.search(rf'value="{company.manager.pk}"[^>]* disabled', response.content.decode())


# Forecast and contact


def test_a_forecast_is_saved_with_its_reason(manager, assigned):
    html = manager.get(at(assigned, "forecast/")).content.decode()
    assert 'name="success_rate" value="60"' in html
    values = {"success_rate": "80", "expected_amount": "500000", "expected_on": "2026-05-01", "reason": "已报价"}
    values["opened"] = opened(manager, at(assigned, "forecast/"))
    response = manager.post(at(assigned, "forecast/"), values, follow=True)
    assert said(response) == ["保存成功"]
    change = assigned.forecast_changes.get()
    assert (change.former_success_rate, change.success_rate, change.reason) == (60, 80, "已报价")
    assert "成功机率：60 → 80" in response.content.decode()


def test_a_forecast_without_a_reason_is_refused(manager, assigned):
    values = {"success_rate": "80", "expected_amount": "", "expected_on": "", "reason": ""}
    response = manager.post(at(assigned, "forecast/"), values)
    assert errors(response) == ["请填写。"]
    assert 'value="80"' in response.content.decode()


@pytest.mark.parametrize("amount", ["120000.50", "120000.5", "１２００００.5"])
def test_a_reason_without_a_changed_forecast_is_refused_beside_a_field(amount, manager, company):
    """It would be kept nowhere: 保存成功 must not be said of it."""
    record = factories.assigned(company.colleague, company.supervisor, company.manager, expected_amount="120000.50")
    values = {"success_rate": "60", "expected_amount": amount, "expected_on": "", "reason": "客户推迟到年后"}
    response = manager.post(at(record, "forecast/"), {**values, "opened": opened(manager, at(record, "forecast/"))})
    assert errors(response) == ["预测没有变化，不用保存。"]
    assert "客户推迟到年后" in response.content.decode()
    assert not record.forecast_changes.exists()


def test_the_contact_is_corrected_and_may_be_emptied(manager, assigned):
    values = {"contact_name": "高志峰", "contact_phone": "", "opened": opened(manager, at(assigned, "contact/"))}
    response = manager.post(at(assigned, "contact/"), values, follow=True)
    assert said(response) == ["保存成功"]
    assigned.refresh_from_db()
    assert (assigned.contact_name, assigned.contact_phone) == ("高志峰", "")


# Won


def test_winning_by_a_plain_post_succeeds_when_nothing_is_to_be_chosen(manager, assigned, company):
    factories.plan_item(assigned, company.manager, result="客户同意")
    response = manager.post(at(assigned, "win/"), follow=True)
    assert response.redirect_chain == [(at(assigned), 302)]
    assert said(response) == ["客户开发成功，已添加新客户记录。"]
    customer = Customer.objects.get()
    assert (customer.name, customer.manager) == (assigned.customer_name, company.manager)
    assert f"{customer.name}（{customer.number}）" in response.content.decode()


def test_winning_asks_first_and_lists_the_items_without_result(manager, assigned, company):
    factories.plan_item(assigned, company.manager, text="试装三台")
    factories.plan_item(assigned, company.manager, text="已经做完的事", result="好")
    html = manager.get(at(assigned, "win/")).content.decode()
    assert "确认开发成功？" in html
    assert "“销售机会：压力变送器改造”" in html
    warning = re.search(r"还有 1 个计划项没有执行效果.*?</ul>", html, re.S)[0]
    assert "试装三台" in warning
    assert "已经做完的事" not in warning


def test_winning_without_any_item_needs_a_reason(manager, assigned):
    response = manager.post(at(assigned, "win/"))
    assert errors(response) == ["还没有任何计划项，请说明为什么可以记为开发成功。"]
    assert Customer.objects.count() == 0
    assert said(manager.post(at(assigned, "win/"), {"reason": "老客户直接下单"}, follow=True)) == [
        "客户开发成功，已添加新客户记录。"
    ]


def test_a_same_named_customer_brings_the_choice_page_even_after_a_plain_post(manager, assigned, company):
    factories.plan_item(assigned, company.manager)
    own = factories.CustomerFactory(name="沈阳北辰重型机械有限公司", manager=company.manager)
    response = manager.post(at(assigned, "win/"))
    html = response.content.decode()
    assert response.status_code == 200
    assert "已有同名客户" in html
    assert f'value="link:{own.pk}"' in html
    assert f'<a href="{own.get_absolute_url()}">{own.name}（{own.number}）</a>' in html
    assert Customer.objects.count() == 1


def test_a_same_named_customer_outside_ones_view_shows_name_manager_and_since_when_only(manager, assigned, company):
    factories.plan_item(assigned, company.manager)
    hidden = factories.CustomerFactory(
        name="沈阳北辰重型机械有限公司", manager=company.stranger, address="保密的地址", phone="139-0000"
    )
    html = manager.get(at(assigned, "win/")).content.decode()
    since = f"{hidden.created_at:%Y}年"
    assert re.search(rf"<li>沈阳北辰重型机械有限公司，客户经理 外人甲，{since}[^<]*起</li>", html)
    for word in (hidden.number, hidden.get_absolute_url(), f"link:{hidden.pk}", "保密的地址", "139-0000", "海外部"):
        assert word not in html


def test_a_same_named_customer_one_sees_but_may_not_edit_is_no_choice(manager, assigned, company):
    factories.plan_item(assigned, company.manager)
    seen = factories.CustomerFactory(name="沈阳北辰重型机械有限公司", manager=company.colleague)
    html = manager.get(at(assigned, "win/")).content.decode()
    assert seen.number in html
    assert f"link:{seen.pk}" not in html


def test_linking_closes_onto_the_existing_customer(manager, assigned, company):
    factories.plan_item(assigned, company.manager)
    own = factories.CustomerFactory(name="沈阳北辰重型机械有限公司", manager=company.manager)
    response = manager.post(at(assigned, "win/"), {"choice": f"link:{own.pk}"}, follow=True)
    assert said(response) == ["客户开发成功，已关联到已有客户。"]
    assigned.refresh_from_db()
    assert (assigned.status, assigned.customer) == ("won", own)
    assert Customer.objects.count() == 1


def test_creating_anyway_needs_a_reason_that_the_supervisor_is_told(manager, assigned, company):
    factories.plan_item(assigned, company.manager)
    factories.CustomerFactory(name="沈阳北辰重型机械有限公司", manager=company.colleague)
    refused = manager.post(at(assigned, "win/"), {"choice": "create"})
    assert "请填写仍要新建的原因" in errors(refused)[0]
    response = manager.post(at(assigned, "win/"), {"choice": "create", "create_anyway": "另一家工厂"}, follow=True)
    assert said(response) == ["客户开发成功，已添加新客户记录。"]
    assert Customer.objects.count() == 2
    assert "另一家工厂" in Notification.objects.get(recipient=company.supervisor, text__contains="同名").text
    assert not Notification.objects.filter(recipient=company.outsider).exists()


def test_a_customer_that_appears_after_the_question_brings_the_choice(manager, assigned, company):
    factories.plan_item(assigned, company.manager)
    manager.get(at(assigned, "win/"))
    factories.CustomerFactory(name="沈阳北辰重型机械有限公司", manager=company.manager)
    response = manager.post(at(assigned, "win/"), {"choice": ""})
    assert "已有同名客户，请选择关联到它，或说明原因后新建。" in errors(response)


def test_a_same_name_out_of_reach_is_not_offered_for_linking(manager, assigned, company):
    factories.plan_item(assigned, company.manager)
    factories.CustomerFactory(name="沈阳北辰重型机械有限公司", manager=company.stranger)
    response = manager.post(at(assigned, "win/"), {"choice": ""})
    assert errors(response) == ["已有同名客户，不在您的编辑范围内，请说明原因后新建。"]


# Lost


def test_ending_the_development_needs_a_reason(manager, assigned):
    response = manager.post(at(assigned, "lose/"), {"reason": "  "})
    assert errors(response) == ["请填写。"]
    assigned.refresh_from_db()
    assert assigned.status == "assigned"


def test_ending_the_development_says_so_and_keeps_reason_and_competitor(manager, assigned):
    competitor = factories.entry("竞争对手", "进口品牌")
    html = manager.get(at(assigned, "lose/")).content.decode()
    assert "确认终止开发“销售机会：压力变送器改造”？" in html
    response = manager.post(at(assigned, "lose/"), {"reason": "价格太高", "competitor": competitor.pk}, follow=True)
    assert said(response) == ["开发失败，已归档。"]
    assigned.refresh_from_db()
    assert (assigned.status, assigned.lost_reason, assigned.competitor) == ("lost", "价格太高", competitor)
    assert "价格太高" in response.content.decode()


# The record's page


def buttons(html):
    """Label: True for a link, False for a disabled control."""
    head = re.findall(r'<a class="btn[^"]*"([^>]*)>(?:<svg.*?</svg>)([^<]+)</a>', html, re.S)
    return {label: 'aria-disabled="true"' not in attributes for attributes, label in head}


def test_a_new_opportunity_offers_what_each_person_may_do(company, sign_in):
    record = factories.opportunity(company.manager)
    shown = {
        name: buttons(sign_in(getattr(company, name)).get(at(record)).content.decode())
        for name in ("supervisor", "manager", "colleague", "executive")
    }
    for found in shown.values():
        found.pop("返回")
    assert shown["supervisor"] == {
        "指派": True,
        "编辑": True,
        "删除": False,
        "制定计划": False,
        "改派": False,
        "协作人": True,
    }
    assert {name: shown["manager"][name] for name in ("编辑", "删除")} == {"编辑": True, "删除": True}
    assert {name: shown["colleague"][name] for name in ("编辑", "删除")} == {"编辑": True, "删除": False}
    assert "指派" not in shown["manager"]
    assert shown["executive"] == {}


def test_a_refused_button_stays_with_its_reason_and_leads_nowhere(manager, assigned):
    html = manager.get(at(assigned)).content.decode()
    button = re.search(
        r'<a class="btn[^"]*"([^>]*)aria-describedby="([^"]+)"><svg[^>]*><use[^>]*/></svg>编辑</a>', html
    )
    assert 'aria-disabled="true"' in button[1]
    assert "href" not in button[1]
    assert f'id="{button[2]}">机会已由 林主管 指派给 周经理，只有「未分配」的机会可以编辑。' in html


def test_a_closed_opportunity_is_only_viewed(company, sign_in):
    record = factories.lost(company.manager, company.supervisor, company.manager)
    for person in (company.manager, company.supervisor):
        html = sign_in(person).get(at(record)).content.decode()
        assert "机会已开发失败，只能查看。" in html
        assert set(buttons(html)) == {"返回"}


def test_a_customer_outside_the_view_is_not_named_as_introducer(company, sign_in):
    hidden = factories.CustomerFactory(name="看不见的介绍人", manager=company.eastern)
    record = factories.opportunity(company.manager, introduced_by=hidden)
    html = sign_in(company.manager).get(at(record)).content.decode()
    assert "不在您的查看范围内" in html
    assert "看不见的介绍人" not in html
    assert "看不见的介绍人" in sign_in(company.supervisor).get(at(record)).content.decode()


@pytest.mark.parametrize("step", ["edit/", "history/"])
def test_an_introducer_outside_the_view_appears_on_no_page(step, company, sign_in):
    """The supervisor named a customer of another group; the creator may edit, but does not see that customer."""
    hidden = factories.CustomerFactory(name="看不见的介绍人", manager=company.eastern)
    record = factories.opportunity(company.manager)
    record.edit(by=company.supervisor, introduced_by=hidden)
    html = sign_in(company.manager).get(at(record, step)).content.decode()
    assert "看不见的介绍人" not in html
    assert hidden.number not in html


def test_an_opportunity_with_an_introducer_outside_the_view_can_still_be_edited(company, sign_in):
    hidden = factories.CustomerFactory(name="看不见的介绍人", manager=company.eastern)
    record = factories.opportunity(company.manager)
    record.edit(by=company.supervisor, introduced_by=hidden)
    client = sign_in(company.manager)
    html = client.get(at(record, "edit/")).content.decode()
    assert 'name="introduced_by"' not in html
    memory = re.search(r'name="opened" value="([^"]+)"', html)[1]
    values = {**factories.OPPORTUNITY, "summary": "新概要", "opened": memory}
    response = client.post(at(record, "edit/"), values)
    record.refresh_from_db()
    assert (response.status_code, record.summary, record.introduced_by) == (302, "新概要", hidden)


# History


def test_the_history_page_tells_who_did_what_from_old_to_new(manager, company, supervisor):
    record = factories.opportunity(company.manager)
    values = {**factories.OPPORTUNITY, "success_rate": "70", "opened": opened(manager, at(record, "edit/"))}
    manager.post(at(record, "edit/"), values)
    record.refresh_from_db()
    record.assign(company.colleague, by=company.supervisor)
    html = manager.get(at(record, "history/")).content.decode()
    order = [html.index(text) for text in ("林主管 指派", "周经理 编辑", "周经理 新建")]
    assert order == sorted(order)
    assert "成功机率：60 → 70" in html


def test_a_long_history_is_paged(manager, company):
    record = factories.opportunity(company.manager)
    for rate in range(60):
        record.edit(by=company.manager, success_rate=rate if rate != 60 else 0)
    first = manager.get(at(record, "history/")).content.decode()
    older = re.search(r'href="(\?before=\d+)"', first)[1]
    second = manager.get(at(record, f"history/{older}")).content.decode()
    assert first.count("周经理 编辑") == 50
    assert second.count("周经理 编辑") == 10
    assert "周经理 新建" in second
    assert "更早的记录" not in second


@pytest.mark.parametrize("before", ["abc", "-1", "9" * 30, "１"])
def test_a_senseless_history_position_is_ignored(before, manager, company):
    record = factories.opportunity(company.manager)
    assert manager.get(at(record, f"history/?before={before}")).status_code == 200


# Number of queries


@pytest.mark.parametrize("person", ["supervisor", "manager"])
@pytest.mark.parametrize("items", [5, 60])
def test_the_record_page_takes_at_most_ten_queries(person, items, company, sign_in, django_assert_max_num_queries):
    record = factories.assigned(company.colleague, company.supervisor, company.manager)
    for n in range(items):
        factories.plan_item(record, company.manager, text=f"第 {n} 步", result="做完" if n % 2 else "")
    client = sign_in(getattr(company, person))
    client.get(at(record))
    with django_assert_max_num_queries(10):
        assert client.get(at(record)).status_code == 200


@pytest.mark.parametrize("person", ["supervisor", "manager"])
def test_the_create_page_takes_at_most_ten_queries(person, company, sign_in, django_assert_max_num_queries):
    client = sign_in(getattr(company, person))
    for rows in (0, 60):
        for _ in range(rows):
            factories.CustomerFactory(manager=company.manager)
        with django_assert_max_num_queries(10):
            assert client.get(NEW).status_code == 200


def test_the_assign_page_asks_no_more_for_60_candidates_than_for_3(company, supervisor):
    record = factories.opportunity(company.manager, region=factories.entry("地区", "东北"))

    def count():
        with CaptureQueriesContext(connection) as captured:
            assert supervisor.get(at(record, "assign/")).status_code == 200
        return len(captured)

    few = count()
    for n in range(57):
        person = factories.person("account_manager", name=f"经理{n}", department=company.north)
        person.regions.add(record.region)
        factories.assigned(company.manager, factories.fresh(company.supervisor), person)
    assert User.objects.account_managers().filter(department=company.north).count() > 50
    assert count() == few
