"""The whole job as the people of a company do it, each at a screen of their own."""

from __future__ import annotations

import datetime

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Notification
from customers.models import Customer
from tests import factories

from .conftest import field, fill, follow, press

pytestmark = pytest.mark.browser

NAME = "沈阳北辰重型机械有限公司"
SUMMARY = "压力变送器改造"


def in_days(days: int) -> str:
    return f"{timezone.localdate() + datetime.timedelta(days=days):%Y-%m-%d}"


def told(page: Page, text: str) -> None:
    expect(page.get_by_role("status").filter(has_text=text)).to_be_visible()


def add_item(page: Page, days: int, text: str) -> None:
    fill(page, 日期=in_days(days), 计划项=text)
    press(page, "保存计划项")
    told(page, "保存成功")
    expect(page.get_by_role("row").filter(has_text=text)).to_be_visible()


def create(page: Page) -> str:
    """新建: a missing field is said beside the field, nothing typed is lost. Gives the record's address."""
    follow(page, "新建机会")
    fill(page, 客户名称=NAME, 成功机率="60", 概要=SUMMARY, 联系人="高峰")
    field(page, "地区").select_option(label="东北")
    press(page, "保存")
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("机会描述：请填写。")
    expect(page.locator(".f.bad")).to_have_count(1)
    expect(page.locator(".f.bad")).to_contain_text("机会描述")
    expect(page.locator(".f.bad .err")).to_have_text("请填写。")
    expect(field(page, "客户名称")).to_have_value(NAME)
    expect(field(page, "成功机率")).to_have_value("60")
    expect(field(page, "地区").locator("option:checked")).to_have_text("东北")
    follow(summary, "机会描述：请填写。")
    expect(field(page, "机会描述")).to_be_focused()
    fill(page, 机会描述="二期 140 个测点")
    press(page, "保存")
    told(page, "保存成功")
    expect(page.get_by_role("heading", level=1)).to_have_text(SUMMARY)
    expect(page.locator(".head .st")).to_have_text("未分配")
    return page.url.partition("#")[0]


def assign(page: Page) -> None:
    """指派: it waits on the supervisor's 工作台 and in their list; the best fit is chosen, and the list comes again."""
    page.reload()
    waiting = page.locator("section.card").filter(has=page.get_by_role("heading", name="待指派"))
    expect(waiting.get_by_role("link", name=NAME)).to_be_visible()
    page.get_by_role("link", name="销售机会管理").click()
    page.get_by_role("row").filter(has_text=NAME).get_by_role("link", name="指派").click()
    fitting = page.get_by_role("row").filter(has_text="周经理")
    expect(fitting).to_contain_text("分区适合")
    expect(page.get_by_role("row").filter(has_text="陈同事")).not_to_contain_text("分区适合")
    expect(page.get_by_role("columnheader", name="进行中的机会")).to_be_visible()
    expect(fitting.locator("td.num")).to_have_text("1")
    expect(fitting.get_by_role("radio")).to_be_checked()
    press(page, "指派")
    told(page, "保存成功")
    expect(page.get_by_role("row").filter(has_text=NAME)).to_have_count(0)


def read_notification(page: Page, record: str) -> None:
    """通知: the bell leads to the record."""
    page.reload()
    page.get_by_role("link", name="通知，2 条未读").click()
    news = page.get_by_role("listitem").filter(has_text=f"林主管 将机会「{SUMMARY}」指派给您")
    press(news.first, "查看")
    page.wait_for_url(record)
    expect(page.get_by_role("link", name="通知，1 条未读")).to_be_visible()


def plan(page: Page) -> None:
    """制定计划: three items, one changed, one deleted."""
    follow(page, "制定计划")
    add_item(page, 2, "电话确认需求范围")
    add_item(page, 5, "寄送样机")
    add_item(page, 9, "提交报价")
    follow(page.get_by_role("row").filter(has_text="电话确认需求范围"), "修改")
    fill(page, 计划项="电话确认需求范围与决策人")
    press(page, "保存")
    told(page, "保存成功")
    expect(page.get_by_role("row").filter(has_text="与决策人")).to_be_visible()
    press(page.get_by_role("row").filter(has_text="寄送样机"), "删除")
    told(page, "已删除 · 撤销")
    expect(page.get_by_role("row").filter(has_text="寄送样机")).to_have_count(0)


def execute(page: Page) -> None:
    """执行计划: a result is written and corrected."""
    follow(page, "执行计划")
    item = page.get_by_role("row").filter(has_text="与决策人")
    item.get_by_role("textbox").fill("决策人为李巍")
    item.get_by_role("button", name="保存").click()
    told(page, "保存成功")
    expect(item).to_contain_text("已执行")
    item.get_by_role("link", name="修改").click()
    expect(item.get_by_role("textbox")).to_have_value("决策人为李巍")
    item.get_by_role("textbox").fill("决策人为副总李巍")
    item.get_by_role("button", name="保存").click()
    expect(item).to_contain_text("决策人为副总李巍")


