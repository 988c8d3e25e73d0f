"""Views and columns of a list in a browser: by mouse, by keyboard, on a telephone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests import factories

from .conftest import fill

pytestmark = pytest.mark.browser
LIST = "/customers/?mine=1"
PHONE = {"width": 375, "height": 812}


@pytest.fixture
def own(company):
    """Two customers of the manager, one of a colleague."""
    for name, manager in (
        ("唐山一厂", company.manager),
        ("保定二厂", company.manager),
        ("同事的厂", company.colleague),
    ):
        factories.CustomerFactory(name=name, manager=manager)


def heads(page):
    return page.locator("table.tbl thead th[scope=col]")


def test_a_manager_moves_a_column_saves_the_view_and_finds_it_in_the_menu(company, own, browse):
    page = browse(company.manager)
    page.goto("/")
    page.get_by_role("link", name="客户信息管理").first.click()
    expect(page.locator("table.tbl tbody tr")).to_have_count(2)
    page.locator("summary", has_text="列").click()
    page.get_by_role("checkbox", name="未回款（元）").check()
    page.get_by_role("button", name="应用").click()
    expect(heads(page).filter(has_text="未回款（元）")).to_have_count(1)
    page.locator("summary", has_text="列").click()
    up = page.get_by_role("button", name="未回款（元） 往前")
    up.click()
    expect(page.locator(".coltick")).to_be_visible()
    expect(up).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".coltick")).to_be_visible()
    assert "columns=" in page.url
    page.get_by_role("link", name="保存为视图").click()
    fill(page, 名称="收款")
    page.get_by_label("设为默认").check()
    page.get_by_role("button", name="保存").click()
    expect(page.locator('nav.views a[aria-current="page"]')).to_contain_text("收款")
    expect(heads(page).filter(has_text="未回款（元）")).to_have_count(1)
    page.goto("/")
    page.get_by_role("link", name="客户信息管理").first.click()
    expect(page.locator('nav.views a[aria-current="page"]')).to_contain_text("收款")
    page.locator("summary[aria-label='管理视图 收款']").click()
    page.locator(".tools .menu").get_by_role("link", name="删除").click()
    page.locator("#dialog").get_by_role("button", name="删除").click()
    expect(page.locator("nav.views")).not_to_contain_text("收款")


def test_on_a_telephone_the_strip_scrolls_and_the_tools_are_away(company, own, browse):
    page = browse(company.manager, viewport=PHONE)
    page.goto(LIST)
    expect(page.locator(".viewbar .tools")).to_be_hidden()
    assert page.evaluate("document.scrollingElement.scrollWidth") <= PHONE["width"]
    page.locator("nav.views").get_by_role("link", name="全部可见").click()
    expect(page.locator("table.tbl tbody tr")).to_have_count(3)
    page.locator("nav.views").get_by_role("link", name="30 天没联系").click()
    expect(page.locator('nav.views a[aria-current="page"]')).to_contain_text("30 天没联系")


def test_without_script_columns_and_views_work(company, own, browse):
    page = browse(company.manager, java_script_enabled=False)
    page.goto(LIST)
    page.locator("summary", has_text="列").click()
    page.get_by_role("checkbox", name="节奏").check()
    page.get_by_role("button", name="应用").click()
    expect(heads(page).filter(has_text="节奏")).to_have_count(1)
    page.locator("nav.views").get_by_role("link", name="资料待补").click()
    expect(page.locator('nav.views a[aria-current="page"]')).to_contain_text("资料待补")
