"""Revenue by month stays with the owner and with the department of the order's day."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import DepartmentHistory, DepartmentMove
from customers.models import Order, Ownership, RevenueMonth, RevenueYear, refresh_revenue
from customers.orders.rollups import describe_differences
from customers.rollup_tasks import check_nightly
from kit.domain.days import midnight
from tests import factories

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate()


@pytest.fixture
def customer(company):
    made = factories.CustomerFactory(manager=company.manager)
    Ownership.objects.filter(customer=made).update(since=midnight(date(2020, 1, 1)))
    return made


def order(customer, day, total):
    Order.objects.create(
        number=f"S{day}-{total}", customer=customer, ordered_at=midnight(day), status="paid", total=Decimal(total)
    )
    refresh_revenue([customer.pk])


def rows():
    found = RevenueMonth.objects.order_by("month", "pk")
    return [(one.month, one.manager, one.department, one.orders, one.amount) for one in found]


def move(person, company, department):
    person.edit(by=company.administrator, department=department)


def test_a_month_begins_at_midnight_in_shanghai_and_adds_up_to_the_year(customer, company):
    for day, total in ((date(2025, 1, 31), "1.5"), (date(2025, 2, 1), "20"), (date(2025, 2, 28), "-3.0000001")):
        order(customer, day, total)
    assert rows() == [
        (date(2025, 1, 1), company.manager, company.north, 1, Decimal("1.5")),
        (date(2025, 2, 1), company.manager, company.north, 2, Decimal("16.9999999")),
    ]
    assert RevenueYear.objects.get().amount == sum(row[-1] for row in rows())


def test_who_moves_leaves_what_was_sold_until_that_day_in_the_department_left(customer, company):
    order(customer, TODAY - timedelta(days=400), 1)
    move(company.manager, company, company.east)
    order(customer, TODAY, 20)
    order(customer, TODAY - timedelta(days=200), 300)  # comes late, of the time before
    assert {row[2] for row in rows()} == {company.north}
    DepartmentMove.objects.update(until=TODAY - timedelta(days=300))  # as if it was so long ago
    refresh_revenue([customer.pk])
    assert [(row[2], row[4]) for row in rows()] == [(company.north, 1), (company.east, 300), (company.east, 20)]
    assert describe_differences() == []


def test_the_first_of_several_moves_after_a_day_says_where_it_was(company):
    manager = company.manager
    for department, days in ((company.north, 30), (company.east, 10), (None, 10)):
        DepartmentMove.objects.create(user=manager, department=department, until=TODAY - timedelta(days=days))
    history = DepartmentHistory([manager.pk])
    days = [history.department_on(manager.pk, TODAY - timedelta(days=days)) for days in (31, 30, 29, 10, 9)]
    assert days == [company.north.pk, company.north.pk, company.east.pk, company.east.pk, company.north.pk]


def test_an_edit_that_leaves_the_department_alone_is_no_move(company):
    company.manager.edit(by=company.administrator, mobile="13800001111")
    assert not DepartmentMove.objects.exists()


def test_a_wrong_month_is_reported_and_put_right(customer, company):
    order(customer, date(2025, 3, 3), 5)
    RevenueMonth.objects.update(amount=Decimal(6))
    assert describe_differences() == [f"客户 {customer.pk}，2025年3月：订单 1 张 5 元，汇总 1 张 6 元"]
    assert "1 处不一致" in check_nightly()
    assert rows()[0][-1] == 5


def test_a_department_that_is_gone_leaves_the_money_without_one(customer, company):
    move(company.manager, company, factories.DepartmentFactory(name="临时组"))
    DepartmentMove.objects.all().delete()
    order(customer, date(2025, 3, 3), 5)
    temporary = company.manager.department
    move(company.manager, company, company.north)
    temporary.delete()
    assert rows()[0][2] is None
    assert describe_differences() == []
