"""The pages of 客户开发计划: the list, 制定计划 and 执行计划."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from basedata.calendar.working_time import Schedule
from kit.audit.models import AuditEntry
from kit.domain.days import show_day
from marketing.models import Opportunity, PlanItem
from marketing.plans.templates import steps_after
from tests import factories
from tests.html import buttons, errors, find, find_all, links, markup, notices, tabs, text, texts, urls, value, written
from tests.marketing.pages import opened

pytestmark = pytest.mark.django_db
LIST = "/marketing/development/"


def names(page):
    """Return the customers' names of the rows, in order."""
    return texts(page, 'table.tbl tbody a[href^="/marketing/opportunities/"]:has(+ small)')


def at(record, step):
    return f"{LIST}{record.pk}/{step}/"


def of(item, step):
    return f"{LIST}{item.opportunity_id}/items/{item.pk}/{step}/"


def row(page, item):
    """The part of the page that belongs to one plan item."""
    return find(page, f"tr#item-{item.pk}")


def with_memory(client, item, result):
    """What the form of one item sends: the text and the signed memory of what it showed."""
    page = client.get(f"{at(item.opportunity, 'execute')}?item={item.pk}")
    return {"result": result, "opened": value(row(page, item), f"opened-{item.pk}")}


@pytest.fixture
def item(assigned, company):
    return factories.plan_item(assigned, company.manager, text="确认需求范围")


# The list


def test_the_list_holds_what_has_been_assigned_and_opens_on_assigned(company, manager):
    factories.opportunity(company.manager, customer_name="未分配的")
    factories.assigned(company.manager, company.supervisor, company.manager, customer_name="开发中的")
    factories.won(company.manager, company.supervisor, company.manager, customer_name="成功的")
    factories.lost(company.manager, company.supervisor, company.manager, customer_name="失败的")
    page = manager.get(LIST)
    assert names(page) == ["开发中的"]
    assert tabs(page) == [("全部", "3"), ("已指派", "1"), ("开发成功", "1"), ("开发失败", "1")]
    assert set(names(manager.get(f"{LIST}?status=all"))) == {"开发中的", "成功的", "失败的"}
    assert names(manager.get(f"{LIST}?status=unassigned")) != ["未分配的"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("customer_name=甲", {"甲公司"}),
        ("summary=流量", {"乙公司"}),
        ("contact_name=高", {"甲公司", "乙公司"}),
        ("contact_name=高&summary=压力", {"甲公司"}),
        ("mine=1", {"甲公司"}),
        ("mine=1&summary=流量", set()),
    ],
)
def test_each_filter_of_the_list(query, expected, company, manager):
    factories.assigned(
        company.manager, company.supervisor, company.manager, customer_name="甲公司", contact_name="高峰"
    )
    factories.assigned(
        company.manager,
        company.supervisor,
        company.colleague,
        customer_name="乙公司",
        summary="流量计",
        contact_name="高远",
    )
    assert set(names(manager.get(f"{LIST}?{query}"))) == expected


def test_a_row_shows_how_far_the_plan_is(company, manager, assigned):
    assert find(manager.get(LIST), "table.tbl tbody tr", containing="未制定") is not None
    factories.plan_item(assigned, company.manager)
    factories.plan_item(assigned, company.manager, result="好")
    assert find(manager.get(LIST), "table.tbl tbody tr", containing="1 / 2") is not None


def test_closed_rows_are_only_viewed(company, manager):
    record = factories.lost(company.manager, company.supervisor, company.manager)
    actions = find(manager.get(f"{LIST}?status=lost"), "table.tbl div.ra")
    assert (links(actions), text(actions)) == ([("查看", record.get_absolute_url())], "查看")


def test_the_assignee_is_offered_executing_planning_and_winning(manager, assigned, sign_in, company):
    actions = links(manager.get(LIST), "table.tbl a")
    for step, label in (("execute", "执行计划"), ("plan", "制定计划")):
        assert (label, at(assigned, step)) in actions
    assert "开发成功" in dict(actions)
    others = dict(links(sign_in(company.supervisor).get(LIST), "main a"))
    assert "制定计划" in others
    assert "执行计划" not in others


