"""Moving in, in a real browser: each step of an import without scripts, and on a phone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from customers.models import Customer
from tests.factories import CustomerFactory, entry
from tests.imports.sheets import sheet

from .conftest import press

pytestmark = pytest.mark.browser
HEADS = ["公司名称", "所在省份", "业务员", "联系电话", "联系人", "手机", "备注二"]
PHONE = {"width": 375, "height": 800}


def office_sheet(tmp_path):
    rows = []
    for n in range(8):
        region, person = ("河北", "周经理") if n % 2 else ("火星", "小王")
        rows.append([f"唐山第{n}玻璃公司", region, person, "0315-55551274", f"姜文{n}", "13800001234", "四季度"])
    return sheet(
        tmp_path, *rows, ["老客户公司", "东北", "", "022-55553300", "", "", ""], heads=HEADS, above=[["2026 台账"]]
    )


def shoot(page: Page, name: str) -> None:
    """Keep a picture where CRM_PICTURES says; for designers."""
    if folder := os.environ.get("CRM_PICTURES"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def too_wide(page: Page) -> int:
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.mark.parametrize("width", ["desk", "phone"])
def test_a_sheet_is_brought_in_and_taken_back_without_scripts(company, browse, tmp_path, width):
    CustomerFactory(name="老客户公司", manager=company.manager, region=entry("地区", "华北"), phone="")
    options = {"viewport": PHONE} if width == "phone" else {}
    page = browse(company.supervisor, java_script_enabled=width == "phone", **options)
    page.goto("/imports/")
    page.set_input_files("[name=file]", office_sheet(tmp_path))
    page.select_option("[name=kind]", "customers")
    shoot(page, f"upload-{width}")
    for button in ("上传，看看列怎么对应", "下一步：修正值", "下一步：预览"):
        press(page, button)
        shoot(page, f"{button[-2:]}-{width}")
        if width == "phone":
            assert too_wide(page) <= 0
    page.get_by_role("button", name="导入 ").click()
    expect(page.locator(".msg.green")).to_contain_text("已导入")
    shoot(page, f"done-{width}")
    assert Customer.objects.count() > 1
    press(page, "撤销这次导入")
    expect(page.locator("main")).to_contain_text("撤销")
    assert Customer.objects.count() == 1
