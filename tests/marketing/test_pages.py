"""The pages of 销售机会管理: changing, deleting, assigning, forecasting, and the record with its history."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Notification, User
from kit.audit.models import AuditEntry
from marketing.models import Opportunity
from tests import factories
from tests.html import buttons, errors, find, find_all, form, links, messages, notices, text, texts, value
from tests.marketing.pages import NEW, at, opened

pytestmark = pytest.mark.django_db


# Changed


def test_an_edit_is_saved_with_old_and_new_in_the_history(manager, company):
    record = factories.opportunity(company.manager)
    values = {**factories.OPPORTUNITY, "summary": "流量计改造", "opened": opened(manager, at(record, "edit/"))}
    response = manager.post(at(record, "edit/"), values, follow=True)
    assert notices(response) == ["保存成功"]
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
    page = manager.get(at(record, "delete/"))
    html = text(page)
    assert "确认删除？" in html
    assert "“销售机会：压力变送器改造”" in html
    assert f"沈阳北辰重型机械有限公司，编号 {record.pk}" in html
    assert links(page, "a[autofocus]") == [("取消", at(record))]
    assert Opportunity.objects.filter(pk=record.pk).exists()


def test_the_question_comes_as_a_fragment_for_the_dialog(manager, company):
    record = factories.opportunity(company.manager)
    page = manager.get(at(record, "delete/"), headers={"HX-Request": "true", "HX-Target": "dialog"})
    assert text(find(page, "h2")) == "确认删除？"
    assert form(page).get("action") == at(record, "delete/")
    assert find_all(page, "html") == []


def test_deleting_says_so_and_the_record_is_gone(manager, company):
    record = factories.opportunity(company.manager)
    response = manager.post(at(record, "delete/"), follow=True)
    assert response.redirect_chain == [("/marketing/opportunities/", 302)]
    assert notices(response) == ["删除成功"]
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


def candidates(page):
    """Return {user's key: cells of their row}, best first."""
    rows = find_all(page, "table.candidates tbody tr")
    return {int(value(row, "to")): texts(row, "td") for row in rows}


def test_the_assign_page_shows_fit_and_load_of_each_candidate_best_first(supervisor, company):
    region, industry = factories.entry("地区", "东北"), factories.entry("行业", "机械制造")
    company.colleague.regions.add(region)
    company.colleague.industries.add(industry)
    company.eastern.regions.add(factories.entry("地区", "西部"))
    factories.assigned(company.manager, company.supervisor, company.eastern)
    factories.won(company.manager, company.supervisor, company.eastern, customer_name="甲")
    factories.lost(company.manager, company.supervisor, company.eastern, customer_name="乙")
    record = factories.opportunity(company.manager, region=region, industry=industry)
    rows = candidates(supervisor.get(at(record, "assign/")))
    assert list(rows) == [company.colleague.pk, company.manager.pk, company.eastern.pk]
    assert rows[company.colleague.pk] == ["", "陈同事", "东北 分区适合", "机械制造 行业适合", "0", "—"]
    assert rows[company.eastern.pk] == ["", "王华东", "西部", "—", "1", "50%（1/2）"]


def test_an_assignment_is_saved_and_the_assignee_is_told(supervisor, company):
    record = factories.opportunity(company.manager)
    response = supervisor.post(at(record, "assign/"), {"to": company.colleague.pk}, follow=True)
    record.refresh_from_db()
    assert notices(response) == ["保存成功"]
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
    assert links(response, "a.btn-primary") == [("改派", at(assigned, "reassign/"))]
    assert find_all(response, "button", containing="指派") == []
    assigned.refresh_from_db()
    assert assigned.assignee == company.manager


def test_a_reassignment_needs_a_reason_and_keeps_the_choice(supervisor, assigned, company):
    response = supervisor.post(at(assigned, "reassign/"), {"to": company.colleague.pk, "reason": " "})
    assert errors(response) == ["请填写。"]
    assert find(response, "input[name=to]:checked").get("value") == str(company.colleague.pk)


def test_a_reassignment_is_saved_with_its_reason_and_both_are_told(supervisor, assigned, company):
    response = supervisor.post(
        at(assigned, "reassign/"), {"to": company.colleague.pk, "reason": "休假三个月"}, follow=True
    )
    assert notices(response) == ["保存成功"]
    entry = AuditEntry.objects.about(assigned).get(verb="改派")
    assert entry.changes == {"指派给": ["周经理", "陈同事"], "原因": ["", "休假三个月"]}
    recipients = set(Notification.objects.filter(text__contains="改派").values_list("recipient", flat=True))
    assert recipients == {company.manager.pk, company.colleague.pk}


def test_a_reassignment_to_the_present_assignee_is_refused(supervisor, assigned, company):
    response = supervisor.post(at(assigned, "reassign/"), {"to": company.manager.pk, "reason": "x"})
    assert response.status_code == 409
    assert "机会现在就由周经理负责" in response.content.decode()
    assert find(response, "input[name=to]:disabled").get("value") == str(company.manager.pk)


# Forecast and contact


def test_a_forecast_is_saved_with_its_reason(manager, assigned):
    assert value(manager.get(at(assigned, "forecast/")), "success_rate") == "60"
    values = {"success_rate": "80", "expected_amount": "500000", "expected_on": "2026-05-01", "reason": "已报价"}
    values["opened"] = opened(manager, at(assigned, "forecast/"))
    response = manager.post(at(assigned, "forecast/"), values, follow=True)
    assert notices(response) == ["保存成功"]
    change = assigned.forecast_changes.get()
    assert (change.former_success_rate, change.success_rate, change.reason) == (60, 80, "已报价")
    assert "成功机率：60 → 80" in response.content.decode()


def test_a_forecast_without_a_reason_is_refused(manager, assigned):
    values = {"success_rate": "80", "expected_amount": "", "expected_on": "", "reason": ""}
    response = manager.post(at(assigned, "forecast/"), values)
    assert errors(response) == ["请填写。"]
    assert value(response, "success_rate") == "80"


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
    assert notices(response) == ["保存成功"]
    assigned.refresh_from_db()
    assert (assigned.contact_name, assigned.contact_phone) == ("高志峰", "")


# The record's page


def test_a_new_opportunity_offers_what_each_person_may_do(company, sign_in):
    record = factories.opportunity(company.manager)
    buttons_of = {
        name: buttons(sign_in(getattr(company, name)).get(at(record)))
        for name in ("supervisor", "manager", "colleague", "executive")
    }
    assert buttons_of["supervisor"] == {
        "指派": True,
        "编辑": True,
        "删除": False,
        "制定计划": False,
        "改派": False,
        "协作人": True,
    }
    assert {name: buttons_of["manager"][name] for name in ("编辑", "删除")} == {"编辑": True, "删除": True}
    assert {name: buttons_of["colleague"][name] for name in ("编辑", "删除")} == {"编辑": True, "删除": False}
    assert "指派" not in buttons_of["manager"]
    assert buttons_of["executive"] == {}


def test_a_refused_button_stays_with_its_reason_and_leads_nowhere(manager, assigned):
    page = manager.get(at(assigned))
    button = find(page, "a.btn", containing="编辑")
    assert button.get("aria-disabled") == "true"
    assert "href" not in button.attrib
    reason = find(page, f'[id="{button.get("aria-describedby")}"]')
    assert text(reason) == "机会已由 林主管 指派给 周经理，只有「未分配」的机会可以编辑。"


def test_a_closed_opportunity_is_only_viewed(company, sign_in):
    record = factories.lost(company.manager, company.supervisor, company.manager)
    for person in (company.manager, company.supervisor):
        page = sign_in(person).get(at(record))
        assert "机会已开发失败，只能查看。" in messages(page)
        assert buttons(page) == {}


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
    page = client.get(at(record, "edit/"))
    assert find_all(page, "[name=introduced_by]") == []
    values = {**factories.OPPORTUNITY, "summary": "新概要", "opened": value(page, "opened")}
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
    entries = texts(manager.get(at(record, "history/")), "ul.tl li:not(.day)")
    acts = ("林主管 指派", "周经理 编辑 成功机率：60 → 70", "周经理 新建")
    assert [entry.startswith(act) for entry, act in zip(entries, acts, strict=True)] == [True] * 3


def test_a_long_history_is_paged(manager, company):
    record = factories.opportunity(company.manager)
    for rate in range(60):
        record.edit(by=company.manager, success_rate=rate if rate != 60 else 0)
    first = manager.get(at(record, "history/"))
    ((older, url),) = links(first, 'a[href^="?before="]')
    second = manager.get(at(record, f"history/{url}"))
    assert [len(find_all(page, "ul.tl li", containing="周经理 编辑")) for page in (first, second)] == [50, 10]
    assert find(second, "ul.tl li", containing="周经理 新建") is not None
    assert older not in text(second)


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
