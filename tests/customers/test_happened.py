"""What has happened lies not ahead: refused where it is typed, imported or sent, and counted nowhere meanwhile."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from customers.churn.scan import scan_churn
from customers.imports.table_form import CustomerImportForm
from customers.models import Customer, Interaction, Order, ParkedOrder, RevenueYear, refresh_revenue
from customers.orders.models import refresh_last_purchases
from customers.orders.rollups import describe_differences
from customers.rollup_tasks import check_nightly
from customers.sync.engine import sync
from kit.domain.days import add_months
from kit.domain.past_dates import future_start, is_in_future, latest_past_day, refuse_ahead
from kit.domain.verdict import Refused
from tests import factories
from tests.customers.feeds import FEED, put, reasons

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate()
NEXT_YEAR = TODAY + timedelta(days=365)
YEAR_2062 = timezone.make_aware(datetime(2062, 3, 1, 9))
# Dates that people write down and that may lie ahead.
TO_COME = {
    "customers.AlertPause.until",
    "accounts.Grant.until", "customers.CustomerGrant.until", "marketing.OpportunityGrant.until",
    "basedata.WorkDay.day", "basedata.SpecialDay.day", "customers.ChurnMeasure.review_on",
    "customers.Interaction.follow_up_on", "marketing.Opportunity.expected_on", "marketing.PlanItem.on",
    "marketing.ForecastChange.expected_on", "marketing.ForecastChange.former_expected_on",
}  # fmt: skip
SYSTEM = {"reports.CompositionSnapshot.on", "basedata.NumberSequence.day"}
PRODUCT = ("accounts", "basedata", "customers", "marketing", "services", "reports")


def test_every_day_that_people_write_down_may_lie_ahead_or_refuses_to():
    for model in apps.get_models():
        for field in model._meta.concrete_fields if model._meta.app_label in PRODUCT else ():
            if type(field) is models.DateField and field.editable:
                name = f"{model._meta.label}.{field.name}"
                assert refuse_ahead in field.validators or name in TO_COME | SYSTEM, name


def test_a_clock_that_goes_a_day_ahead_is_tolerated():
    refuse_ahead(TODAY + timedelta(days=1))
    refuse_ahead(future_start() - timedelta(microseconds=1))
    assert is_in_future(TODAY + timedelta(days=2))
    assert is_in_future(future_start())
    assert latest_past_day() == TODAY + timedelta(days=1)
    with pytest.raises(ValidationError, match="不能晚于今天"):
        refuse_ahead(YEAR_2062)


def test_a_talk_of_next_year_closes_no_follow_up(customer, company, sign_in):
    agreed = factories.interaction(customer, company.manager, follow_up_on=TODAY + timedelta(days=30))
    with pytest.raises(Refused, match="不能晚于今天"):
        factories.interaction(customer, company.manager, on=NEXT_YEAR)
    kind = factories.entry("交往方式", "电话")
    typed = {"on": f"{NEXT_YEAR:%Y-%m-%d}", "kind": kind.pk, "summary": "谈妥交货期"}
    page = sign_in(company.manager).post(f"/customers/{customer.pk}/interactions/new/", typed)
    assert page.status_code == 200
    assert "已经发生的事，日期不能晚于今天" in page.content.decode()
    assert "谈妥交货期" in page.content.decode()
    with pytest.raises(Refused, match="不能晚于今天"):
        agreed.edit(by=company.manager, on=NEXT_YEAR)
    assert list(Interaction.objects.values_list("on", "followed_up_at")) == [(TODAY, None)]


def test_the_beginning_of_a_cooperation_is_refused_on_screen_and_in_a_table(company):
    form = CustomerImportForm(default_manager=company.manager, by=None)
    row = {"name": "海河水务有限公司", "cooperation_since": f"{NEXT_YEAR:%Y/%m/%d}"}
    assert form.build_customer(row) is None
    assert dict(form.row_errors()) == {"建立合作日期": "已经发生的事，日期不能晚于今天，请核对年份。"}
    with pytest.raises(ValidationError) as refused:
        Customer(name="x", cooperation_since=NEXT_YEAR).clean_fields()
    assert "cooperation_since" in refused.value.message_dict


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("orders", "D1,C1,2029-01-02 07:30:00,北京,已回款,2026-01-02"),
        ("orders", "D1,C1,2026-01-02 07:30:00,北京,已回款,2029-01-02"),
        ("products", "P3,阀门,,,件,1,,2029-01-02"),
        ("storage", "P1,北京,1-1,1,,2029-01-02"),
    ],
)
def test_the_feed_refuses_rows_of_the_future_and_names_them(table, row, customer, tmp_path):
    feed = put(tmp_path / "feed", **{**FEED, table: [row]})
    run = sync(feed)
    assert "「2029-01-02」晚于今天，请在销售系统里核对年份" in reasons(run)
    assert run.counts[table]["refused"] == 1
    assert not Order.objects.filter(number="D1").exists() or table != "orders"


def test_an_order_of_2062_does_not_stop_the_churn_warning(customer, company):
    """As an earlier release kept it, with its figures."""
    long_ago = timezone.make_aware(datetime.combine(add_months(TODAY, -9), datetime.min.time()))
    factories.order(customer, ordered_at=long_ago)
    ahead = factories.order(customer, number="S-2062", ordered_at=YEAR_2062)
    Customer.objects.filter(pk=customer.pk).update(last_purchase_on=date(2062, 3, 1))
    RevenueYear.objects.create(customer=customer, year=2062, manager=company.manager, orders=1, amount=ahead.total)
    assert scan_churn().opened == 1
    customer.refresh_from_db()
    assert customer.last_purchase_on == timezone.localdate(long_ago)
    assert list(RevenueYear.objects.values_list("year", flat=True)) == [long_ago.astimezone().year]
    assert describe_differences() == []


def test_an_order_counts_from_the_night_on_before_its_day(customer):
    factories.order(customer, ordered_at=timezone.now() - timedelta(days=40))
    ahead = factories.order(customer, number="S2", ordered_at=YEAR_2062)
    assert sum(RevenueYear.objects.values_list("orders", flat=True)) == 1
    Order.objects.filter(pk=ahead.pk).update(ordered_at=timezone.now() + timedelta(days=1))
    assert check_nightly() == "汇总与订单一致"  # nothing to tell the administrators
    assert sum(RevenueYear.objects.values_list("orders", flat=True)) == 2
    customer.refresh_from_db()
    assert customer.last_purchase_on == TODAY + timedelta(days=1)


def test_the_page_of_an_order_ahead_says_that_it_does_not_count(customer, company, sign_in):
    order = factories.order(customer, ordered_at=YEAR_2062)
    page = sign_in(company.manager).get(order.get_absolute_url()).content.decode()
    assert "晚于今天，不计入任何数字" in page
    assert "S-2062" not in sign_in(company.manager).get("/customers/orders/?status=revenue").content.decode()


def test_a_parked_order_of_the_future_stays_parked(customer, tmp_path):
    content = {
        "number": "S1", "customer_number": "C1", "ordered_at": YEAR_2062.isoformat(), "address": "",
        "status": "paid", "changed_at": None,
        "lines": [{"line_number": 1, "product_number": "P1", "quantity": "1", "unit": "件", "unit_price": "5"}],
    }  # fmt: skip
    ParkedOrder.objects.create(number="S1", customer_key="C1", status="paid", ordered_at=YEAR_2062, content=content)
    sync(put(tmp_path / "feed", **FEED))
    assert ParkedOrder.objects.filter(number="S1").exists()
    assert not Order.objects.filter(number="S1").exists()


def test_a_change_stamped_ahead_does_not_keep_later_changes_out(customer, tmp_path):
    feed = put(tmp_path / "feed", **FEED)
    sync(feed)
    Order.objects.update(changed_at=YEAR_2062)
    put(tmp_path / "feed", order_lines=["D1,1,P1,2,件,50"])
    sync(feed)
    assert Order.objects.get(number="D1").total == Decimal(100)


def test_control_without_the_horizon_the_order_ahead_counts(customer, monkeypatch):
    """So the tests above are known to be able to see it."""
    monkeypatch.setattr("customers.orders.models.future_start", lambda: YEAR_2062 + timedelta(days=1))
    factories.order(customer, ordered_at=YEAR_2062)
    refresh_last_purchases([customer.pk])
    refresh_revenue([customer.pk])
    customer.refresh_from_db()
    assert customer.last_purchase_on == date(2062, 3, 1)