# Planning


def test_an_item_is_added_and_the_page_stays(manager, assigned):
    response = manager.post(at(assigned, "plan"), {"on": "2026-03-01", "text": "电话确认\n决策人"}, follow=True)
    assert response.redirect_chain == [(at(assigned, "plan"), 302)]
    assert notices(response) == ["保存成功"]
    added = PlanItem.objects.get()
    assert (added.on, added.text.splitlines(), added.opportunity) == (
        date(2026, 3, 1),
        ["电话确认", "决策人"],
        assigned,
    )
    cell = find(response, "table.plan td:nth-child(2)")
    assert (text(cell), len(find_all(cell, "br"))) == ("电话确认 决策人", 1)
    assert AuditEntry.objects.about(assigned).filter(verb="制定计划").count() == 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"on": "", "text": "x"}, "请填写。"),
        ({"on": "2026-03-01", "text": ""}, "请填写。"),
        ({"on": "明天", "text": "x"}, "请填写日期，例如 2025-11-24。"),
        ({"on": "1899-12-31", "text": "x"}, "请填写 1900 年以后的日期。"),
        ({"on": "2026-03-01", "text": "长" * 501}, "500"),
    ],
)
def test_a_refused_item_keeps_what_was_typed(values, message, manager, assigned):
    page = manager.post(at(assigned, "plan"), values)
    assert message in " ".join(errors(page))
    assert (value(page, "on"), written(page)) == (values["on"], [values["text"]])
    assert PlanItem.objects.count() == 0


def test_an_item_is_changed_and_its_history_kept(manager, item):
    memory = opened(manager, of(item, "edit"))
    response = manager.post(of(item, "edit"), {"on": item.on, "text": "确认预算", "opened": memory}, follow=True)
    assert response.redirect_chain == [(at(item.opportunity, "plan"), 302)]
    assert notices(response) == ["保存成功"]
    entry = AuditEntry.objects.about(item.opportunity).get(verb="修改计划")
    assert [value.split(" ", 1)[1] for value in entry.changes["计划项"]] == ["确认需求范围", "确认预算"]


def test_two_people_changing_one_item_see_the_conflict(manager, item, company, sign_in):
    memory = opened(manager, of(item, "edit"))
    item.edit(by=company.supervisor, on=item.on, text="主管改过的")
    response = manager.post(of(item, "edit"), {"on": item.on, "text": "我改过的", "opened": memory})
    assert response.status_code == 409
    for words in ("我改过的", "主管改过的", "确认需求范围"):
        assert words in text(response)


def test_deleting_an_item_asks_and_names_it(manager, item):
    html = text(manager.get(of(item, "delete")))
    assert "确认删除？" in html
    assert f"“计划项：确认需求范围”（{show_day(item.on)}）" in html
    response = manager.post(of(item, "delete"), follow=True)
    assert response.redirect_chain == [(at(item.opportunity, "plan"), 302)]
    assert notices(response) == ["已删除 · 撤销"]
    assert not PlanItem.objects.exists()


@pytest.mark.parametrize(("step", "reason"), [("edit", "不能再修改"), ("delete", "不能删除")])
@pytest.mark.parametrize("verb", ["get", "post"])
def test_an_executed_item_is_neither_changed_nor_deleted(step, reason, verb, manager, item, company):
    item.record_result(by=company.manager, result="客户同意")
    response = getattr(manager, verb)(of(item, step), {"on": "2026-01-01", "text": "x"})
    assert response.status_code == 409
    assert f"已填写执行效果的计划项{reason}" in markup(response)
    item.refresh_from_db()
    assert (item.text, item.result) == ("确认需求范围", "客户同意")


def test_the_plan_page_offers_nothing_on_executed_items(manager, item, company):
    assert of(item, "edit") in urls(manager.get(at(item.opportunity, "plan")))
    item.record_result(by=company.manager, result="客户同意")
    html = markup(manager.get(at(item.opportunity, "plan")))
    assert of(item, "edit") not in html
    assert of(item, "delete") not in html
    assert "已执行，不可修改" in html


