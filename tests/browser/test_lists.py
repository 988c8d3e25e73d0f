"""Lists on a screen: how many rows are seen, the head that stays, filters that send themselves, paging, keys."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from tests import factories

from .conftest import press
from .test_accessibility import ALL, look

pytestmark = pytest.mark.browser

LIST = "/customers/"
SEEN = """() => [...document.querySelectorAll("#list tbody tr")].filter(row => {
  const box = row.getBoundingClientRect(); return box.top >= 0 && box.bottom <= innerHeight }).length"""
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def thirty(company):
    """Customers of two regions, with names as long as most are."""
    regions = [factories.entry("地区", item) for item in ("华北", "中南")]
    for number in range(30):
        name = f"石家庄榕峰重型机械第{number:02d}有限公司"
        factories.CustomerFactory(name=name, manager=company.manager, region=regions[number % 2])
    return company


def rows(page: Page):
    return page.locator("#list tbody tr")


@pytest.mark.parametrize(("width", "height", "least"), [(1440, 900, 16), (1280, 720, 10)])
def test_so_many_rows_are_seen_when_compact_and_none_reaches_beyond_the_page(width, height, least, thirty, browse):
    page = browse(thirty.supervisor, viewport={"width": width, "height": height})
    page.goto(LIST)
    expect(rows(page)).to_have_count(20)
    assert page.evaluate(SEEN) >= least
    assert page.evaluate(SIDEWAYS) == 0
    assert rows(page).first.bounding_box()["height"] <= 36
    page.locator(".density button").click()
    page.wait_for_url(f"**{LIST}")
    expect(page.locator("html")).to_have_attribute("data-density", "roomy")
    assert page.evaluate(SEEN) < least
    expect(rows(page).first.locator("small").first).to_be_visible()


def test_targets_in_compact_rows_are_large_enough(thirty, browse):
    page = browse(thirty.supervisor)
    page.goto(LIST)
    for target in rows(page).first.locator(".ra > a, .ra summary").all():
        box = target.bounding_box()
        assert min(box["width"], box["height"]) >= 24, target.inner_text()


def test_the_head_stays_below_the_top_bar(thirty, browse):
    page = browse(thirty.supervisor)
    page.goto(f"{LIST}?page_size=50")
    page.evaluate("window.scrollTo(0, 600)")
    head, bar = page.locator("#list thead th").first.bounding_box(), page.locator(".topbar").bounding_box()
    assert abs(head["y"] - (bar["y"] + bar["height"])) <= 1


def test_what_is_ticked_in_the_line_is_sent_by_itself_and_the_menu_stays(thirty, browse):
    page = browse(thirty.supervisor)
    page.goto(LIST)
    field = page.locator("#pick_region")
    field.locator("summary").click()
    field.get_by_label("华北").check()
    expect(page.locator(".qf > .sum")).to_have_text("共 15 条")
    expect(field).to_have_attribute("open", "")
    expect(field.get_by_label("华北")).to_be_focused()
    field.get_by_label("中南").check()
    expect(page.locator(".qf > .sum")).to_have_text("共 30 条")
    expect(page.locator("a.pill")).to_have_count(2)
    assert page.url.count("region=") == 2
    assert "name=" not in page.url
    expect(page.locator('body > p[role="status"]')).to_have_text("共 30 条")


def test_typing_in_the_line_is_sent_after_a_moment_and_keeps_the_field(thirty, browse):
    page = browse(thirty.supervisor)
    page.goto(LIST)
    field = page.get_by_label("名称", exact=True)
    field.press_sequentially("第07", delay=30)
    expect(rows(page)).to_have_count(1)
    expect(field).to_be_focused()
    expect(field).to_have_value("第07")


def test_after_paging_one_stands_at_the_head_of_the_new_rows(thirty, browse):
    page = browse(thirty.supervisor)
    page.goto(f"{LIST}?region={factories.entry('地区', '华北').pk}&page_size=10&sort=name_pinyin")
    page.get_by_role("link", name="下一页").click()
    expect(rows(page)).to_have_count(5)
    expect(page.locator("#list caption")).to_be_focused()
    expect(page.locator('body > p[role="status"]')).to_have_text("第 2 页，共 2 页")
    assert 0 <= page.locator("#list").bounding_box()["y"] <= 140
    assert "region=" in page.url
    assert "sort=name_pinyin" in page.url


def test_keys_lead_through_the_rows_unless_switched_off(thirty, browse):
    page = browse(thirty.supervisor)
    page.goto(LIST)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("j")
    second = rows(page).nth(1)
    expect(second).to_have_class("cur")
    name = second.locator("td.m-t a").inner_text()
    page.keyboard.press("x")
    if second.locator("input[name=ids]").count():
        expect(second.locator("input[name=ids]")).to_be_checked()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    page.goto(LIST)
    page.get_by_label("名称", exact=True).fill("")
    page.keyboard.type("j")
    expect(page.locator("tr.cur")).to_have_count(0)
    User.objects.filter(pk=thirty.supervisor.pk).update(has_key_shortcuts=False)
    page.goto(LIST)
    page.keyboard.press("j")
    expect(page.locator("tr.cur")).to_have_count(0)


def test_without_javascript_filters_panel_paging_and_density_work(thirty, browse):
    page = browse(thirty.supervisor, java_script_enabled=False)
    page.goto(LIST)
    page.locator("#pick_region > summary").click()
    page.get_by_label("中南").check()
    page.locator("#more-filters > summary").click()
    page.get_by_role("textbox", name="客户编号").fill("KH")
    page.locator("#more-filters").get_by_role("button", name="查询").click()
    expect(page.locator(".qf > .sum")).to_have_text("共 15 条")
    expect(page.locator("#more-filters > summary")).to_contain_text("更多筛选（1）")
    page.goto(LIST)
    page.get_by_label("名称", exact=True).fill("第07")
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(1)
    page.goto(LIST)
    page.get_by_role("link", name="下一页").click()
    expect(rows(page)).to_have_count(10)
    press(page, "紧凑")
    expect(page.locator("html")).to_have_attribute("data-density", "roomy")
    expect(rows(page)).to_have_count(10)


def test_on_a_phone_the_line_folds_and_nothing_reaches_beyond_the_page(thirty, browse):
    page = browse(thirty.supervisor, viewport={"width": 375, "height": 812})
    page.goto(LIST)
    expect(page.get_by_label("名称", exact=True)).to_be_visible()
    expect(page.locator("#pick_region")).to_be_hidden()
    expect(rows(page).first.locator("small").first).to_be_visible()  # cards have one height
    page.locator("#more-filters > summary").click()
    page.locator("#pick_region > summary").click()
    expect(page.locator("#pick_region").get_by_label("华北")).to_be_visible()
    assert page.evaluate(SIDEWAYS) == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_open_filters_and_a_current_row_pass_axe(scheme, thirty, browse, axe):
    page = browse(thirty.supervisor, bypass_csp=True, color_scheme=scheme)
    page.goto(LIST)
    page.keyboard.press("j")
    page.locator("#pick_region > summary").click()
    assert look(page, axe, ALL) == []
    page.locator("#more-filters > summary").click()
    assert look(page, axe, ALL) == []


@pytest.mark.parametrize("role", ["supervisor", "manager"])
def test_compact_lists_fit_a_desk_with_their_actions(role, world, browse):
    page = browse(getattr(world, role))
    for path in (
        "/marketing/opportunities/",
        "/marketing/development/",
        "/customers/",
        "/services/archive/",
    ):
        page.goto(f"{path}?status=all")
        expect(page.locator("#list .tw.stick")).to_have_count(1)
        expect(page.locator("#list .tw.wide"), path).to_have_count(0)
