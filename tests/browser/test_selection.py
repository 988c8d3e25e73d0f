"""Rows chosen on a list and acted on together: by keyboard, on a phone, without scripts; and what is already known."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from customers.models import Customer
from marketing.models import Opportunity
from tests import factories

from .conftest import field, fill, press

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 375, "height": 812}}


@pytest.fixture
def many(company):
    return [factories.CustomerFactory(name=f"第{n:02}号水务有限公司", manager=company.manager) for n in range(21)]


def test_by_keyboard_a_page_then_all_then_the_action(many, company, browse):
    page = browse(company.supervisor)
    page.goto("/customers/")
    bar, chosen = page.locator("[data-bulk]"), page.locator("[data-chosen]")
    height = page.locator(".tw").bounding_box()["y"]
    ticks = page.locator('input[name="ids"]')
    ticks.nth(2).focus()
    page.keyboard.press("x")
    expect(chosen).to_have_text("已选 1 家")
    ticks.nth(5).focus()
    page.keyboard.press("Shift+X")
    expect(chosen).to_have_text("已选 4 家")
    assert abs(page.locator(".tw").bounding_box()["y"] - height) < 2  # the bar stands where the filters were
    expect(field(page, "名称")).to_be_hidden()
    page.get_by_label("选择本页全部").focus()
    page.keyboard.press("Space")
    expect(chosen).to_have_text("已选本页 20 家")
    bar.get_by_role("button", name="选择全部 21 家").focus()
    page.keyboard.press("Enter")
    expect(chosen).to_have_text("已选全部 21 家")
    expect(bar.get_by_role("button", name="移交 21 家")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("共 21 家客户")).to_be_visible()
    field(page, "新的客户经理").select_option(label="王华东（华东组）")
    fill(page, 移交原因="调整分区")
    press(page, "移交 21 家")
    expect(page.locator(".msg.green")).to_contain_text("已移交 21 家客户，双方会收到通知")
    assert Customer.objects.filter(manager=company.eastern).count() == 21


def test_x_is_a_letter_where_somebody_writes(many, company, browse):
    page = browse(company.supervisor)
    page.goto("/customers/")
    field(page, "名称").press_sequentially("xx")
    expect(field(page, "名称")).to_have_value("xx")
    expect(page.locator("[data-bulk]")).to_be_hidden()


def test_without_scripts_the_whole_result_is_chosen_too(many, company, browse):
    page = browse(company.supervisor, java_script_enabled=False)
    page.goto("/customers/")
    page.get_by_label("全部 21 家").check()
    press(page, "移交所选")
    field(page, "新的客户经理").select_option(label="王华东（华东组）")
    fill(page, 移交原因="调整分区")
    press(page, "移交 21 家")
    expect(page.locator(".msg.green")).to_contain_text("已移交 21 家客户")


def test_on_a_phone_opportunities_are_assigned_each_to_its_own_person(company, browse):
    for number in range(3):
        factories.opportunity(company.manager, customer_name=f"第{number}号机会有限公司")
    page = browse(company.supervisor, **PHONE)
    page.goto("/marketing/opportunities/")
    for tick in page.locator('input[name="ids"]').all():
        tick.check()
    press(page, "指派 3 个")
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 375
    selects = page.locator("td select")
    assert len({one.input_value() for one in selects.all()}) == 3
    selects.first.select_option(label="陈同事")
    press(page, "指派 3 个")
    expect(page.locator(".msg.green")).to_contain_text("已指派 3 个机会")
    assert Opportunity.objects.filter(status="assigned").count() == 3


def test_while_typing_the_known_customer_stands_under_the_field(company, browse):
    known = factories.CustomerFactory(name="唐山暄和玻璃制品有限公司", manager=company.manager)
    page = browse(company.manager)
    page.goto("/marketing/opportunities/new/")
    name = field(page, "客户名称")
    top = name.bounding_box()["y"]
    name.press_sequentially("唐山暄和玻璃")
    place = page.locator("#known-customer_name")
    expect(place).to_contain_text("可能已经有了")
    expect(place.get_by_role("link")).to_have_attribute("href", known.get_absolute_url())
    assert name.bounding_box()["y"] == top
    name.fill("全新单位机械厂")
    expect(place).to_have_text("")


def test_an_input_method_in_the_middle_of_a_word_asks_nothing(company, browse):
    page = browse(company.manager)
    page.goto("/customers/new/")
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "/known/" in request.url else None)
    typed = """(composing) => { const field = document.getElementById("id_name"); field.value = "暄和玻璃厂";
      field.dispatchEvent(new InputEvent("input", {bubbles: true, isComposing: composing})); }"""
    page.evaluate(typed, True)
    page.wait_for_timeout(800)
    assert asked == []
    with page.expect_response("**/customers/known/"):
        page.evaluate(typed, False)


def test_a_contact_is_known_in_its_dialog_which_stays_open(company, browse):
    customer = factories.CustomerFactory(manager=company.manager)
    factories.ContactFactory(customer=customer, name="钱国栋")
    page = browse(company.manager)
    page.goto(customer.get_absolute_url())
    page.get_by_role("link", name="新建联系人").first.click()
    dialog = page.locator("#dialog")
    dialog.get_by_label("姓名").fill("钱国栋")
    expect(dialog.locator("#known-name")).to_contain_text("可能已经有了")
    expect(dialog.get_by_label("姓名")).to_have_value("钱国栋")
    dialog.get_by_label("手机", exact=True).fill("13900139000")
    press(dialog, "保存")
    expect(dialog).to_contain_text("再次保存即可")