def test_a_late_item_says_by_how_many_days(manager, assigned, company):
    factories.plan_item(assigned, company.manager, days=-4)
    assert texts(manager.get(at(assigned, "plan")), "td.state") == ["逾期 4 天"]


# Several items at once, and plans to begin with


def test_several_items_are_saved_together_and_empty_rows_count_for_nothing(manager, assigned):
    rows = {"on": "2026-05-04", "text": "电话", "on-2": "", "text-2": "", "on-3": "2026-05-06", "text-3": "拜访"}
    response = manager.post(at(assigned, "plan"), rows, follow=True)
    assert notices(response) == ["已保存 2 个计划项。"]
    assert list(assigned.items.values_list("on", "text")) == [(date(2026, 5, 4), "电话"), (date(2026, 5, 6), "拜访")]


def test_a_row_that_was_begun_needs_both_and_nothing_is_saved_until_it_has(manager, assigned):
    rows = {"on": "", "text": "", "on-2": "2026-05-04", "text-2": "", "on-3": "2026-05-06", "text-3": "拜访"}
    response = manager.post(at(assigned, "plan"), rows)
    assert errors(response) == ["请填写。"]
    assert urls(response, ".msg.red a") == ["#id_text-2"]
    assert written(response) == ["", "", "拜访"]
    assert assigned.items.count() == 0
    assert errors(manager.post(at(assigned, "plan"), {"on": "", "text": ""})) == ["请填写。", "请填写。"]


def test_a_plan_to_begin_with_fills_rows_below_what_was_typed_and_saves_nothing(manager, assigned):
    typed = {"on": "2026-05-04", "text": "自己写的", "fill": "1"}
    page = manager.post(at(assigned, "plan"), {**typed, "plan": "visit"})
    assert written(page)[:2] == ["自己写的", "电话确认需求范围与决策人"]
    assert (page.status_code, assigned.items.count()) == (200, 0)
    unknown = manager.post(at(assigned, "plan"), {**typed, "plan": "won-99999999999999999999"})
    assert written(unknown) == ["自己写的", "", "", ""]


def test_steps_for_which_no_row_is_left_are_named(manager, assigned):
    typed = {"on": "2026-05-04", "text": "第1步"}
    typed |= {
        name: value for n in range(2, 29) for name, value in ((f"on-{n}", "2026-05-04"), (f"text-{n}", f"第{n}步"))
    }
    page = manager.post(at(assigned, "plan"), {**typed, "fill": "1", "plan": "visit"})
    assert written(page)[27:] == ["第28步", "电话确认需求范围与决策人", "上门了解现场与工况，记下参数"]
    assert "一次最多填 30 项，没有填入：「提交选型方案与报价」「技术交流，答复疑问」「商务谈判" in text(page)


@pytest.mark.parametrize("typed", ["\u200b", "\u2060", "\u2800"])
def test_a_row_of_invisible_characters_is_an_empty_one(typed, manager, assigned):
    response = manager.post(at(assigned, "plan"), {"on": "", "text": "", "on-2": "", "text-2": typed})
    assert errors(response) == ["请填写。", "请填写。"]


def test_a_won_plan_keeps_its_rhythm_in_working_days(company):
    schedule = Schedule(frozenset({1, 2, 3, 4, 5}), ((480, 720),), {date(2026, 5, 1): False})
    items = [SimpleNamespace(on=date(2026, 4, 30), text="电话"), SimpleNamespace(on=date(2026, 5, 4), text="拜访")]
    assigned_at = timezone.make_aware(datetime(2026, 4, 29, 9))
    assert [step.days for step in steps_after(items, assigned_at, schedule)] == [1, 2]  # neither holiday nor weekend
    assert schedule.later(date(2026, 4, 30), 1) == date(2026, 5, 4)
    assert schedule.later(date(2026, 5, 2), 2) == date(2026, 5, 5)


