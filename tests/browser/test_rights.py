"""Roles edited with and without scripts, sharing, first passwords and the second factor, as people meet them."""

from __future__ import annotations

import time
from base64 import b32decode
from datetime import timedelta

import pytest
from django.utils import timezone
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice
from playwright.sync_api import Page, expect

from accounts.models import Role
from marketing.models import OpportunityGrant
from tests import factories

from .conftest import PASSWORD, field, fill, follow, press

pytestmark = pytest.mark.browser


def module(page: Page, name: str):
    return page.locator("[data-branch]").filter(has=page.get_by_role("heading", name=name, exact=True))


@pytest.mark.parametrize("scripts", [True, False])
def test_an_administrator_edits_the_rights_of_a_role(scripts, company, browse):
    page, role = browse(company.administrator, java_script_enabled=scripts), Role.objects.get(code="executive")
    page.goto("/accounts/roles/")
    follow(page, "高管")
    expect(page.get_by_text("可以查看销售机会，导出销售机会。")).to_be_visible()
    follow(page, "编辑")
    marketing = module(page, "营销管理")
    whole = marketing.get_by_label("全选")
    whole.check()
    if scripts:
        expect(marketing.get_by_label("指派、改派销售机会")).to_be_checked()
        marketing.get_by_label("删除销售机会").uncheck()
        expect(whole).not_to_be_checked()
    field(page, "编辑范围").select_option("all")
    press(page, "保存")
    expect(page.locator(".msg.green")).to_have_text("保存成功")
    expect(page.get_by_text("看得到全部的记录，能改动全部的记录。")).to_be_visible()
    held = set(role.permissions.filter(content_type__app_label="marketing").values_list("codename", flat=True))
    assert "assign_opportunity" in held
    assert ("delete_opportunity" in held) is not scripts
    follow(page, "能打开什么")
    row = page.get_by_role("row").filter(has_text="/opportunities/…/assign/")
    expect(row).to_contain_text("可以")
    expect(page.get_by_role("row").filter(has_text="新建用户")).to_contain_text("不可以")


def test_a_right_ticked_off_is_gone_from_the_page_its_holder_has_open(company, browse, complaints):
    complaints.allow(403)
    factories.opportunity(company.manager)
    theirs, page = browse(company.manager), browse(company.administrator)
    theirs.goto("/marketing/opportunities/")
    expect(theirs.get_by_role("link", name="新建机会")).to_be_visible()
    page.goto(f"/accounts/roles/{Role.objects.get(code='account_manager').pk}/edit/")
    box = module(page, "营销管理").get_by_label("新建销售机会")
    expect(box).to_be_checked()
    box.uncheck()
    press(page, "保存")
    expect(page.locator(".msg.green")).to_have_text("保存成功")
    theirs.reload()
    expect(theirs.get_by_role("link", name="新建机会")).to_have_count(0)
    assert theirs.goto("/marketing/opportunities/new/").status == 403


def test_a_role_is_copied_narrowed_and_given_to_somebody(company, browse, complaints):
    complaints.allow(404)
    mine = factories.opportunity(company.colleague)
    page = browse(company.administrator)
    page.goto("/accounts/roles/")
    follow(page, "客户经理")
    follow(page, "复制")
    field(page, "新角色的名称").fill("见习经理")
    press(page, "复制")
    field(page, "查看范围").select_option(label="本人")
    press(page, "保存")
    expect(page.get_by_text("看得到本人的记录，能改动本人的记录。")).to_be_visible()
    theirs = browse(company.manager)
    assert theirs.goto(mine.get_absolute_url()).status == 200  # a colleague's of the same department
    page.goto(f"/accounts/users/{company.manager.pk}/edit/")
    field(page, "客户经理").uncheck()
    field(page, "见习经理").check()
    press(page, "保存")
    expect(page.locator(".msg.green")).to_have_text("保存成功")
    assert theirs.goto(mine.get_absolute_url()).status == 404


def test_an_opportunity_is_shared_for_editing_until_a_day(company, browse, complaints):
    complaints.allow(404)
    record = factories.assigned(company.manager, company.supervisor, company.manager)
    page, other = browse(company.manager), browse(company.stranger)
    assert other.goto(record.get_absolute_url()).status == 404
    page.goto(record.get_absolute_url())
    follow(page, "协作人")
    field(page, "协作人").select_option(label="外人甲（海外部）")
    field(page, "截止日期").fill(f"{timezone.localdate() + timedelta(days=7):%Y-%m-%d}")
    page.get_by_label("可编辑").check()
    press(page, "共享")
    expect(page.locator(".rows")).to_contain_text("外人甲 可编辑")

    other.goto("/notifications/")
    press(other, "查看")
    expect(other.get_by_role("heading", level=1)).to_have_text(record.summary)
    other.locator(".locked > summary").filter(has_text="开发成功").click()
    other.locator(".locked > summary").filter(has_text="协作人").click()
    for decision in ("开发成功", "终止开发", "协作人"):
        expect(other.locator("[aria-disabled=true]").filter(has_text=decision)).to_be_visible()
    other.goto(f"/marketing/development/{record.pk}/plan/")
    fill(other, 日期=f"{timezone.localdate():%Y-%m-%d}", 计划项="陪同拜访设备科")
    press(other, "保存计划项")
    expect(other.get_by_text("陪同拜访设备科")).to_be_visible()

    OpportunityGrant.objects.update(until=timezone.localdate() - timedelta(days=1))
    assert other.goto(record.get_absolute_url()).status == 404


