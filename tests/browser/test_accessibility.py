"""axe-core over the main pages, light and dark: WCAG 2 A and AA."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from . import pages

pytestmark = pytest.mark.browser

RUN = """
options => axe.run(document, options).then(result => result.violations.flatMap(
  violation => violation.nodes.map(node => `${violation.id}: ${node.target.join(" ")}: ${node.failureSummary}`)))
"""
ALL = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "resultTypes": ["violations"]}
CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast"]}, "resultTypes": ["violations"]}


def look(page: Page, axe: str, options: dict[str, Any]) -> list[str]:
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(axe)
    return page.evaluate(RUN, options)


@pytest.mark.parametrize("role", ["visitor", "supervisor", "manager", "administrator"])
def test_no_page_fails_axe_in_light_or_dark(role, world, browse, complaints, axe):
    complaints.allow(400, 403, 404, 409)
    addresses = getattr(pages, f"of_{role}")(world)
    if role == "supervisor":  # the others look the same to both
        addresses = [address for address in addresses if address not in pages.shared(world)] + addresses[:1]
    page = browse(getattr(world, role, None), bypass_csp=True)
    wrong = []
    for address in addresses:
        page.emulate_media(color_scheme="light")
        page.goto(address.path)
        wrong += [f"{address.called}: {found}" for found in look(page, axe, ALL)]
        page.emulate_media(color_scheme="dark")
        wrong += [f"{address.called} in dark: {found}" for found in look(page, axe, CONTRAST)]
    assert wrong == [], "\n".join(wrong)


def test_what_opens_on_a_page_passes_too(world, browse, axe):
    page = browse(world.manager, bypass_csp=True)
    page.goto("/marketing/opportunities/?status=all")
    page.locator("#list .dd > summary").first.click()
    wrong = look(page, axe, ALL)
    page.keyboard.press("Escape")
    page.get_by_role("row").filter(has_text="内蒙古").get_by_role("link", name="删除").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    wrong += look(page, axe, ALL)
    page.goto("/marketing/opportunities/new/")
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_role("alert")).to_be_visible()
    wrong += look(page, axe, ALL)
    assert wrong == [], "\n".join(wrong)


def test_drawer_and_cards_pass_on_a_phone(world, browse, axe):
    page = browse(world.manager, bypass_csp=True, viewport={"width": 375, "height": 812})
    wrong = []
    for path in ("/", "/marketing/opportunities/?status=all", world.developed.get_absolute_url()):
        page.goto(path)
        wrong += look(page, axe, ALL)
    page.get_by_label("打开菜单").click()
    wrong += look(page, axe, ALL)
    assert wrong == [], "\n".join(wrong)
