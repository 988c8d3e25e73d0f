"""The core of the job in a browser without scripts: every question is a page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from customers.models import Customer
from marketing.models import Opportunity
from tests import factories

from .conftest import field, fill, follow, press

pytestmark = pytest.mark.browser


@pytest.fixture
def plain(browse):
    """plain(user) gives a page of that person in a browser that runs no scripts."""

    def enter(user) -> Page:
        return browse(user, java_script_enabled=False)

    return enter


def told(page: Page, text: str) -> None:
    expect(page.locator(".msg.green")).to_have_text(text)


def test_an_opportunity_becomes_a_customer(company, plain):
    manager, supervisor = plain(company.manager), plain(company.supervisor)
    manager.goto("/marketing/opportunities/new/")
    fill(manager, 客户名称="沈阳北辰重型机械有限公司", 成功机率="101", 概要="改造", 机会描述="二期", 联系人="高峰")
    press(manager, "保存")
    expect(manager.locator(".f.bad")).to_contain_text("成功机率")
    expect(field(manager, "客户名称")).to_have_value("沈阳北辰重型机械有限公司")
    fill(manager, 成功机率="60")
    press(manager, "保存")
    told(manager, "保存成功")
    record = manager.url

    supervisor.goto("/marketing/opportunities/")
    supervisor.get_by_role("row").filter(has_text="沈阳北辰").get_by_role("link", name="指派").click()
    supervisor.get_by_label("周经理").check()
    press(supervisor, "指派")
    told(supervisor, "保存成功")

    manager.goto(record)
    follow(manager, "制定计划")
    for text in ("电话确认", "寄送样机"):
        fill(manager, 日期="2030-01-02", 计划项=text)
        press(manager, "保存计划项")
        told(manager, "保存成功")
    press(manager.get_by_role("row").filter(has_text="寄送样机"), "删除")
    expect(manager.get_by_role("row").filter(has_text="寄送样机")).to_have_count(0)
    press(manager.get_by_role("status"), "撤销")
    expect(manager.get_by_text("寄送样机", exact=True)).to_be_visible()
    follow(manager, "制定计划")
    press(manager.get_by_role("row").filter(has_text="寄送样机"), "删除")
    told(manager, "已删除 · 撤销")

    follow(manager, "执行计划")
    item = manager.get_by_role("row").filter(has_text="电话确认")
    item.get_by_role("textbox").fill("决策人为副总李巍")
    item.get_by_role("button", name="保存").click()
    told(manager, "保存成功")

    follow(manager, "开发成功")
    expect(manager.get_by_role("heading", name="确认开发成功？")).to_be_visible()
    press(manager, "确定")
    told(manager, "客户开发成功，已添加新客户记录。")
    manager.locator(".kv").get_by_role("link", name="沈阳北辰").click()
    expect(manager.get_by_text("高峰").first).to_be_visible()
    assert Customer.objects.get(name="沈阳北辰重型机械有限公司").manager == company.manager


def test_deleting_an_opportunity_asks_on_a_page_of_its_own(company, plain):
    record = factories.opportunity(company.manager)
    page = plain(company.manager)
    page.goto("/marketing/opportunities/")
    page.get_by_role("row").filter(has_text=record.customer_name).get_by_role("link", name="删除").click()
    expect(page.get_by_text(f"“销售机会：{record.summary}”")).to_be_visible()
    press(page, "确定")
    told(page, "删除成功")
    assert not Opportunity.objects.exists()


def test_filters_pages_menus_and_the_drawer_work(company, plain):
    for number in range(25):
        factories.opportunity(company.manager, customer_name=f"第 {number} 号客户")
    page = plain(company.manager)
    page.goto("/marketing/opportunities/")
    follow(page, "下一页")
    expect(page.locator("tbody tr")).to_have_count(5)
    fill(page, 客户名称="第 7 号")
    press(page, "查询")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_label("更多操作").click()
    expect(page.locator("tbody .menu")).to_be_visible()
    page.set_viewport_size({"width": 375, "height": 812})
    page.get_by_label("打开菜单").click()
    page.get_by_label("手机导航").get_by_role("link", name="客户信息管理").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("客户信息管理")


def test_two_people_who_edit_one_opportunity_see_both_versions(company, plain, complaints):
    complaints.allow(409)
    record = factories.opportunity(company.manager)
    first, second = plain(company.manager), plain(company.supervisor)
    for page in (first, second):
        page.goto(record.get_absolute_url() + "edit/")
    fill(first, 概要="经理写的概要")
    press(first, "保存")
    fill(second, 概要="主管写的概要")
    press(second, "保存")
    expect(second.get_by_role("row").filter(has_text="概要")).to_contain_text("经理写的概要")
    press(second, "按所选保存")
    told(second, "保存成功")
    record.refresh_from_db()
    assert record.summary == "主管写的概要"