def test_only_won_plans_in_view_are_offered_and_used(manager, assigned, company):
    record = factories.assigned(company.manager, company.supervisor, company.manager, customer_name="成功的")
    factories.plan_item(record, company.manager, text="用过的一步", result="好")
    record.win(by=company.manager, reason="")
    used = {"fill": "1", "plan": f"won-{record.pk}"}
    page = manager.post(at(assigned, "plan"), used)
    assert written(page)[0] == "用过的一步"
    assert "成功的" in text(find(page, "select#plan"))
    Opportunity.objects.filter(pk=record.pk).update(assignee=company.stranger, created_by=company.stranger)
    page = manager.post(at(assigned, "plan"), used)
    assert "用过的一步" not in markup(page)
    assert "成功的" not in text(find(page, "select#plan"))


# Executing


def test_the_execute_page_shows_header_and_items_read_only_with_a_result_per_item(manager, item, company):
    other = factories.plan_item(item.opportunity, company.manager, text="试装", result="客户满意")
    page = manager.get(at(item.opportunity, "execute"))
    assert find(row(page, item), "button").get("formaction") == of(item, "result")
    assert written(row(page, item)) == [""]
    assert find_all(row(page, other), "textarea") == []
    assert "客户满意" in text(row(page, other))
    assert urls(row(page, other)) == [f"{at(item.opportunity, 'execute')}?item={other.pk}#item-{other.pk}"]
    assert find_all(page, "[name=text], [name=on]") == []
    assert {"终止开发", "开发成功", "制定计划"} <= {label for label, leads in buttons(page).items() if leads}


def test_a_result_is_saved_on_its_own(manager, item, company):
    other = factories.plan_item(item.opportunity, company.manager, text="试装")
    response = manager.post(of(item, "result"), with_memory(manager, item, "客户同意试装 3 台"), follow=True)
    assert response.redirect_chain == [(f"{at(item.opportunity, 'execute')}#item-{item.pk}", 302)]
    assert notices(response) == ["保存成功"]
    item.refresh_from_db()
    other.refresh_from_db()
    assert (item.result, item.executed_by, other.result) == ("客户同意试装 3 台", company.manager, "")
    assert timezone.now() - item.executed_at < timedelta(minutes=1)


def test_a_result_is_corrected_until_the_opportunity_closes(manager, item, company):
    item.record_result(by=company.manager, result="写错了")
    page = manager.get(f"{at(item.opportunity, 'execute')}?item={item.pk}")
    assert written(row(page, item)) == ["写错了"]
    manager.post(of(item, "result"), with_memory(manager, item, "写对了"))
    item.refresh_from_db()
    assert item.result == "写对了"
    entry = AuditEntry.objects.about(item.opportunity).filter(verb="填写执行效果").first()
    assert entry.changes["执行效果"] == ["写错了", "写对了"]


def fields_of(page):
    """What a browser sends of the results, whichever button is pressed."""
    fields = find_all(page, "form[method=post] input[type=hidden], form[method=post] textarea")
    return {field.get("name"): field.get("value") or (field.text or "").removeprefix("\n") for field in fields}


def test_what_is_typed_beside_other_items_outlives_the_save_of_one(manager, item, company):
    """Without JavaScript: all texts are sent, one is saved, the others stand on the page and are saved next."""
    other = factories.plan_item(item.opportunity, company.manager, text="试装")
    third = factories.plan_item(item.opportunity, company.manager, text="报价")
    sent = fields_of(manager.get(at(item.opportunity, "execute")))
    sent |= {f"result-{item.pk}": "客户同意试装", f"result-{other.pk}": "还没写完"}
    page = manager.post(of(item, "result"), sent)
    assert (page.status_code, notices(page)) == (200, ["保存成功"])
    assert written(row(page, item)) == []  # saved, and shown as text
    assert (written(row(page, other)), written(row(page, third))) == (["还没写完"], [""])
    other.refresh_from_db()
    assert other.result == ""
    again = manager.post(of(item, "result"), sent)  # sent twice: as saved the first time
    assert (again.status_code, PlanItem.objects.exclude(result="").count()) == (302, 1)
    manager.post(of(other, "result"), fields_of(page))
    other.refresh_from_db()
    assert other.result == "还没写完"


