"""A masked number is opened in place, and on a page of its own without scripts; each look stays in the trail."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from accounts.contact_details.masking import OPENED_VERB
from kit.audit.models import AuditEntry
from tests import factories

from .conftest import follow, press

pytestmark = pytest.mark.browser


@pytest.fixture
def customer(company):
    made = factories.CustomerFactory(name="济南泉城水务有限公司", manager=company.manager, by=company.manager)
    factories.ContactFactory(customer=made, mobile="13812341234", office_phone="024-55556610")
    return made


def looks():
    return [row.changes["内容"][1] for row in AuditEntry.objects.filter(verb=OPENED_VERB).order_by("pk")]


def test_a_masked_number_is_opened_in_place(customer, company, browse):
    page = browse(company.colleague)
    page.goto(customer.get_absolute_url())
    contacts = page.locator("#contacts")
    expect(contacts).to_contain_text("138****1234")
    follow(contacts, "显示完整的手机")
    expect(contacts).to_contain_text("13812341234")
    expect(contacts).to_contain_text("024****6610")
    assert page.url.endswith(customer.get_absolute_url())
    assert looks() == ["手机"]
    page.goto(customer.get_absolute_url() + "contacts/")
    follow(page.locator("tbody"), "显示完整的办公电话")
    press(page.locator("dialog"), "查看")
    expect(page.locator("main")).to_contain_text("024-55556610")
    assert looks() == ["手机", "办公电话"]


def test_and_on_a_page_of_its_own_without_scripts(customer, company, browse):
    page = browse(company.colleague, java_script_enabled=False)
    page.goto(customer.get_absolute_url())
    follow(page.locator("#contacts"), "显示完整的手机")
    expect(page.get_by_role("heading", name="查看完整内容？")).to_be_visible()
    assert looks() == []
    press(page, "查看")
    expect(page.locator("main")).to_contain_text("13812341234")
    assert looks() == ["手机"]
