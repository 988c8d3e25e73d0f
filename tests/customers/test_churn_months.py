"""客户流失 by months of one's own: the rule is data by 客户等级, and texts take the number from it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from customers.churn import rule
from customers.churn.evidence import evidence_of
from customers.churn.rule import churn_cutoff
from customers.churn.scan import scan_churn
from customers.models import ChurnCase, Order, TimelineEntry
from tests import factories
from tests.html import text

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate()


def warned():
    return set(ChurnCase.objects.open().values_list("customer", flat=True))


@pytest.fixture
def nine_months_for_large(monkeypatch):
    monkeypatch.setitem(rule.MONTHS_BY_LEVEL, "大客户", 9)


def test_a_level_with_months_of_its_own_is_warned_later_and_no_other(company, nine_months_for_large):
    large, manager = factories.entry("客户等级", "大客户"), company.manager
    last, last_of_large = churn_cutoff(TODAY), churn_cutoff(TODAY, 9)
    due = {
        factories.CustomerFactory(manager=manager, last_purchase_on=last).pk: "六个月",
        factories.CustomerFactory(manager=manager, last_purchase_on=last, level=None).pk: "六个月",
        factories.CustomerFactory(manager=manager, last_purchase_on=last_of_large, level=large).pk: "九个月",
    }
    factories.CustomerFactory(manager=manager, last_purchase_on=last, level=large)
    fresh = last_of_large + timedelta(days=1)
    factories.CustomerFactory(manager=manager, last_purchase_on=fresh, level=large)
    factories.CustomerFactory(manager=manager, last_purchase_on=last_of_large, won_back_on=fresh, level=large)
    assert scan_churn().opened == 3
    assert warned() == due.keys()
    told = dict(TimelineEntry.objects.filter(kind="churn").values_list("customer", "text"))
    assert {key: words.rpartition("已满")[2] for key, words in told.items()} == due


def sentence_of(case: ChurnCase) -> str:
    return evidence_of(case, Order.objects.none()).sentence


def test_texts_take_the_months_from_the_rule(company, sign_in, nine_months_for_large):
    assert "六个月（大客户九个月）没有下单" in text(sign_in(company.manager).get("/customers/churn/"))
    case = factories.churn_case(company.manager, level=factories.entry("客户等级", "大客户"), months=10)
    assert "天未下单，超过九个月；" in sentence_of(case)
    case.customer.level = factories.entry("客户等级", "普通客户")
    assert "天未下单，超过六个月；" in sentence_of(case)


def test_a_case_opened_before_the_level_rose_claims_no_months_that_have_not_passed(company, nine_months_for_large):
    case = factories.churn_case(company.manager, months=7)
    case.customer.level = factories.entry("客户等级", "大客户")
    assert "天未下单；下单不足" in sentence_of(case)


@pytest.mark.parametrize(("months", "words"), [(6, "六个月"), (10, "十个月"), (12, "十二个月"), (24, "二十四个月")])
def test_months_are_spelled_as_texts_say_them(months, words):
    assert rule.spell_months(months) == words
