"""Rights of a role edited with and without scripts, and the second factor as a person meets it."""

from __future__ import annotations

import time
from base64 import b32decode

import pytest
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice
from playwright.sync_api import Page, expect

from accounts.models import Role

from .conftest import PASSWORD, field, follow, press

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
    row = page.get_by_role("row").filter(has_text="指派机会")
    expect(row).to_contain_text("可以")
    expect(page.get_by_role("row").filter(has_text="新建用户")).to_contain_text("不可以")


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
    press(page, "开启")
    expect(page.get_by_role("alert")).to_contain_text("验证码不正确")
    assert page.locator("#key").inner_text() == secret
    field(page, "手机上显示的验证码").fill(shown_by_telephone(secret))
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