def test_a_text_kept_beside_another_save_is_still_held_against_what_others_saved(manager, item, company):
    other = factories.plan_item(item.opportunity, company.manager, text="试装")
    sent = fields_of(manager.get(at(item.opportunity, "execute")))
    other.record_result(by=company.manager, result="在别处写的")
    sent |= {f"result-{item.pk}": "客户同意", f"result-{other.pk}": "在这里写的"}
    page = manager.post(of(item, "result"), sent)
    assert written(row(page, other)) == ["在这里写的"]
    conflict = manager.post(of(other, "result"), fields_of(page))
    assert conflict.status_code == 409
    other.refresh_from_db()
    assert other.result == "在别处写的"


def test_a_conflict_keeps_what_is_typed_beside_the_other_items(manager, item, company):
    other = factories.plan_item(item.opportunity, company.manager, text="试装")
    sent = fields_of(manager.get(at(item.opportunity, "execute")))
    item.record_result(by=company.manager, result="在别处写的")
    sent |= {f"result-{item.pk}": "在这里写的", f"result-{other.pk}": "还没写完"}
    conflict = manager.post(of(item, "result"), sent)
    assert conflict.status_code == 409
    page = manager.post(of(item, "result"), {**fields_of(conflict), "result": "在这里写的"})
    item.refresh_from_db()
    assert item.result == "在这里写的"
    assert written(row(page, other)) == ["还没写完"]


@pytest.mark.parametrize(("typed", "message"), [("", "请填写。"), ("长" * 501, "500")])
def test_a_refused_result_comes_back_beside_its_item_with_the_text_kept(typed, message, manager, item, company):
    other = factories.plan_item(item.opportunity, company.manager, text="另一项")
    response = manager.post(of(item, "result"), {"result": typed})
    assert response.status_code == 200
    assert [message in error for error in errors(row(response, item))] == [True]
    assert written(row(response, item)) == [typed]
    assert errors(row(response, other)) == []
    ((words, url),) = links(response, ".msg.red[tabindex='-1'] ul a")
    assert words.startswith("执行效果：")  # on a phone the field lies far below
    assert find(row(response, item), "textarea").get("id") == url.removeprefix("#")


def test_a_result_sent_after_the_opportunity_closed_keeps_the_text_and_says_why(manager, item, company):
    other = factories.plan_item(item.opportunity, company.manager, text="另一项")
    sent = with_memory(manager, item, "很长的执行效果")
    item.opportunity.lose(by=company.manager, reason="价格")
    response = manager.post(of(item, "result"), sent)
    assert response.status_code == 409
    assert find_all(response, "main button", containing="保存") == []
    assert find_all(row(response, other), "textarea") == []
    assert written(row(response, item)) == ["很长的执行效果"]
    assert errors(row(response, item)) == ["机会已开发失败，只能查看，不能更改。"]
    item.refresh_from_db()
    assert item.result == ""


def test_without_items_the_execute_page_leads_to_planning(manager, assigned):
    hint = find(manager.get(at(assigned, "execute")), "p.dim", containing="还没有计划项")
    assert links(hint) == [("制定计划", at(assigned, "plan"))]


def test_a_colleague_is_told_whose_plan_it_is(assigned, company, sign_in):
    response = sign_in(company.colleague).get(at(assigned, "execute"))
    assert response.status_code == 403
    assert "只有被指派的客户经理（周经理）可以执行，您可以查看。" in markup(response)


@pytest.mark.parametrize("key", ["abc", "-1", "１", "999999999999999999999"])
def test_a_senseless_item_to_edit_is_ignored(key, manager, item):
    response = manager.get(at(item.opportunity, "execute"), {"item": key})
    assert response.status_code == 200


# Number of queries


@pytest.mark.parametrize("step", ["plan", "execute"])
def test_plan_pages_ask_no_more_for_60_items_than_for_5(
    step, manager, assigned, company, django_assert_max_num_queries
):
    counts = []
    for number in (5, 60):
        while assigned.items.count() < number:
            factories.plan_item(assigned, company.manager, result="好" if assigned.items.count() % 2 else "")
        with django_assert_max_num_queries(10) as captured:
            assert manager.get(at(assigned, step)).status_code == 200
        counts.append(len(captured))
    assert counts[0] == counts[1]
