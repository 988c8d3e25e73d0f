"""CustomerMetrics say what the orders say: against a computation in plain Python, and whatever order things came in."""

from __future__ import annotations

import statistics
from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from math import exp, log
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Notification
from basedata.calendar.counted_days import current_counted_days
from basedata.models import FeedPosition
from customers.apps import fill_new_tables
from customers.insight import metrics
from customers.insight.metrics import FIGURES, refresh_metrics
from customers.insight.nightly import describe_metric_differences, refresh_all, refresh_nightly
from customers.models import CustomerMetrics, Interaction, Order, RhythmBase, merge_customers
from customers.orders import rhythm_base
from customers.orders.as_of import orders_as_of
from customers.rollup_tasks import check_nightly
from customers.sync.orders import write_orders
from kit.audit.models import AuditEntry
from kit.domain.days import midnight
from tests import factories

pytestmark = pytest.mark.django_db
SHANGHAI = ZoneInfo("Asia/Shanghai")
AS_OF = date(2025, 11, 30)
DEFAULT_MU, DEFAULT_SIGMA2 = log(45), 0.3025


@pytest.fixture
def customers(company, no_holidays):
    return [factories.CustomerFactory(manager=company.manager, external_number=f"C{n}") for n in range(3)]


def order(customer, day, total="100", status="paid", number=""):
    return Order.objects.create(
        number=number or f"S{Order.objects.count()}", customer=customer, ordered_at=midnight(day), status=status,
        total=Decimal(total),
    )  # fmt: skip


def figures(customer) -> dict:
    return CustomerMetrics.objects.values(*FIGURES).get(customer=customer)


def by_hand(customer, as_of: date) -> dict:
    """The figures by the words of the specification, one customer at a time."""
    orders = [(one.ordered_at.astimezone(SHANGHAI).date(), one.status, one.total) for one in customer.orders.all()]
    orders = [one for one in orders if one[0] <= as_of and one[1] != "cancelled"]
    days = sorted({day for day, status, _ in orders if status in ("paid", "unpaid")})
    after = date(as_of.year - 1, as_of.month, as_of.day)
    unpaid = [(day, total) for day, status, total in orders if status == "unpaid"]
    talks = sorted(Interaction.objects.filter(customer=customer).values_list("on", flat=True))
    found = {
        "first_order_on": days[0] if days else None, "last_order_on": days[-1] if days else None,
        "order_days": len(days), "order_days_12m": len([day for day in days if day > after]),
        "net_12m": sum([total for day, _, total in orders if day > after], Decimal(0)),
        "net_total": sum([total for *_, total in orders], Decimal(0)),
        "unpaid_amount": sum([total for _, total in unpaid], Decimal(0)), "unpaid_count": len(unpaid),
        "unpaid_since": min(unpaid)[0] if unpaid else None,
        "last_interaction_on": talks[-1] if talks else None,
    }  # fmt: skip
    return found | rhythm_by_hand(days)


