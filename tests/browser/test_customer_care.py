"""A customer stops buying: warned, deferred with a measure, given up, won back; shared; several handed over."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import expect

from customers.models import ChurnCase
from tests import factories
from tests.browser.conftest import field, fill, follow, press

LIST = "/customers/churn/"


def test_a_case_is_deferred_confirmed_and_won_back(company, browse):
    case = factories.churn_case(company.manager, name="武汉楚天食品有限公司")
    page = browse(company.manager)
    page.goto(LIST)
    follow(page.locator("#list tbody"), "武汉楚天食品有限公司")
    expect(page.locator(".head .st")).to_have_text("预警")
    field(page, "措施类别").select_option(label="拜访")
    fill(page, 追加暂缓措施="与设备部面谈，约定样机试用。")
    press(page, "保存")
    expect(page.get_by_role("status")).to_have_text("暂缓措施已保存")
    expect(page.locator(".head .st")).to_have_text("暂缓流失")
    expect(page.get_by_text("与设备部面谈，约定样机试用。").first).to_be_visible()
    case.refresh_from_db()
    assert case.review_on == timezone.localdate() + timedelta(days=30)
    follow(page.locator(".head"), "确认流失")
    press(page, "确认流失")
    expect(page.get_by_role("alert").first).to_be_visible()  # without a reason nobody is given up
    fill(page, 流失原因="改由集团指定供应商")
    field(page, "原因类别").select_option(label="其他")
    press(page, "确认流失")
    expect(page.locator(".head .st")).to_have_text("确认流失")
    case.customer.refresh_from_db()
    assert case.customer.status == "lost"
    follow(page.locator(".head"), "挽回")
    fill(page, 挽回说明="换了设备主管，同意恢复采购")
    press(page, "挽回")
    expect(page.locator(".head .st")).to_have_text("已挽回")
    case.customer.refresh_from_db()
    assert (case.customer.status, ChurnCase.objects.get().status) == ("normal", "won_back")


def test_a_customer_is_shared_and_the_colleague_opens_it(company, browse, complaints):
    complaints.allow(404)
    customer = factories.CustomerFactory(name="海河水务有限公司", manager=company.manager, by=company.manager)
    page = browse(company.manager)
    page.goto(f"{customer.get_absolute_url()}share/")
    field(page, "协作人").select_option(label="外人甲（海外部）")
    press(page, "共享")
    expect(page.get_by_role("status")).to_have_text("已共享，对方会收到通知。")
    expect(page.locator(".rows")).to_contain_text("外人甲")
    other = browse(company.stranger)
    other.goto("/notifications/")
    other.get_by_role("button", name="查看").first.click()
    expect(other.get_by_role("heading", level=1)).to_have_text("海河水务有限公司")
    page.locator(".rows").get_by_role("link", name="取消共享").click()
    press(page.get_by_role("dialog"), "确定")
    expect(page.get_by_role("status")).to_have_text("已取消共享")
    assert other.goto(customer.get_absolute_url()).status == 404


def test_several_customers_are_ticked_and_handed_over(company, browse):
    for number in range(3):
        factories.CustomerFactory(name=f"第{number}号水务有限公司", manager=company.manager)
    page = browse(company.supervisor)
    page.goto("/customers/")
    expect(page.locator("[data-bulk]")).to_be_hidden()
    page.get_by_label("选择 第0号水务有限公司").check()
    page.get_by_label("选择 第2号水务有限公司").check()
    expect(page.locator("[data-chosen]")).to_have_text("已选 2 家")
    press(page, "移交 2 家")
    expect(page.get_by_text("共 2 家客户")).to_be_visible()
    field(page, "新的客户经理").select_option(label="王华东（华东组）")
    fill(page, 移交原因="调整分区")
    press(page, "移交 2 家")
    expect(page.get_by_role("status").filter(has_text="已移交")).to_contain_text("已移交 2 家客户，双方会收到通知")
    assert company.eastern.customers.count() == 2