def keep_up_to_date(page: Page) -> None:
    """更新预测 with its reason, 更正联系方式."""
    follow(page, "更新预测")
    fill(page, 成功机率="75", 预计金额="900000", 更新原因="客户确认预算")
    press(page, "保存")
    told(page, "保存成功")
    expect(page.get_by_role("img", name="成功机率 75%").first).to_be_visible()
    expect(page.locator(".kv")).to_contain_text("900,000.00")
    expect(page.locator(".tl")).to_contain_text("客户确认预算")
    follow(page, "更正联系方式")
    fill(page, 联系人电话="024-2385 6610")
    press(page, "保存")
    expect(page.locator(".kv")).to_contain_text("024-2385 6610")


def win(page: Page) -> None:
    """开发成功: the confirmation names what is left undone; afterwards the opportunity is only viewed."""
    follow(page, "开发成功")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="确认开发成功？")).to_be_visible()
    expect(dialog).to_contain_text("还有 1 个计划项没有执行效果")
    expect(dialog).to_contain_text("提交报价")
    press(dialog, "确定")
    told(page, "客户开发成功，已添加新客户记录。")
    expect(page.locator(".head .st")).to_have_text("开发成功")
    expect(page.get_by_text("机会已开发成功，只能查看。")).to_be_visible()
    for label in ("编辑", "删除", "改派", "执行计划", "制定计划", "更新预测", "开发成功", "终止开发"):
        expect(page.locator("main").get_by_role("link", name=label, exact=True)).to_have_count(0)


def test_three_people_turn_an_opportunity_into_a_customer(company, sign_in_form):
    company.manager.regions.add(factories.entry("地区", "东北"))
    factories.assigned(company.colleague, company.supervisor, company.manager, customer_name="已有的工作")
    manager, supervisor = sign_in_form(company.manager), sign_in_form(company.supervisor)
    colleague = sign_in_form(company.colleague)
    record = create(manager)
    assign(supervisor)
    read_notification(manager, record)
    plan(manager)
    execute(manager)
    keep_up_to_date(manager)

    # A colleague of the department sees it and may not touch it; they learn why
    colleague.goto(record)
    colleague.get_by_text("现在不能：开发成功").click()
    refused = colleague.get_by_role("link", name="开发成功", exact=True)
    expect(refused).to_have_attribute("aria-disabled", "true")
    expect(refused).to_have_accessible_description("只有被指派的客户经理（周经理）可以执行，您可以查看。")

    # The customer and its contact are there, linked both ways
    win(manager)
    manager.locator(".kv").get_by_role("link", name=NAME).click()
    expect(manager.get_by_role("heading", level=1)).to_have_text(NAME)
    expect(manager.locator("#contacts")).to_contain_text("高峰")
    expect(manager.get_by_text("024-2385 6610")).to_be_visible()
    expect(manager.get_by_text("资料待补：")).to_be_visible()
    follow(manager, "基本信息")
    follow(manager, SUMMARY)
    manager.wait_for_url(record)
    assert Customer.objects.get(name=NAME).manager == company.manager


def test_a_development_that_fails_is_archived_with_its_reason(company, browse):
    record = factories.assigned(company.manager, company.supervisor, company.manager)
    page = browse(company.manager)
    page.goto(record.get_absolute_url())
    follow(page, "终止开发")
    expect(page.get_by_text("不可撤销，之后只能查看")).to_be_visible()
    press(page, "终止开发")
    expect(page.locator(".f.bad")).to_contain_text("请填写。")
    fill(page, 失败原因="客户选择了其他供应商")
    press(page, "终止开发")
    told(page, "开发失败，已归档。")
    expect(page.locator(".head .st")).to_have_text("开发失败")
    expect(page.locator(".kv")).to_contain_text("客户选择了其他供应商")
    page.goto("/marketing/development/?status=lost")
    row = page.get_by_role("row").filter(has_text=record.customer_name)
    expect(row.locator(".ra")).to_have_text("查看")