def rhythm_by_hand(days: list[date]) -> dict:
    names = ("usual_days", "low_days", "high_days", "expected_on", "late_from", "alarm_from")
    if len(days) < 4:
        return dict.fromkeys(names)
    logs = [log((later - earlier).days) for earlier, later in pairwise(days)][-12:]
    k = len(logs)
    mu = (k * statistics.fmean(logs) + 2 * DEFAULT_MU) / (k + 2)
    sigma = ((k * statistics.pvariance(logs) + 4 * DEFAULT_SIGMA2) / (k + 4)) ** 0.5
    usual, low, high = (int(exp(mu + steps * sigma) + 0.5) for steps in (0, -1, 1))
    late, alarm = (max(14, -int(-exp(mu + steps * sigma) // 1)) for steps in (1.644854, 2.326348))
    return dict(
        zip(names, (usual, low, high, *(days[-1] + timedelta(days=n) for n in (usual, late, alarm))), strict=True)
    )


ORDERS = st.lists(
    st.tuples(
        st.integers(0, 2),  # the customer
        st.integers(0, 500 * 24 * 60),  # minutes before the last minute of AS_OF
        st.sampled_from(["paid", "paid", "paid", "unpaid", "returned", "cancelled"]),
        st.integers(1, 10**7),  # tenths of fen
    ),
    min_size=4,
    max_size=25,
)


def values_of(number, at, status, amount):
    price = Decimal(amount) / 1000 * (-1 if status == "returned" else 1)
    line = {"line_number": 1, "product_number": "P", "quantity": Decimal(1), "unit": "件", "unit_price": price}
    changed = datetime(2025, 11, 30, 23, 59, tzinfo=SHANGHAI)
    return {"number": f"S{number}", "customer_number": "", "ordered_at": at, "address": "", "status": status,
            "changed_at": changed, "lines": [line]}  # fmt: skip


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(orders=ORDERS, order_of_arrival=st.randoms())
def test_kept_by_the_feed_they_are_what_a_night_run_and_plain_python_compute(orders, order_of_arrival, customers):
    """Written batch by batch and in any order, some of them twice; then rebuilt."""
    last = datetime(2025, 11, 30, 23, 59, tzinfo=SHANGHAI)
    known = {f"C{n}": customer.pk for n, customer in enumerate(customers)}
    feed = []
    for number, (customer, minutes, status, amount) in enumerate(orders):
        values = values_of(number, last - timedelta(minutes=minutes), status, amount)
        feed.append({**values, "customer_number": f"C{customer}"})
    feed += feed[:3]
    order_of_arrival.shuffle(feed)
    with transaction.atomic():
        for start in range(0, len(feed), 7):
            batch = {values["number"]: values for values in feed[start : start + 7]}
            write_orders(list(batch.values()), known)
        touched = {one[0] for one in orders}
        for number in touched:
            assert figures(customers[number]) == by_hand(customers[number], AS_OF)
        refresh_metrics([one.pk for one in customers], AS_OF)
        kept = [figures(one) for one in customers]
        assert describe_metric_differences() == []
        CustomerMetrics.objects.all().delete()
        refresh_all(AS_OF)
        assert [figures(one) for one in customers] == kept
        transaction.set_rollback(True)


def test_control_a_wrong_figure_is_seen_reported_and_put_right(customers, company):
    factories.order(customers[0])
    refresh_all()
    assert check_nightly() == "汇总与订单一致"
    CustomerMetrics.objects.filter(customer=customers[0]).update(net_12m=1, order_days=7)
    texts = describe_metric_differences()
    assert len(texts) == 1
    assert "下单天数 1（记为 7）" in texts[0]
    assert check_nightly().startswith("发现 1 个客户的指标不一致")
    assert "下单天数" in AuditEntry.objects.get(verb="自检").changes["差异"][1]
    assert "客户指标" in Notification.objects.get(recipient=company.administrator).text
    assert figures(customers[0])["order_days"] == 1


def test_of_twelve_months_the_first_day_is_out_and_the_last_one_in(customers):
    one = customers[0]
    order(one, date(2024, 11, 30), "1")
    order(one, date(2024, 12, 1), "20")
    order(one, AS_OF, "300")
    order(one, AS_OF, "-40", status="returned")
    order(one, AS_OF + timedelta(days=1), "5000")  # dated after the data
    refresh_metrics([one.pk], AS_OF)
    shown = figures(one)
    assert (shown["net_12m"], shown["net_total"]) == (280, 281)
    assert (shown["order_days"], shown["order_days_12m"], shown["last_order_on"]) == (3, 2, AS_OF)


def test_unpaid_orders_add_up_and_the_oldest_says_since_when(customers):
    one = customers[0]
    first = order(one, date(2025, 8, 1), "10000", status="unpaid")
    order(one, date(2025, 11, 20), "5000", status="unpaid")
    order(one, date(2025, 1, 1), "7", status="paid")

    def unpaid():
        refresh_metrics([one.pk], AS_OF)
        row = CustomerMetrics.objects.get(customer=one)
        return row.unpaid_amount, row.unpaid_count, (AS_OF - row.unpaid_since).days

    assert unpaid() == (15_000, 2, 121)
    Order.objects.filter(pk=first.pk).update(status="paid")
    assert unpaid() == (5_000, 1, 10)


def test_a_feed_that_stops_makes_nobody_late(customers):
    today = timezone.localdate()
    assert orders_as_of() == today  # no feed yet
    FeedPosition.objects.create(table="orders", synced_at=timezone.now() - timedelta(days=2))
    assert orders_as_of() == today - timedelta(days=2)
    stopped = order(customers[0], today - timedelta(days=40))
    Order.objects.filter(pk=stopped.pk).update(changed_at=midnight(today - timedelta(days=30)))
    assert orders_as_of() == today - timedelta(days=30)  # syncs go on, nothing new comes
    Order.objects.filter(pk=stopped.pk).update(changed_at=timezone.now() + timedelta(days=900))
    assert orders_as_of() == today - timedelta(days=2)
    assert orders_as_of(syncing=True) == today


def test_a_run_that_breaks_off_leaves_the_rest_as_of_their_day_and_is_made_good(customers, company, monkeypatch):
    yesterday = timezone.localdate() - timedelta(days=1)
    refresh_all(yesterday)
    monkeypatch.setattr(rhythm_base, "BATCH", 1)
    compute, calls = metrics.compute_figures, []

    def compute_twice(*arguments):
        calls.append(arguments)
        if len(calls) == 3:
            raise MemoryError("full")
        return compute(*arguments)

    monkeypatch.setattr(metrics, "compute_figures", compute_twice)
    with pytest.raises(MemoryError):
        refresh_nightly()
    days = Counter(CustomerMetrics.objects.values_list("computed_for", flat=True))
    assert days == {yesterday: 1, timezone.localdate(): 2}
    assert "1 个客户仍是上一次的数字" in Notification.objects.get(recipient=company.administrator).text
    refresh_nightly()
    assert set(CustomerMetrics.objects.values_list("computed_for", flat=True)) == {timezone.localdate()}


def test_the_number_of_statements_does_not_grow_with_the_customers(customers, company, django_assert_num_queries):
    current_counted_days()  # read once per change of the calendar
    many = [factories.CustomerFactory(manager=company.manager) for _ in range(25)]
    for some in (customers, many):
        for number in range(40):
            order(some[number % len(some)], AS_OF - timedelta(days=number))
        with transaction.atomic(), django_assert_num_queries(8):
            refresh_metrics([one.pk for one in some], AS_OF)


def class_by_hand(value, values):
    return 1 + 5 * len([one for one in values if one < value]) // len(values)


def test_classes_count_those_strictly_worse_and_equal_values_share_one(company):
    days_and_money = [(1, 5), (1, 5), (1, 50), (2, 50), (3, -7), (4, 900), (4, 30), (9, 31)]
    rows = {}
    for days, money in days_and_money:
        customer = factories.CustomerFactory(manager=company.manager)
        for number in range(days):
            order(customer, AS_OF - timedelta(days=number), money if number == 0 else 0)
        rows[customer.pk] = (days, money)
    old = factories.CustomerFactory(manager=company.manager)
    order(old, date(2024, 1, 1))
    refresh_all(AS_OF)
    all_days, all_money = zip(*days_and_money, strict=True)
    for row in CustomerMetrics.objects.filter(pk__in=rows):
        days, money = rows[row.pk]
        expected = class_by_hand(days, all_days), class_by_hand(money, all_money)
        assert (row.f_class, row.m_class, row.score, row.scored_on) == (*expected, sum(expected), AS_OF)
    assert CustomerMetrics.objects.get(customer=old).score is None


def test_the_base_of_a_month_is_made_once_and_kept(customers):
    refresh_all(AS_OF)
    made = RhythmBase.objects.get()
    assert (made.month, made.mu, made.sigma2, made.customers) == (date(2025, 11, 1), DEFAULT_MU, DEFAULT_SIGMA2, 0)
    RhythmBase.objects.update(mu=3.0)
    refresh_all(AS_OF)
    assert RhythmBase.objects.get().mu == 3.0
    refresh_all(AS_OF + timedelta(days=1))
    assert RhythmBase.objects.count() == 2


def test_interactions_keep_the_day_of_the_last_one(customers, company):
    one = customers[0]
    first = factories.interaction(one, company.manager, on=date(2025, 3, 1))
    second = factories.interaction(one, company.manager, on=date(2025, 2, 1))

    def last():
        return CustomerMetrics.objects.get(customer=one).last_interaction_on

    assert last() == date(2025, 3, 1)
    second.edit(by=company.manager, on=date(2025, 4, 1))
    assert last() == date(2025, 4, 1)
    second.remove(by=company.manager)
    first.remove(by=company.manager)
    assert last() is None


def test_a_merge_leaves_one_row_with_the_figures_of_both(customers, company):
    one, other = customers[:2]
    order(one, date(2025, 1, 5))
    order(other, date(2025, 2, 6))
    refresh_all()
    merge_customers(one, [other], by=company.supervisor, reason="同一家公司")
    assert figures(one)["order_days"] == 2
    assert not CustomerMetrics.objects.filter(customer=other).exists()
    assert describe_metric_differences() == []


def test_an_upgrade_that_brought_the_table_leaves_it_filled(customers, capsys):
    order(customers[0], date(2025, 1, 5))
    fill_new_tables("default", plan=[("customers.0018", False)])
    assert figures(customers[0])["order_days"] == 1
    call_command("rebuild_rollups")
    call_command("rebuild_rollups", check=True)
    assert "已重新计算客户指标，更正 0 个客户。" in capsys.readouterr().out
