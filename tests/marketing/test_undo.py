"""撤销 of a deleted plan item."""

from __future__ import annotations

import pytest

from kit.audit.models import AuditEntry
from kit.domain.verdict import Refused
from kit.undo.restoring import take_back
from marketing.models import PlanItem
from tests import factories
from tests.digest import differences, digest

pytestmark = pytest.mark.django_db


@pytest.fixture
def item(company):
    record = factories.assigned(company.manager, company.supervisor, company.manager)
    factories.plan_item(record, company.manager, text="先做这件")
    return factories.plan_item(record, company.manager, text="确认需求")


def test_a_plan_item_comes_back_as_it_was(item, company, sign_in):
    before, url = digest(), f"/marketing/development/{item.opportunity_id}/plan/"
    client = sign_in(company.manager)
    page = client.post(f"/marketing/development/{item.opportunity_id}/items/{item.pk}/delete/", follow=True)
    assert (page.redirect_chain[-1][0], "已删除 ·" in page.content.decode()) == (url, True)
    assert PlanItem.objects.filter(pk=item.pk).count() == 0
    client.post(client.get("/recent/").content.decode().partition('formaction="')[2].partition('"')[0])
    assert differences(before, digest()) == []
    assert AuditEntry.objects.about(item.opportunity).filter(verb="撤销删除计划").exists()


def test_a_plan_item_of_a_closed_opportunity_stays_deleted(item, company):
    entry = PlanItem.objects.get(pk=item.pk).remove(by=company.manager)
    item.opportunity.lose(by=company.manager, reason="价格")
    with pytest.raises(Refused, match="机会"):
        take_back(entry, by=company.manager)
    with pytest.raises(Refused, match="只有删除的人"):
        take_back(entry, by=company.supervisor)
