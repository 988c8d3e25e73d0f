"""A request from the customer's call to the archive by three people, and the customer's stars on a telephone."""

from __future__ import annotations

from playwright.sync_api import expect

from services.models import ServiceRequest
from tests import factories
from tests.browser.conftest import fill, follow, press

PHONE = {"width": 375, "height": 812}


def test_a_request_is_created_dispatched_and_handled_with_a_draft(company, browse):
    customer = factories.CustomerFactory(name="天津滨城热电有限公司", manager=company.manager)
    factories.ContactFactory(customer=customer, name="郝斌")
    page = browse(company.colleague)
    page.goto("/services/new/")
    caller = page.get_by_role("combobox", name="客户")
    caller.press_sequentially("tjbc")
    option = page.get_by_role("option", name="天津滨城热电有限公司")
    expect(option).to_be_visible()
    caller.press("ArrowDown")
    expect(option).to_have_attribute("aria-selected", "true")
    caller.press("Enter")
    expect(caller).to_have_value(f"{customer.number} 天津滨城热电有限公司")
    expect(page.get_by_role("option")).to_have_count(0)
    expect(page.locator("#contacts option")).to_have_attribute("value", "郝斌")
    page.get_by_role("radio", name="投诉").check()
    fill(page, 联系人="郝斌", 概要="电磁流量计零点漂移", 服务请求="停泵后仍显示 3.2，要求到现场。")
    press(page, "保存")
    expect(page.get_by_role("status").first).to_have_text("保存成功")
    record = ServiceRequest.objects.get()
    assert (record.customer, record.contact.name, record.kind.item) == (customer, "郝斌", "投诉")

    chief = browse(company.supervisor)
    chief.goto("/services/dispatch/")
    chief.get_by_label("选择 电磁流量计零点漂移").check()
    press(chief, "分配 1 个")
    asked = chief.get_by_role("row").filter(has_text="电磁流量计零点漂移")
    expect(asked.get_by_role("combobox")).to_have_value(str(company.manager.pk))  # the customer's own
    press(chief, "分配 1 个")
    expect(chief.get_by_role("status").first).to_contain_text("已分配 1 个服务请求")

    mine = browse(company.manager)
    mine.goto("/services/handling/")
    follow(mine.locator("#list tbody"), "处理 电磁流量计零点漂移")
    with mine.expect_response("**/handle/draft/") as saved:
        mine.get_by_label("服务处理", exact=True).press_sequentially("接地环未等电位")
    assert saved.value.status == 204
    again = browse(company.manager)  # another session: the first one has ended
    again.goto(f"{record.get_absolute_url()}handle/")
    expect(again.get_by_label("服务处理", exact=True)).to_have_value("接地环未等电位")
    expect(again.get_by_text("的草稿")).to_be_visible()
    # The session ends while they type: what could not be saved waits in this tab and is there after signing in.
    again.context.clear_cookies(name="sessionid")
    with again.expect_response("**/handle/draft/"):
        again.get_by_label("服务处理", exact=True).press("End")
        again.keyboard.type("，已更换")
    expect(again.get_by_role("alert")).to_have_count(0)
    again.context.add_cookies([one for one in mine.context.cookies() if one["name"] == "sessionid"])
    again.goto(f"{record.get_absolute_url()}handle/")
    expect(again.get_by_label("服务处理", exact=True)).to_have_value("接地环未等电位，已更换")
    press(again, "保存")
    expect(again.locator(".head .st").first).to_have_text("已处理")
    record.refresh_from_db()
    assert record.rounds.get().handling == "接地环未等电位，已更换"


def test_the_customer_gives_stars_on_a_telephone(company, browse, complaints):
    complaints.allow(410)
    record = factories.handled(company.manager, company.supervisor, company.manager)
    page = browse(company.manager)
    page.goto(f"{record.get_absolute_url()}feedback/")
    fill(page, 处理结果="客户确认归零")
    press(page, "保存结果，请客户评价")
    picture = page.get_by_role("img", name="评价二维码")
    expect(picture).to_be_visible()
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("image => image.naturalWidth") > 0
    link = page.get_by_label("评价链接").input_value()
    phone = browse(None, viewport=PHONE, has_touch=True)
    phone.goto(link)
    expect(phone.get_by_role("heading", level=1)).to_have_text("服务评价")
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    press(phone, "提交评价")
    expect(phone.get_by_role("alert")).to_be_visible()
    phone.get_by_role("radio", name="5").tap()
    fill(phone, **{"想对我们说的话（可不填）": "很快，谢谢"})
    press(phone, "提交评价")
    expect(phone.get_by_role("heading", level=1)).to_have_text("谢谢您的评价")
    phone.goto(link)
    expect(phone.get_by_role("heading", level=1)).to_have_text("这个链接已经用过")
    page.goto(record.get_absolute_url())
    expect(page.locator(".head .st").first).to_have_text("已归档")
    expect(page.get_by_text("很快，谢谢", exact=True)).to_be_visible()
    record.refresh_from_db()
    assert (record.satisfaction, record.satisfaction_by) == (5, "customer")
