"""客户管理报告 in a browser: written from the four reports, returned, submitted again, reviewed; and a report."""

from __future__ import annotations

from playwright.sync_api import expect

from reports.models import MonthlyReport
from tests import factories
from tests.browser.conftest import fill, follow, press


def test_a_report_is_written_returned_and_reviewed(company, browse):
    factories.CustomerFactory(name="海河水务有限公司", manager=company.manager)
    page = browse(company.supervisor)
    page.goto("/")
    follow(page.locator(".nav").first, "客户管理报告")
    follow(page, "写报告")
    press(page, "保存草稿")  # the words come later
    expect(page.locator(".head .st")).to_have_text("草稿")
    expect(page.get_by_role("heading", name="客户构成分析")).to_be_visible()
    expect(page.locator("[data-chart] svg").first).to_be_visible()
    follow(page.locator(".head"), "编辑")
    fill(page, 情况说明="本月新增一家客户。")
    press(page, "保存")
    follow(page.locator(".head"), "提交")
    press(page, "提交")
    expect(page.locator(".head .st")).to_have_text("已提交")
    boss = browse(company.executive)
    boss.goto("/")
    follow(boss.locator(".card", has_text="待审阅的客户管理报告"), "审阅")
    follow(boss, "返回")
    follow(boss.locator(".head"), "退回")
    fill(boss, 批注="请补充流失原因。")
    press(boss, "退回")
    expect(boss.locator(".head .st")).to_have_text("已退回")
    page.reload()
    expect(page.get_by_text("请补充流失原因。").first).to_be_visible()
    follow(page.locator(".head"), "编辑")
    fill(page, 情况说明="本月新增一家客户。没有流失。")
    press(page, "保存")
    follow(page.locator(".head"), "提交")
    press(page, "提交")
    boss.reload()
    expect(boss.get_by_text("没有流失。").first).to_be_visible()
    follow(boss.locator(".head"), "审阅")
    press(boss, "审阅")
    expect(boss.locator(".head .st")).to_have_text("已审阅")
    report = MonthlyReport.objects.get()
    assert [one.remarks for one in report.submissions.all()] == ["本月新增一家客户。", "本月新增一家客户。没有流失。"]


def test_a_figure_of_churn_leads_to_its_cases_and_the_chart_is_drawn(company, browse):
    case = factories.churn_case(company.manager, name="武汉楚天食品有限公司")
    case.confirm(by=company.manager, reason="停产", kind=factories.entry("流失原因", "停业"))
    page = browse(company.executive)
    page.goto("/reports/churn/")
    expect(page.locator("[data-chart] svg")).to_have_count(2)
    expect(page.get_by_text("这个范围里没有可以画的数字。")).to_be_visible()  # instead of the third, 月流失率
    page.locator(".kpi", has_text="确认流失").first.click()
    expect(page.locator("#list tbody tr")).to_have_count(1)
    expect(page.locator("#list")).to_contain_text("武汉楚天食品有限公司")
