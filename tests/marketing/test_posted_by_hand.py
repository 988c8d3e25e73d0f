"""What no page of opportunities offers but somebody posts: other parents, other people, other fields."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.urls import reverse

from customers.models import Customer
from marketing.models import Opportunity, PlanItem
from tests import factories, html
from tests.permissions.asking import snapshot
from tests.permissions.world import memory_of

pytestmark = pytest.mark.django_db


# Parents that do not belong together


@pytest.mark.parametrize("name", ["item_update", "item_delete", "item_result"])
@pytest.mark.parametrize("verb", ["get", "post"])
def test_a_plan_item_is_not_found_under_another_opportunity(name, verb, world, company, sign_in):
    other = factories.assigned(company.manager, company.supervisor, company.manager)
    before = snapshot()
    client = sign_in(company.manager)
    with transaction.atomic():
        response = getattr(client, verb)(reverse(f"marketing:{name}", args=[other.pk, world.item.pk]), world.values)
    assert response.status_code == 404
    assert "确认需求" not in response.content.decode()
    assert snapshot()["marketing.PlanItem"] == before["marketing.PlanItem"]


def test_an_item_of_a_hidden_opportunity_is_not_found_under_ones_own(world, company, sign_in):
    own = factories.assigned(company.stranger, company.outsider, company.stranger)
    response = sign_in(company.stranger).get(reverse("marketing:item_update", args=[own.pk, world.item.pk]))
    assert response.status_code == 404


# Forged choices


@pytest.mark.parametrize("chosen", ["stranger", "outsider", "supervisor", "executive", "nobody"])
def test_an_opportunity_is_not_assigned_to_somebody_outside_the_supervisors_candidates(chosen, company, sign_in):
    record = factories.opportunity(company.manager)
    response = sign_in(company.supervisor).post(
        reverse("marketing:opportunity_assign", args=[record.pk]), {"to": getattr(company, chosen).pk}
    )
    assert response.status_code == 200
    assert html.errors(response) == ["请选择您范围内在职的客户经理。"]
    record.refresh_from_db()
    assert (record.status, record.assignee) == ("unassigned", None)


def test_an_opportunity_is_not_assigned_to_somebody_who_left(company, sign_in):
    record = factories.opportunity(company.manager)
    company.colleague.is_active = False
    company.colleague.save()
    client = sign_in(company.supervisor)
    response = client.post(reverse("marketing:opportunity_assign", args=[record.pk]), {"to": company.colleague.pk})
    assert html.errors(response) == ["请选择您范围内在职的客户经理。"]
    record.refresh_from_db()
    assert record.assignee is None


def test_a_won_opportunity_is_not_linked_to_a_customer_one_may_not_edit(company, sign_in):
    record = factories.assigned(company.manager, company.supervisor, company.manager)
    foreign = factories.CustomerFactory(name=record.customer_name, manager=company.colleague)
    url = reverse("marketing:opportunity_win", args=[record.pk])
    response = sign_in(company.manager).post(url, {"choice": f"link:{foreign.pk}", "reason": "已签约"})
    assert response.status_code == 200
    record.refresh_from_db()
    assert (record.status, record.customer) == ("assigned", None)
    assert Customer.objects.count() == 1


def test_a_won_opportunity_is_not_linked_to_a_customer_of_another_name(company, sign_in):
    record = factories.assigned(company.manager, company.supervisor, company.manager)
    factories.CustomerFactory(name=record.customer_name, manager=company.manager)
    other = factories.CustomerFactory(name="完全不同的公司", manager=company.manager)
    url = reverse("marketing:opportunity_win", args=[record.pk])
    response = sign_in(company.manager).post(url, {"choice": f"link:{other.pk}", "reason": "已签约"})
    assert response.status_code == 200
    record.refresh_from_db()
    assert record.status == "assigned"


@pytest.mark.parametrize("field", ["region", "industry"])
def test_a_dictionary_entry_of_another_category_is_no_choice(field, company, sign_in):
    wrong = factories.entry("客户等级", "大客户")
    values = {**factories.OPPORTUNITY, field: wrong.pk}
    response = sign_in(company.manager).post(reverse("marketing:opportunity_create"), values)
    assert response.status_code == 200
    assert Opportunity.objects.count() == 0


# Fields no form shows


def test_a_new_opportunity_takes_nothing_but_the_fields_of_its_form(company, sign_in, forged):
    client = sign_in(company.manager)
    response = client.post(reverse("marketing:opportunity_create"), {**forged, **factories.OPPORTUNITY})
    record = Opportunity.objects.get()
    assert response["Location"] == record.get_absolute_url()
    assert (record.status, record.assignee, record.created_by) == ("unassigned", None, company.manager)
    assert (record.version, record.closed_at, record.customer, record.competitor) == (0, None, None, None)
    assert (record.win_reason, record.lost_reason, record.pk == 4711) == ("", "", False)
    assert record.created_at.year > 2020


def test_an_edited_opportunity_takes_nothing_but_the_fields_of_its_form(company, sign_in, forged, world):
    before = Opportunity.objects.filter(pk=world.new.pk).values().get()
    values = {**forged, **factories.OPPORTUNITY, "summary": "改过的概要", "opened": memory_of(world.new)}
    sign_in(company.manager).post(reverse("marketing:opportunity_update", args=[world.new.pk]), values)
    after = Opportunity.objects.filter(pk=world.new.pk).values().get()
    assert {name for name in after if after[name] != before[name]} == {"summary", "version"}
    assert after["version"] == before["version"] + 1


def test_a_plan_item_takes_no_result_and_no_other_opportunity_from_the_plan_page(company, sign_in, forged, world):
    other = factories.assigned(company.manager, company.supervisor, company.manager)
    url = reverse("marketing:development_plan", args=[world.assigned.pk])
    values = {**forged, "opportunity": other.pk, "on": "2026-02-01", "text": "上门拜访", "result": "伪造"}
    sign_in(company.manager).post(url, values)
    item = PlanItem.objects.get(text="上门拜访")
    assert (item.opportunity, item.result, item.executed_by) == (world.assigned, "", None)
