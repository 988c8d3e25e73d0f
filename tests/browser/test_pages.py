"""What pages do beyond showing and sending: keyboard, filtering in place, appearance, downloads, guards."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from playwright.sync_api import Dialog, Page, expect
from python_calamine import CalamineWorkbook

from marketing.models import Opportunity
from tests import factories

from .conftest import field, fill, follow, press

pytestmark = pytest.mark.browser

LIST = "/marketing/opportunities/"
NEW = "/marketing/opportunities/new/"


def tab_to(page: Page, selector: str, *, limit: int = 80) -> None:
    """Presses Tab until the focus is there, as a person without a mouse does."""
    for _ in range(limit):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"{limit} times Tab did not reach {selector}")


# The keyboard alone


def test_the_first_tab_stop_leads_past_the_menu(company, browse):
    page = browse(company.manager)
    page.goto(LIST)
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="跳到正文")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('#main').contains(document.activeElement)")


def test_a_slash_opens_the_palette_but_not_out_of_a_field(company, browse):
    record = factories.opportunity(company.manager)
    page = browse(company.manager)
    page.goto(LIST)
    page.keyboard.press("/")
    expect(page.get_by_role("combobox", name="搜索与操作")).to_be_focused()
    expect(page.get_by_role("combobox", name="搜索与操作")).to_have_value("")
    page.keyboard.type("北辰")
    page.get_by_role("link", name="在搜索页查看全部").click()
    page.wait_for_url("**/search/?q=*")
    expect(page.get_by_role("link", name=record.customer_name)).to_be_visible()
    page.goto(LIST)
    field(page, "概要").focus()
    page.keyboard.type("a/b")
    expect(field(page, "概要")).to_have_value("a/b")


def test_escape_closes_a_menu_and_gives_the_focus_back(company, browse):
    page = browse(company.manager)
    page.goto("/")
    tab_to(page, ".topbar details.dd > summary")
    page.keyboard.press("Enter")
    menu = page.locator(".topbar .menu")
    expect(menu).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(page.locator(".topbar details.dd > summary")).to_be_focused()


def test_a_click_elsewhere_closes_a_menu(company, browse):
    page = browse(company.manager)
    page.goto("/")
    page.locator(".topbar details.dd > summary").click()
    expect(page.locator(".topbar .menu")).to_be_visible()
    page.get_by_role("heading", level=1).click()
    expect(page.locator(".topbar .menu")).to_be_hidden()


def test_a_question_starts_on_cancel_and_escape_leaves_everything_as_it_was(company, browse):
    factories.opportunity(company.manager)
    page = browse(company.manager)
    page.goto(LIST)
    tab_to(page, ".ra a[href$='/delete/']")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="确认删除？")
    expect(dialog.get_by_role("link", name="取消")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator(".ra a[href$='/delete/']")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("link", name="取消")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    assert Opportunity.objects.count() == 1


def test_a_question_is_answered_with_tab_and_enter(company, browse):
    factories.opportunity(company.manager)
    page = browse(company.manager)
    page.goto(LIST)
    tab_to(page, ".ra a[href$='/delete/']")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("link", name="取消")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("dialog").get_by_role("button", name="确定")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("删除成功")


def test_the_focus_stays_inside_an_open_question(company, browse):
    factories.opportunity(company.manager)
    page = browse(company.manager)
    page.goto(LIST)
    page.locator("tbody").get_by_role("link", name="删除").click()
    expect(page.get_by_role("dialog").get_by_role("link", name="取消")).to_be_focused()
    for _ in range(6):
        page.keyboard.press("Tab")
        assert page.evaluate("!document.activeElement.closest('.shell')")


def test_a_form_is_filled_and_sent_from_the_keyboard(company, browse):
    page = browse(company.manager)
    page.goto(NEW)
    tab_to(page, "[name=customer_name]")
    for text in ("键盘客户", "55", "键盘概要", "键盘描述"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.keyboard.type("高峰")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("保存成功")
    assert Opportunity.objects.get().success_rate == 55


def test_a_refused_control_can_be_reached_and_says_why(company, browse):
    record = factories.assigned(company.manager, company.supervisor, company.manager)
    page = browse(company.manager)
    page.goto(record.get_absolute_url())
    page.get_by_text("现在不能：删除、编辑").click()
    refused = page.get_by_role("link", name="编辑", exact=True)
    expect(refused).to_have_attribute("aria-disabled", "true")
    expect(refused).to_have_accessible_description("机会已由 林主管 指派给 周经理，只有「未分配」的机会可以编辑。")
    refused.focus()
    page.keyboard.press("Enter")
    refused.click(force=True)
    expect(page.get_by_role("heading", level=1)).to_have_text(record.summary)


# Lists


@pytest.fixture
def many(company):
    """Thirty opportunities to look through."""
    return [factories.opportunity(company.manager, customer_name=f"第 {number:02} 号客户") for number in range(30)]


def rows(page: Page):
    return page.locator("#list tbody tr")


def mark(page: Page) -> None:
    page.evaluate("window.stillThere = true")


def is_same_page(page: Page) -> bool:
    return page.evaluate("window.stillThere === true")


def test_filtering_changes_the_rows_in_place_and_the_address_with_them(company, many, browse):
    page = browse(company.manager)
    page.goto(LIST)
    mark(page)
    fill(page, 客户名称="第 07", 概要="压力")
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(1)
    assert is_same_page(page)
    assert "customer_name=%E7%AC%AC%2007" in page.url
    expect(page.get_by_role("link", name="去掉条件 客户名称")).to_be_visible()
    expect(page.locator("#export > summary")).to_have_text("导出 1 条")
    page.reload()
    expect(rows(page)).to_have_count(1)
    expect(field(page, "客户名称")).to_have_value("第 07")
    page.get_by_role("link", name="去掉条件 客户名称").click()
    expect(rows(page)).to_have_count(20)
    expect(field(page, "客户名称")).to_have_value("")


def test_back_and_forward_go_through_the_lists_one_saw(company, many, browse):
    page = browse(company.manager)
    page.goto(LIST)
    follow(page, "下一页")
    expect(rows(page)).to_have_count(10)
    page.locator(".states").get_by_role("link", name="已指派").click()
    expect(page.get_by_role("heading", name="查无记录")).to_be_visible()
    page.go_back()
    expect(rows(page)).to_have_count(10)
    assert "page=2" in page.url
    page.go_back()
    expect(rows(page)).to_have_count(20)
    page.go_forward()
    expect(rows(page)).to_have_count(10)


def test_a_record_leads_back_to_the_rows_one_came_from(company, many, browse):
    page = browse(company.manager)
    page.goto(LIST)
    fill(page, 客户名称="第 07")
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(1)
    rows(page).get_by_role("link", name="第 07 号客户").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("压力变送器改造")
    follow(page.locator(".crumb"), "销售机会管理")
    expect(rows(page)).to_have_count(1)


def test_sorting_page_size_and_page_jump_survive_a_new_filter(company, many, browse):
    page = browse(company.manager)
    page.goto(LIST)
    page.get_by_role("columnheader", name="客户名称").get_by_role("link").click()
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("客户名称")
    expect(rows(page).first).to_contain_text("第 29 号客户")
    page.get_by_label("每页条数").select_option("10")
    expect(rows(page)).to_have_count(10)
    page.get_by_label("跳到第几页").fill("3")
    press(page, "跳转")
    expect(rows(page).first).to_contain_text("第 09 号客户")
    fill(page, 客户名称="号客户")
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(10)
    expect(rows(page).first).to_contain_text("第 29 号客户")


@pytest.mark.parametrize("person", ["supervisor", "manager"])
def test_a_row_menu_floats_inside_the_window_and_says_why_not(person, company, many, browse):
    page = browse(getattr(company, person))
    page.goto(LIST)
    last = rows(page).last
    last.locator("summary").click()
    menu = last.locator(".menu")
    expect(menu).to_be_visible()
    box = menu.bounding_box()
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= page.viewport_size["height"]
    assert box["x"] + box["width"] <= page.viewport_size["width"] - 8
    expect(menu).to_contain_text("只有创建人" if person == "supervisor" else "机会还没有指派")


def test_a_session_that_ended_leads_to_the_sign_in_page_not_into_the_list(company, many, browse):
    page = browse(company.manager)
    page.goto(LIST)
    page.context.clear_cookies()
    fill(page, 客户名称="第 07")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="登录")).to_be_visible()
    expect(page.locator(".side")).to_have_count(0)


# Appearance


def test_the_dark_appearance_is_kept_for_the_person(company, browse):
    page = browse(company.manager)
    page.goto("/help/")
    page.locator(".topbar details.dd > summary").click()
    press(page, "深色外观")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.wait_for_url("**/help/")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.goto(LIST)
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    elsewhere = browse(company.manager)
    elsewhere.goto("/")
    expect(elsewhere.locator("html")).to_have_attribute("data-theme", "dark")
    elsewhere.locator(".topbar details.dd > summary").click()
    press(elsewhere, "浅色外观")
    expect(elsewhere.locator("html")).to_have_attribute("data-theme", "light")
    assert elsewhere.evaluate("getComputedStyle(document.body).backgroundColor") != dark


def test_without_a_choice_the_appearance_follows_the_system(company, browse):
    page = browse(company.manager)
    page.goto("/")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light


# Downloads


def download(page: Page, name: str) -> tuple[str, bytes]:
    if not page.locator("#export .menu").is_visible():
        page.locator("#export > summary").click()
    with page.expect_download() as waiting:
        page.locator("#export").get_by_role("button", name=name).click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def test_an_export_holds_the_rows_that_are_filtered(company, many, browse):
    page = browse(company.supervisor)
    page.goto(LIST)
    fill(page, 客户名称="第 07")
    page.keyboard.press("Enter")
    expect(page.locator("#export > summary")).to_have_text("导出 1 条")
    name, content = download(page, "CSV")
    text = content.decode("utf-8-sig")
    assert name.startswith("销售机会管理-")
    assert "第 07 号客户" in text
    assert "第 08 号客户" not in text
    name, content = download(page, "Excel（xlsx）")
    assert name.endswith(".xlsx")
    table = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    assert [row for row in table if "第 07 号客户" in row]
    assert not [row for row in table if "第 08 号客户" in row]


# Sending once, leaving with changes


def typed(page: Page) -> None:
    fill(page, 客户名称="双击客户", 成功机率="50", 概要="双击", 机会描述="只应有一条")


def test_a_double_click_on_save_makes_one_record(company, browse):
    page = browse(company.manager)
    page.goto(NEW)
    typed(page)
    page.get_by_role("button", name="保存").dblclick()
    expect(page.get_by_role("status")).to_have_text("保存成功")
    assert Opportunity.objects.count() == 1


def test_a_double_click_on_confirm_acts_once(company, browse):
    record = factories.assigned(company.manager, company.supervisor, company.manager)
    factories.plan_item(record, company.manager, result="已签约")
    page = browse(company.manager)
    page.goto(record.get_absolute_url())
    follow(page, "开发成功")
    page.get_by_role("dialog").get_by_role("button", name="确定").dblclick()
    expect(page.get_by_role("status")).to_have_text("客户开发成功，已添加新客户记录。")


class Asked:
    """Answers the browser's question about leaving, and counts how often it came."""

    def __init__(self, page: Page) -> None:
        self.times = 0
        self.leave = False
        page.on("dialog", self.answer)

    def answer(self, dialog: Dialog) -> None:
        self.times += 1
        if self.leave:
            dialog.accept()
        else:
            dialog.dismiss()


