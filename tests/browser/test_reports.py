"""Reports in a browser: charts drawn under the content policy, figures followed, dark, printed, on a phone."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests import factories
from tests.browser.conftest import field, press

pytestmark = pytest.mark.browser
ADDRESS = "/reports/contribution/"


@pytest.fixture
def trade(company):
    for number, lines in enumerate((12, 7, 3, 1), start=1):
        customer = factories.CustomerFactory(name=f"第{number}号水务集团有限公司", manager=company.manager)
        factories.order(customer, number=f"S{number}", lines=lines)
    return company


def chart(page: Page):
    return page.locator(".chart svg")


def test_a_figure_is_followed_to_its_orders_and_back(trade, browse):
    page = browse(trade.executive)
    page.goto(ADDRESS)
    expect(chart(page)).to_be_visible()
    assert chart(page).locator("path").count() > 4
    page.locator(".chart").hover()  # the tooltip is drawn without inline styles, else the content policy complains
    expect(page.locator(".kpis")).to_contain_text("29.4万元")
    page.locator("tbody tr").first.get_by_role("link", name="153,606.00").click()
    expect(page.locator("#list")).to_contain_text("合计 1 张订单，153,606.00 元")
    page.go_back()
    page.get_by_role("link", name="订单金额（元）").click()
    expect(page.locator("tbody tr").first).to_contain_text("第4号水务集团有限公司")
    field(page, "客户名称").fill("第2号")
    press(page, "查询")
    expect(page.locator("tfoot")).to_contain_text("89,603.50")
    page.locator(".applied").get_by_role("link", name="第2号").click()
    expect(page.locator("tfoot")).to_contain_text("合计 4 家")


def test_the_workbook_is_taken_along(trade, browse, tmp_path):
    page = browse(trade.executive)
    page.goto(ADDRESS)
    page.locator("#export summary").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Excel").click()
    path = tmp_path / Path(download.value.suggested_filename).name
    download.value.save_as(path)
    sheet = openpyxl.load_workbook(path).worksheets[0]
    assert len(sheet._charts) == 1


def test_charts_follow_theme_and_paper_and_fit_a_phone(trade, browse):
    page = browse(trade.supervisor)
    page.emulate_media(color_scheme="dark")
    for basis in ("level", "manager"):
        page.goto(f"/reports/composition/?basis={basis}")
        expect(chart(page)).to_be_visible()
    assert page.locator('.chart svg path[fill="#5a96f2"]').count()
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")  # paper is white whatever the screen is
    assert page.locator('.chart svg path[fill="#2b6fd6"]').count()
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator('.chart svg path[fill="#5a96f2"]').count()
    page.emulate_media(media="print")
    expect(page.locator(".only-p")).to_contain_text(f"打印人 林主管 {timezone.localdate().year}年")
    expect(page.locator(".side")).to_be_hidden()
    page.emulate_media(media="screen")
    page.set_viewport_size({"width": 375, "height": 800})
    for address in (ADDRESS, "/reports/composition/"):
        page.goto(address)
        expect(chart(page)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 375
