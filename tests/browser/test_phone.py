"""Every page at the widths people use: nothing moves sideways, tables become cards, the drawer leads on."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from accounts.models import User

from . import pages

pytestmark = pytest.mark.browser

PHONE = {"width": 375, "height": 812}
WIDTHS = (375, 320, 1280, 1440)

# Scripts answer a resize in the frame that follows it.
NEXT_FRAME = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"

# What sticks out of the window, unless it scrolls inside its own box.
STICKING_OUT = """
() => {
  const width = document.documentElement.clientWidth;
  if (document.scrollingElement.scrollWidth <= width) return [];
  return Array.from(document.querySelectorAll("body *"))
    .filter(element => element.getBoundingClientRect().right > width + 1)
    .slice(0, 5)
    .map(element => `${element.tagName}.${element.className} ${Math.round(element.getBoundingClientRect().right)}`)
    .concat(`page ${document.scrollingElement.scrollWidth} in ${width}`);
}
"""

# Texts cut off inside a box that hides what does not fit.
CUT_OFF = """
() => Array.from(document.querySelectorAll("main *, .topbar *"))
  .filter(element => element.childElementCount === 0 && element.textContent.trim() && element.clientWidth > 0
    && !element.closest(".vh, .tabs, .chips, .tw") && !/^(INPUT|TEXTAREA|SELECT|OPTION)$/.test(element.tagName)
    && element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).overflowX !== "visible")
  .map(element => `${element.tagName}.${element.className} ${element.textContent.trim().slice(0, 30)}`)
"""

ROLES = {
    "visitor": (None, pages.of_visitor),
    "supervisor": ("supervisor", pages.of_supervisor),
    "manager": ("manager", pages.of_manager),
    "administrator": ("administrator", pages.of_administrator),
    "executive": ("executive", pages.of_executive),
}


def test_every_address_of_the_product_is_opened_by_somebody(world):
    opened = {address.route for _, listed in ROLES.values() for address in listed(world)}
    assert set(pages.routes()) - opened - pages.NO_PAGE == set()
    assert pages.NO_PAGE - set(pages.routes()) == set()


@pytest.mark.parametrize("role", ROLES)
def test_no_page_moves_sideways_at_any_width(role, world, browse, complaints):
    complaints.allow(400, 403, 404, 409)
    person, listed = ROLES[role]
    page = browse(getattr(world, person) if person else None, viewport=PHONE)
    wrong = []
    for address in listed(world):
        answer = page.goto(address.path)
        if answer.status != address.status:
            wrong.append(f"{address.called}: {answer.status} instead of {address.status}")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 812})
            page.evaluate(NEXT_FRAME)
            wrong += [f"{address.called} at {width}: {found}" for found in page.evaluate(STICKING_OUT)]
            wrong += [f"{address.called} at {width} cuts off {found}" for found in page.evaluate(CUT_OFF)]
        page.set_viewport_size(PHONE)
    assert wrong == [], "\n".join(wrong)


def test_a_table_is_a_pile_of_cards_on_a_phone(world, browse):
    page = browse(world.supervisor, viewport=PHONE)
    page.goto("/marketing/opportunities/?status=all")
    expect(page.locator("#list thead")).to_be_hidden()
    card = page.locator("#list tbody tr").filter(has_text=world.developed.customer_name)
    title = card.get_by_role("link", name=world.developed.customer_name).bounding_box()
    chip = card.locator(".st").bounding_box()
    assert abs(title["y"] - chip["y"]) < 12
    assert chip["x"] > title["x"]
    assert "指派给" in card.locator("td", has_text="周经理").first.evaluate(
        "cell => getComputedStyle(cell, '::before').content"
    )
    expect(card.locator(".m-h").first).to_be_hidden()
    expect(page.get_by_label("客户名称", exact=True)).to_be_visible()
    expect(page.locator("#pick_assignee")).to_be_hidden()
    page.locator("#more-filters > summary").click()
    expect(page.locator("#pick_assignee")).to_be_visible()
    expect(page.get_by_label("创建时间起")).to_be_visible()


def test_the_drawer_opens_leads_on_and_closes(world, browse):
    page = browse(world.manager, viewport=PHONE)
    page.goto("/")
    expect(page.locator(".side")).to_be_hidden()
    menu = page.get_by_label("手机导航")
    expect(menu).to_be_hidden()
    page.get_by_label("打开菜单").click()
    expect(menu).to_be_visible()
    page.mouse.click(360, 700)
    expect(menu).to_be_hidden()
    page.get_by_label("打开菜单").click()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    page.get_by_label("打开菜单").click()
    menu.get_by_role("link", name="客户开发计划").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("客户开发计划")


def test_menus_stay_inside_a_narrow_window(world, browse):
    page = browse(world.manager, viewport={"width": 320, "height": 640})
    page.goto("/marketing/opportunities/?status=all")
    for summary in (page.locator(".topbar details.dd > summary"), page.locator("#list .dd > summary").last):
        summary.click()
        box = page.locator(".dd[open] .menu").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 320
        assert box["y"] + box["height"] <= 640 or box["y"] < 60
        page.keyboard.press("Escape")


@pytest.mark.parametrize("width", [375, 320])
def test_a_question_fits_the_phone(width, world, browse):
    page = browse(world.manager, viewport={"width": width, "height": 640})
    page.goto(world.twin.get_absolute_url())
    page.get_by_role("link", name="开发成功").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    box = dialog.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    dialog.get_by_role("button", name="确定").scroll_into_view_if_needed()
    expect(dialog.get_by_role("button", name="确定")).to_be_in_viewport()


# Controls lower than a finger is wide.
TOO_SMALL = """
() => Array.from(document.querySelectorAll(
    "main .btn:not(.btn-s), main .inp, .topbar .ib, main .ra > a, main .ra summary"))
  .filter(element => element.checkVisibility() && element.getBoundingClientRect().height < 41.5)
  .map(element => `${location.pathname} ${element.className} ${element.name || element.textContent.trim()} `
    + Math.round(element.getBoundingClientRect().height))
"""


def test_fingers_find_the_controls(world, browse):
    page = browse(world.manager, viewport=PHONE)
    small = []
    for path in ("/marketing/opportunities/new/", "/marketing/opportunities/", world.developed.get_absolute_url()):
        page.goto(path)
        small += page.evaluate(TOO_SMALL)
    assert small == [], "\n".join(small)


def test_the_people_of_the_administration_fit_the_phone(company, browse):
    User.objects.update(mobile="13800001111")
    User.objects.filter(pk=company.manager.pk).update(username="liuhongwei")
    page = browse(company.administrator, viewport=PHONE)
    page.goto("/admin/accounts/user/")
    assert page.evaluate("document.querySelector('.results').scrollWidth") <= PHONE["width"] - 30
    name = page.locator("#result_list .field-name", has_text="周经理")
    assert name.bounding_box()["height"] < 40  # one line