def test_leaving_with_unsaved_changes_asks_once(company, browse):
    page = browse(company.manager)
    asked = Asked(page)
    page.goto(NEW)
    expect(page.get_by_text("有未保存的修改")).to_be_hidden()
    fill(page, 客户名称="还没保存")
    expect(page.get_by_text("有未保存的修改")).to_be_visible()
    follow(page, "工作台")
    expect(field(page, "客户名称")).to_have_value("还没保存")
    assert asked.times == 1
    asked.leave = True
    follow(page, "工作台")
    page.wait_for_url("**/")
    assert asked.times == 2


def test_saving_or_leaving_without_changes_asks_nothing(company, browse):
    page = browse(company.manager)
    asked = Asked(page)
    page.goto(NEW)
    fill(page, 客户名称="写了又删")
    fill(page, 客户名称="")
    follow(page, "返回")
    page.wait_for_url(f"**{LIST}*")
    page.goto(NEW)
    typed(page)
    press(page, "保存")
    expect(page.get_by_role("status")).to_have_text("保存成功")
    assert asked.times == 0


def test_what_came_back_with_errors_is_unsaved_too(company, browse):
    page = browse(company.manager)
    asked = Asked(page)
    page.goto(NEW)
    fill(page, 客户名称="还没保存")
    press(page, "保存")
    expect(page.get_by_role("alert")).to_contain_text("尚未保存")
    expect(page.locator("[data-dirty]")).to_be_visible()
    follow(page, "工作台")
    expect(field(page, "客户名称")).to_have_value("还没保存")
    assert asked.times == 1


def test_saving_one_result_keeps_what_is_typed_beside_another(company, browse):
    record = factories.assigned(company.manager, company.supervisor, company.manager)
    for text in ("电话确认", "寄送样机"):
        factories.plan_item(record, company.manager, text=text)
    page = browse(company.manager)
    asked = Asked(page)
    page.goto(f"/marketing/development/{record.pk}/execute/")
    first = page.get_by_role("row").filter(has_text="电话确认")
    second = page.get_by_role("row").filter(has_text="寄送样机")
    first.get_by_role("textbox").fill("已确认")
    second.get_by_role("textbox").fill("写到一半")
    first.get_by_role("button", name="保存").click()
    expect(first).to_contain_text("已执行")
    expect(second.get_by_role("textbox")).to_have_value("写到一半")
    assert asked.times == 0
    follow(page, "工作台")
    expect(second.get_by_role("textbox")).to_have_value("写到一半")
    assert asked.times == 1
