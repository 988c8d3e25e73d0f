"""Somebody else acts while one types: the refusal says why, and what was typed can still be copied."""

from __future__ import annotations

import pytest
from django.test import Client

from marketing.models import PlanItem
from tests import factories
from tests.html import find_all, markup, written

pytestmark = pytest.mark.django_db
TEXT = "约在周四上午，<b>带样机</b>"


def copyable_texts(response):
    """The texts the page offers to copy."""
    return written(response, "textarea[readonly]")


@pytest.fixture
def item(assigned, company):
    return factories.plan_item(assigned, company.manager)


def sent_to(step, record, item):
    """The URL of a form and what somebody typed into it."""
    opportunity, development = f"/marketing/opportunities/{record.pk}", f"/marketing/development/{record.pk}"
    return {
        "plan": (f"{development}/plan/", {"on": "2026-05-01", "text": TEXT}),
        "result": (f"{development}/items/{item.pk}/result/", {"result": TEXT}),
        "lose": (f"{opportunity}/lose/", {"reason": TEXT}),
        "forecast": (f"{opportunity}/forecast/", {"success_rate": "80", "reason": TEXT}),
        "edit item": (f"{development}/items/{item.pk}/edit/", {"on": "2026-05-01", "text": TEXT}),
    }[step]


STEPS = ["plan", "result", "lose", "forecast", "edit item"]


@pytest.mark.parametrize("step", STEPS)
def test_after_a_reassignment_the_text_stands_below_the_reason(step, manager, assigned, item, company):
    assigned.reassign(company.colleague, by=company.supervisor, reason="分区调整")
    url, values = sent_to(step, assigned, item)
    response = manager.post(url, {**values, "opened": "hidden state", "csrfmiddlewaretoken": "secret"})
    assert response.status_code == 403
    assert TEXT in copyable_texts(response)
    assert TEXT not in markup(response)  # shown as text
    assert {"hidden state", "secret"}.isdisjoint(copyable_texts(response))


@pytest.mark.parametrize("step", STEPS)
def test_of_a_record_that_left_ones_view_only_ones_own_words_are_shown(step, manager, assigned, item, company):
    url, values = sent_to(step, assigned, item)
    assigned.reassign(company.eastern, by=company.supervisor, reason="分区调整")
    company.manager.department = company.other
    company.manager.save()
    response = manager.post(url, values)
    assert response.status_code == 404
    assert set(copyable_texts(response)) == set(values.values())
    assert assigned.summary not in markup(response)


def test_of_a_record_deleted_meanwhile_the_text_is_kept(manager, company):
    record = factories.opportunity(company.manager)
    url = f"{record.get_absolute_url()}edit/"
    record.remove(by=company.manager)
    response = manager.post(url, {**factories.OPPORTUNITY, "summary": TEXT})
    assert response.status_code == 404
    assert TEXT in copyable_texts(response)


@pytest.mark.parametrize("text", ["", TEXT])
def test_a_plan_item_typed_while_the_opportunity_closed_stays_in_its_form(text, manager, assigned, item, company):
    assigned.lose(by=company.manager, reason="价格")
    response = manager.post(f"/marketing/development/{assigned.pk}/plan/", {"on": "2026-05-01", "text": text})
    assert response.status_code == 409
    assert "机会已开发失败，只能查看，不能制定计划。" in markup(response)
    assert response.context["form"]["text"].value() == text
    assert written(response, "#id_text") == [text]
    assert find_all(response, "button", containing="保存计划项") == []
    assert PlanItem.objects.count() == 1


@pytest.mark.parametrize("values", [{}, {"to": "12"}, {"confirmed": "on", "submission": "12-ab"}])
def test_without_words_of_ones_own_nothing_is_offered(values, manager):
    response = manager.post("/marketing/opportunities/999/assign/", values)
    assert response.status_code == 404
    assert "您填写的内容" not in markup(response)


def test_nothing_of_a_form_with_passwords_is_shown(manager):
    response = manager.post("/users/999/password/", {"new_password1": "geheim", "note": TEXT})
    assert "geheim" not in markup(response)
    assert copyable_texts(response) == []


def test_an_address_that_leads_nowhere_repeats_nothing(manager):
    """No form of ours sent it, and its token was not checked."""
    response = manager.post("/nowhere/", {"text": TEXT})
    assert (response.status_code, copyable_texts(response)) == (404, [])


def test_somebody_signed_out_is_led_to_the_sign_in_and_reads_nothing(assigned):
    response = Client().post(f"/marketing/opportunities/{assigned.pk}/lose/", {"reason": TEXT})
    assert copyable_texts(response) == []


def test_looking_at_a_refused_page_offers_nothing(manager, assigned, company):
    response = manager.get("/marketing/opportunities/999/", {"text": TEXT})
    assert (response.status_code, copyable_texts(response)) == (404, [])
