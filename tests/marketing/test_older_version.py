"""Two tabs show one opportunity: what the second saves over an older version is refused, and nothing is lost."""

from __future__ import annotations

import pytest

from tests import factories
from tests.html import markup, rows, values

pytestmark = pytest.mark.django_db


def page_of(form, record, item):
    return {
        "contact": f"/marketing/opportunities/{record.pk}/contact/",
        "forecast": f"/marketing/opportunities/{record.pk}/forecast/",
        "result": f"/marketing/development/{record.pk}/items/{item.pk}/result/",
    }[form]


FIRST = {
    "contact": {"contact_phone": "024-1"},
    "forecast": {"success_rate": "80", "reason": "已报价"},
    "result": {"result": "第一个标签页"},
}
SECOND = {
    "contact": {"contact_name": "高志峰"},
    "forecast": {"expected_amount": "500000", "reason": "预算批准"},
    "result": {"result": "第二个标签页"},
}
SHOWN = {
    "contact": {"联系人": ["高志峰", "未改", "高峰"], "联系人电话": ["未改", "024-1", "024-5555 6610"]},
    "forecast": {
        "成功机率": ["未改", "80", "60"],
        "预计金额": ["500000", "未改", "—"],
        "更新原因": ["预算批准", "未改", "—"],
    },
    "result": {"执行效果": ["第二个标签页保留我的", "第一个标签页保留已保存的", "起初"]},
}


def opened_values(client, url):
    """The fields of the page's own form, as a browser sends them."""
    form = client.get(url).context["form"]
    initial = {name: form[name].value() for name in form.fields}
    return {name: "" if value is None else value for name, value in initial.items()}


@pytest.fixture(params=["contact", "forecast", "result"])
def form(request):
    return request.param


@pytest.fixture
def two_tabs(form, assigned, company, manager):
    """The URL, and what each tab is about to send: both were opened on the same version."""
    item = factories.plan_item(assigned, company.manager, result="起初")
    url = page_of(form, assigned, item)
    return url, *({**opened_values(manager, url), **typed[form]} for typed in (FIRST, SECOND))


def stored(assigned):
    assigned.refresh_from_db()
    return {
        "contact": (assigned.contact_name, assigned.contact_phone),
        "forecast": (assigned.success_rate, assigned.expected_amount),
        "result": assigned.items.get().result,
    }


def test_the_second_tab_does_not_save_over_the_first(form, two_tabs, manager, assigned):
    url, first, second = two_tabs
    assert manager.post(url, first).status_code == 302
    after_first = stored(assigned)
    answer = manager.post(url, second)
    assert (answer.status_code, stored(assigned)) == (409, after_first)
    assert {label: cells for label, *cells in rows(answer)} == SHOWN[form]


def test_the_merged_answer_keeps_what_both_tabs_changed(form, two_tabs, manager, assigned):
    url, first, second = two_tabs
    manager.post(url, first)
    assert manager.post(url, values(manager.post(url, second))).status_code == 302
    assert (
        stored(assigned)[form]
        == {
            "contact": ("高志峰", "024-1"),
            "forecast": (80, 500000),
            "result": "第二个标签页",
        }[form]
    )


def test_a_form_without_its_memory_is_not_saved_and_keeps_what_was_typed(form, two_tabs, manager, assigned):
    url, first, _ = two_tabs
    before = stored(assigned)
    answer = manager.post(url, {**first, "opened": "forged"})
    assert (answer.status_code, stored(assigned)) == (400, before)
    for text in FIRST[form].values():
        assert text in markup(answer)


def test_a_result_of_an_item_that_others_overtook_on_another_item_is_saved(manager, assigned, company):
    """The version compared is the item's own: a plan is worked on item by item."""
    one, other = (factories.plan_item(assigned, company.manager, text=text) for text in ("电话", "拜访"))
    url = page_of("result", assigned, one)
    sent = {**opened_values(manager, url), "result": "约好下周"}
    other.record_result(by=company.manager, result="见到科长")
    assert manager.post(url, sent).status_code == 302
