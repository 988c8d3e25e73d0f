"""批量修改: ticked customers change together, with a reason for the level, and none when one was changed meanwhile."""

from __future__ import annotations

import pytest
from django.urls import reverse

from customers.models import Customer, Interaction
from kit.audit.models import AuditEntry
from kit.domain.verdict import Refused
from tests import factories
from tests.customers.pages import page_of
from tests.html import value, values

pytestmark = pytest.mark.django_db


@pytest.fixture
def level():
    return factories.entry("客户等级", "大客户")


def opened(client, ids):
    return {"ids": ids, "opened": value(page_of(client.get("/customers/reclassify/", {"ids": ids})), "opened")}


def test_ticked_customers_change_together_with_a_reason_for_the_level(pair, company, sign_in, level):
    first, second = pair
    foreign = factories.CustomerFactory(name="外部", manager=company.stranger)
    client = sign_in(company.supervisor)
    sent = opened(client, [first.pk, second.pk, foreign.pk])
    assert "请至少选择一项" in page_of(client.post("/customers/reclassify/", sent))
    html = page_of(client.post("/customers/reclassify/", {**sent, "level": level.pk}))
    assert "客户等级有变化，请填写原因。" in html
    assert values(html)["level"] == str(level.pk)
    region = factories.entry("地区", "东北")
    client.post("/customers/reclassify/", {**sent, "level": level.pk, "region": region.pk, "reason": "年度评级"})
    for one in pair:
        one.refresh_from_db()
        assert (one.level, one.region, one.version) == (level, region, 1)
        entry = AuditEntry.objects.about(one)[0]
        assert entry.verb == "批量修改"
        assert entry.changes == {
            "地区": ["华北", "东北"], "客户等级": ["普通客户", "大客户"], "原因": ["", "年度评级"],
        }  # fmt: skip
    foreign.refresh_from_db()
    assert foreign.version == 0


def test_a_customer_changed_meanwhile_stops_all_and_the_choice_stays(pair, company, sign_in, level):
    first, second = pair
    client = sign_in(company.supervisor)
    sent = {**opened(client, [first.pk, second.pk]), "level": level.pk, "reason": "年度评级"}
    first.edit(by=company.manager, fax="022-9")
    html = page_of(client.post("/customers/reclassify/", sent), 409)
    assert "「海河水务有限公司」在您打开后被别人修改过" in html
    assert values(html)["level"] == str(level.pk)
    assert not Customer.objects.filter(level=level).exists()
    client.post("/customers/reclassify/", {**sent, "opened": value(html, "opened")})
    assert Customer.objects.filter(level=level).count() == 2


@pytest.mark.parametrize("memory", ["", "x", "a:b:c"])
def test_a_missing_or_forged_memory_changes_nothing(memory, pair, company, sign_in, level):
    client = sign_in(company.supervisor)
    sent = {"ids": [pair[0].pk], "opened": memory, "level": level.pk, "reason": "x"}
    assert "页面已过期" in page_of(client.post("/customers/reclassify/", sent), 409)
    assert not Customer.objects.filter(level=level).exists()


def test_those_that_have_it_already_stay_as_they_are(pair, company):
    first = pair[0]
    normal = first.level
    with pytest.raises(Refused, match="已经是这样"):
        first.reclassify(by=company.supervisor, level=normal)
    with pytest.raises(Refused, match="请选择有效的地区"):
        first.reclassify(by=company.supervisor, region=normal)
    with pytest.raises(Refused, match="批量修改"):
        first.reclassify(by=company.manager, region=factories.entry("地区", "东北"))
    first.reclassify(by=company.supervisor, region=factories.entry("地区", "东北"))
    assert Customer.objects.get(pk=first.pk).region.item == "东北"
    assert Interaction.objects.count() == 0
    assert reverse("customer_reclassify") == "/customers/reclassify/"
