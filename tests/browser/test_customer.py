"""The customer's page at work: contacts and interactions written down in place, and on pages without scripts."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests import factories

from .conftest import fill, follow, press

pytestmark = pytest.mark.browser
PDF = {"name": "样机 测试报告.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 report"}
PAGE = {"name": "网页.pdf", "mimeType": "application/pdf", "buffer": b"<html><script>1</script>"}


@pytest.fixture
def customer(company):
    return factories.CustomerFactory(name="济南泉城水务有限公司", manager=company.manager, by=company.manager)


def write_down(form, *, file: dict) -> None:
    form.get_by_label("方式", exact=True).select_option(label="电话")
    fill(form, 概要="谈妥交货期")
    form.get_by_label("附件", exact=True).set_input_files([file])
    press(form, "保存")


def download(page: Page) -> bytes:
    with page.expect_download() as waiting:
        follow(page, PDF["name"])
    assert waiting.value.suggested_filename == PDF["name"]
    return Path(waiting.value.path()).read_bytes()


def test_a_contact_and_an_interaction_are_added_in_place(customer, company, browse):
    page = browse(company.manager)
    page.goto(customer.get_absolute_url())
    contacts, talks = page.locator("#contacts"), page.locator("#interactions")
    follow(contacts, "新建联系人")
    dialog = page.locator("#dialog")
    fill(dialog, 姓名="李工", 职位="科长")
    press(dialog, "保存")
    expect(dialog.locator(".f.bad")).to_contain_text("手机")
    expect(dialog.get_by_label("姓名", exact=True)).to_have_value("李工")
    page.mouse.click(5, 5)  # beside the dialog
    page.once("dialog", lambda question: question.dismiss())
    page.keyboard.press("Escape")
    expect(dialog.get_by_label("姓名", exact=True)).to_have_value("李工")
    fill(dialog, 微信号="ligong_jn")
    press(dialog, "保存")
    expect(contacts.locator("ul.rows")).to_contain_text("ligong_jn")
    expect(dialog).to_be_hidden()
    expect(page.locator("#timeline")).to_contain_text("新增联系人 李工")

    follow(talks, "记交往")
    write_down(talks, file=PAGE)
    expect(talks.locator(".f.bad")).to_contain_text("其实是网页或图形代码")
    write_down(talks, file=PDF)
    expect(talks.locator("ul.rows")).to_contain_text("谈妥交货期")
    expect(talks.locator("form")).to_have_count(0)
    expect(page.locator("#timeline")).to_contain_text("电话（周经理）：谈妥交货期")
    assert page.url.endswith(customer.get_absolute_url())

    talks.get_by_role("link", name="编辑交往 谈妥交货期").click()
    fill(talks, 概要="谈妥交货期与付款")
    press(talks, "保存")
    expect(page.locator("#timeline")).to_contain_text("谈妥交货期与付款")
    follow(talks, "谈妥交货期与付款")
    page.wait_for_url("**/interactions/*/")
    assert download(page) == PDF["buffer"]


def test_the_same_without_scripts(customer, company, browse):
    page = browse(company.manager, java_script_enabled=False)
    page.goto(customer.get_absolute_url())
    follow(page, "新建联系人")
    fill(page, 姓名="李工", 职位="科长", 办公电话="0531-5555 1000")
    press(page, "保存")
    expect(page.locator("#contacts ul.rows")).to_contain_text("李工")
    follow(page, "记交往")
    write_down(page, file=PAGE)
    expect(page.locator(".f.bad")).to_contain_text("其实是网页或图形代码")
    write_down(page, file=PDF)
    expect(page.locator(".msg.green")).to_have_text("保存成功")
    assert download(page) == PDF["buffer"]


def test_the_timeline_goes_on_in_place(customer, company, browse):
    for number in range(25):
        factories.interaction(customer, company.manager, summary=f"第{number}次谈话")
    page = browse(company.manager)
    page.goto(customer.get_absolute_url())
    timeline = page.locator("#timeline")
    expect(timeline).not_to_contain_text("第0次谈话")
    follow(timeline, "更多")
    expect(timeline).to_contain_text("第0次谈话")
    expect(timeline).to_contain_text("第24次谈话")
