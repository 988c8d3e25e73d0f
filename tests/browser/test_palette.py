"""The palette by keyboard alone, with an input method, on a phone and without JavaScript."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests import factories

pytestmark = pytest.mark.browser

COMPOSING = """(parts) => {
  const field = document.querySelector("#palette input");
  const [text, isComposing] = parts;
  field.value = text;
  field.dispatchEvent(new InputEvent("input", { bubbles: true, isComposing }));
  if (!isComposing) field.dispatchEvent(new CompositionEvent("compositionend", { bubbles: true }));
}"""
ENTER_WHILE_COMPOSING = """document.querySelector("#palette input").dispatchEvent(
  new KeyboardEvent("keydown", { key: "Enter", bubbles: true, isComposing: true }))"""


@pytest.fixture
def glass(company):
    customer = factories.CustomerFactory(name="唐山暄和玻璃有限公司", manager=company.manager)
    factories.ContactFactory(customer=customer, name="姜文博", position="采购主管")
    return customer


def test_keys_find_choose_and_open_a_record_and_escape_gives_the_focus_back(glass, company, browse):
    page = browse(company.manager)
    page.goto("/customers/")
    field, lines = page.locator("#palette input"), page.locator("#palette-list [role=option]")
    name = page.locator("main a", has_text=glass.name).first
    name.focus()
    page.keyboard.press("Control+k")
    expect(field).to_be_focused()
    page.keyboard.type("唐山 玻璃 姜")
    expect(lines.first).to_contain_text(glass.name)
    expect(lines.first.locator("small mark")).to_have_text("姜")
    expect(lines.first).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-expanded", "true")
    first = field.get_attribute("aria-activedescendant")
    page.keyboard.press("ArrowDown")
    expect(lines.nth(1)).to_have_attribute("aria-selected", "true")
    assert field.get_attribute("aria-activedescendant") not in (None, first)
    page.keyboard.press("ArrowUp")
    assert field.get_attribute("aria-activedescendant") == first
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()
    expect(name).to_be_focused()
    page.keyboard.press("/")
    page.keyboard.type("xuanhx")
    expect(page.locator("#palette-list")).to_contain_text("没有找到")
    field.fill("tsxh")
    expect(lines.first).to_contain_text(glass.name)
    with page.context.expect_page() as opened:
        page.keyboard.press("Control+Enter")
    opened.value.wait_for_url(f"**{glass.get_absolute_url()}")
    expect(page.locator("#palette")).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{glass.get_absolute_url()}")


def test_nothing_is_asked_or_chosen_while_an_input_method_composes(glass, company, browse):
    page = browse(company.manager)
    page.goto("/customers/")
    page.keyboard.press("Control+k")
    lines = page.locator("#palette-list [role=option]")
    expect(lines.first).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate(COMPOSING, ["tang'shan", True])
    page.evaluate(ENTER_WHILE_COMPOSING)
    page.wait_for_timeout(300)
    assert asked == []
    assert page.url.endswith("/customers/")
    page.evaluate(COMPOSING, ["唐山", False])
    expect(lines.first).to_contain_text(glass.name)


def test_what_was_opened_last_stands_first_for_whoever_may_still_see_it(glass, company, browse):
    page = browse(company.manager)
    page.goto(glass.get_absolute_url())
    page.goto("/customers/")
    page.keyboard.press("/")
    expect(page.locator("#palette-list .grp").first).to_have_text("最近打开")
    expect(page.locator("#palette-list [role=option]").first).to_contain_text(glass.name)
    assert glass.name not in page.evaluate("JSON.stringify(localStorage)")


def test_on_a_phone_the_field_opens_the_search_page(glass, company, browse):
    page = browse(company.manager, viewport={"width": 375, "height": 812})
    page.goto("/customers/")
    page.get_by_role("searchbox", name="全局搜索").click()
    page.wait_for_url("**/search/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("唐山 姜")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name=glass.name).first).to_be_visible()


def test_without_javascript_the_field_leads_to_the_same_groups(glass, company, browse):
    page = browse(company.manager, java_script_enabled=False)
    page.goto("/customers/")
    page.get_by_role("searchbox").fill("唐山 玻璃 姜")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/?q=*")
    expect(page.get_by_role("heading", name="客户", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="联系人", exact=True)).to_be_visible()