def test_a_new_colleague_gets_a_password_once_and_chooses_their_own(company, browse, new_context):
    page = browse(company.administrator)
    page.goto("/accounts/users/new/")
    fill(page, 用户名="xinren", 姓名="新人甲")
    field(page, "客户经理").check()
    press(page, "保存")
    once = page.locator(".secret").inner_text()
    page.reload()
    assert once not in page.content()

    theirs = new_context().new_page()
    theirs.goto("/login/")
    fill(theirs, 用户名="xinren", 密码=once)
    press(theirs, "登录")
    theirs.wait_for_url("/accounts/password/")
    theirs.goto("/customers/")
    theirs.wait_for_url("/accounts/password/")
    fill(theirs, 旧密码=once, 新密码=PASSWORD, 新密码确认=PASSWORD)
    press(theirs, "修改密码")
    theirs.wait_for_url("/")
    assert theirs.goto("/customers/").status == 200


def shown_by_telephone(secret: str, steps: int = 0) -> str:
    made = TOTP(b32decode(secret.replace(" ", "")))
    made.time = time.time() + 30 * steps
    return f"{made.token():06d}"


def enter(page: Page, user) -> None:
    page.goto("/login/")
    page.get_by_label("用户名").fill(user.username)
    page.get_by_label("密码").fill(PASSWORD)
    press(page, "登录")
    page.wait_for_url("/login/code/")


def test_a_person_turns_the_second_factor_on_and_signs_in_with_it(company, sign_in_form, new_context, complaints):
    complaints.allow(409)  # a wrong code
    page = sign_in_form(company.manager)
    page.goto("/accounts/profile/")
    follow(page, "开启两步验证")
    picture = page.get_by_alt_text("两步验证的二维码")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 100  # the content policy lets it through
    secret = page.locator("#key").inner_text()
    field(page, "手机上显示的验证码").fill("000000")
    field(page, "当前密码").fill(PASSWORD)
    press(page, "开启")
    expect(page.get_by_role("alert")).to_contain_text("验证码不正确")
    assert page.locator("#key").inner_text() == secret
    field(page, "手机上显示的验证码").fill(shown_by_telephone(secret))
    field(page, "当前密码").fill(PASSWORD)
    press(page, "开启")
    codes = page.locator(".secret").all_inner_texts()
    assert len(codes) == 10
    follow(page, "已保存")
    expect(page.get_by_text("还有 10 个恢复码没有用过。")).to_be_visible()

    other = new_context().new_page()
    enter(other, company.manager)
    other.goto("/customers/")
    assert "/login/" in other.url  # nothing is open before the code
    enter(other, company.manager)
    field(other, "验证码或恢复码").fill(shown_by_telephone(secret, steps=1))
    press(other, "登录")
    other.wait_for_url("/")

    third = new_context().new_page()
    enter(third, company.manager)
    field(third, "验证码或恢复码").fill("abcde-fghjk")
    press(third, "登录")
    expect(third.get_by_role("alert")).to_contain_text("不正确")
    StaticDevice.objects.get().throttle_reset()  # the library lets nobody try again within the second
    field(third, "验证码或恢复码").fill(codes[0])
    press(third, "登录")
    third.wait_for_url("/")
    third.goto("/accounts/profile/")
    expect(third.get_by_text("还有 9 个恢复码没有用过。")).to_be_visible()
    expect(third.get_by_role("button", name="结束其他登录")).to_be_visible()


def test_an_administrator_reaches_nothing_before_the_second_factor_where_it_is_a_duty(company, sign_in_form, settings):
    page = sign_in_form(company.administrator)
    settings.CRM_REQUIRE_ADMIN_TOTP = True
    for address in ("/accounts/users/", "/admin/"):
        page.goto(address)
        page.wait_for_url("/accounts/profile/second-factor/on/")
    expect(page.get_by_text("系统管理员必须使用两步验证，请先开启。").first).to_be_visible()
    field(page, "手机上显示的验证码").fill(shown_by_telephone(page.locator("#key").inner_text()))
    field(page, "当前密码").fill(PASSWORD)
    press(page, "开启")
    follow(page, "已保存")
    assert page.goto("/accounts/users/").status == 200
    page.goto("/accounts/profile/")
    expect(page.get_by_role("link", name="关闭", exact=True)).to_have_count(0)