def test_the_former_assignee_is_told_of_the_change_and_its_reason(company, browse):
    record = factories.assigned(company.manager, company.supervisor, company.manager)
    Notification.objects.all().delete()
    supervisor = browse(company.supervisor)
    supervisor.goto(record.get_absolute_url())
    follow(supervisor, "改派")
    expect(supervisor.get_by_role("row").filter(has_text="周经理").get_by_role("radio")).to_be_disabled()
    supervisor.get_by_text("陈同事").click()
    press(supervisor, "改派")
    expect(supervisor.locator(".f.bad")).to_contain_text("改派原因")
    expect(supervisor.get_by_role("row").filter(has_text="陈同事").get_by_role("radio")).to_be_checked()
    fill(supervisor, 改派原因="周经理出差一个月")
    press(supervisor, "改派")
    told(supervisor, "保存成功")
    expect(supervisor.locator(".kv")).to_contain_text("陈同事")
    former, present = browse(company.manager), browse(company.colleague)
    former.goto("/notifications/")
    expect(former.get_by_text("改派给 陈同事：周经理出差一个月")).to_be_visible()
    present.goto("/notifications/")
    expect(present.get_by_text("改派给您：周经理出差一个月")).to_be_visible()


@pytest.fixture
def twin(company):
    """An opportunity whose name a customer of the same manager already bears."""
    known = factories.CustomerFactory(name="济南泉城水务有限公司", manager=company.manager, by=company.manager)
    record = factories.assigned(company.manager, company.supervisor, company.manager, customer_name=known.name)
    factories.plan_item(record, company.manager, result="已签约")
    return record, known


def test_a_known_name_asks_to_link_before_anything_is_created(company, twin, browse):
    record, known = twin
    page = browse(company.manager)
    page.goto(record.get_absolute_url())
    follow(page, "开发成功")
    expect(page.get_by_role("dialog")).to_contain_text("已有同名客户")
    press(page.get_by_role("dialog"), "确定")
    expect(page.get_by_role("alert")).to_contain_text("请选择关联到它，或说明原因后新建")
    page.get_by_label(f"关联到 {known.name}（{known.number}）").check()
    press(page, "确定")
    told(page, "客户开发成功，已关联到已有客户。")
    page.locator(".kv").get_by_role("link", name=known.name).click()
    expect(page.get_by_text(known.number).first).to_be_visible()
    assert Customer.objects.filter(name=known.name).count() == 1


def test_creating_a_second_customer_of_one_name_needs_a_reason_that_the_supervisor_hears(company, twin, browse):
    record, known = twin
    page = browse(company.manager)
    page.goto(record.get_absolute_url() + "win/")
    page.get_by_label("仍然新建一个客户").check()
    press(page, "确定")
    expect(page.locator(".bad .err")).to_contain_text("请填写仍要新建的原因")
    fill(page, 仍要新建的原因="分公司独立结算")
    press(page, "确定")
    told(page, "客户开发成功，已添加新客户记录。")
    assert Customer.objects.filter(name=known.name).count() == 2
    supervisor = browse(company.supervisor)
    supervisor.goto("/notifications/")
    expect(supervisor.get_by_text(f"新建了同名客户「{known.name}」：分公司独立结算")).to_be_visible()


def test_a_strangers_customer_of_the_same_name_is_named_but_not_linked(company, browse):
    hidden = factories.CustomerFactory(name="济南泉城水务有限公司", manager=company.stranger, by=company.stranger)
    record = factories.assigned(company.manager, company.supervisor, company.manager, customer_name=hidden.name)
    page = browse(company.manager)
    page.goto(record.get_absolute_url() + "win/")
    note = page.locator("#id_choice")
    expect(note).to_contain_text("外人甲")
    expect(note).not_to_contain_text(hidden.number)
    expect(note.get_by_role("link")).to_have_count(0)
    expect(page.get_by_role("radio")).to_have_count(1)


def test_two_people_who_edit_one_opportunity_choose_and_merge(company, browse, complaints):
    complaints.allow(409)
    record = factories.opportunity(company.manager)
    first, second = browse(company.manager), browse(company.supervisor)
    for page in (first, second):
        page.goto(record.get_absolute_url() + "edit/")
    fill(first, 概要="经理写的概要", 成功机率="80")
    press(first, "保存")
    told(first, "保存成功")
    fill(second, 概要="主管写的概要", 联系人="李巍")
    press(second, "保存")
    expect(second.get_by_role("heading", level=1)).to_have_text("这条记录刚被别人改过")
    summary = second.get_by_role("row").filter(has_text="概要")
    expect(summary).to_contain_text("主管写的概要")
    expect(summary).to_contain_text("经理写的概要")
    expect(summary).to_contain_text(SUMMARY)
    expect(second.get_by_role("row").filter(has_text="成功机率")).to_contain_text("80")
    expect(second.get_by_role("row").filter(has_text="联系人")).to_contain_text("李巍")
    second.get_by_label("保留已保存的").check()
    press(second, "按所选保存")
    told(second, "保存成功")
    record.refresh_from_db()
    assert (record.summary, record.success_rate, record.contact_name) == ("经理写的概要", 80, "李巍")
