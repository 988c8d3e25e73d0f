"""预警回测 on screen: what it counts, in whose view, and the customers behind each figure."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from customers.merging.bulk import begin_ownership
from customers.models import BacktestMonth, BacktestRow, Customer, Ownership
from kit.domain.days import show_day
from reports.queries.backtest import backtest_figures
from reports.queries.people import EVERYBODY, ChosenPeople
from tests import factories
from tests.html import find, find_all, text, texts, urls

pytestmark = pytest.mark.django_db
PAGE = "/reports/churn/backtest/"


def kept(company, month_end, light="", six=False, gone=False, manager=None, **values):
    manager = manager or company.manager
    customer = values.pop("customer", None) or factories.CustomerFactory(manager=manager, **values)
    return BacktestRow.objects.create(
        month_end=month_end, customer=customer, manager=manager, light=light, six=six, gone=gone
    )


def test_every_figure_of_every_month_opens_as_many_customers(alerts, company, sign_in):
    client, followed = sign_in(company.executive), 0
    report = client.get(PAGE).context["report"]
    for table in report.tables[:2]:
        for column in [one for one in table.columns if getattr(one, "url", None) and one.kind == "count"]:
            for row in [*table.rows, *([table.total] if table.total else [])]:
                url = column.url(row)
                assert bool(url) == bool(column.get(row))
                if url:
                    page = client.get(url)
                    assert (page.context["pager"].total, page.context["misread"]) == (column.get(row), [])
                    followed += 1
    assert followed > 30


def test_the_figures_are_those_of_the_rows(alerts, company):
    figures = backtest_figures(factories.fresh(company.executive), EVERYBODY)
    rows = list(BacktestRow.objects.filter(month_end__gte=figures.since))
    red = [row for row in rows if row.light == "red"]
    lit = [row for row in rows if row.light]
    gone = [row for row in rows if row.gone]
    result = figures.rules["red"]
    assert (result.alerted, result.hit, result.missed) == (
        len(red), sum(row.gone for row in red), sum(row.light != "red" for row in gone),
    )  # fmt: skip
    assert (figures.rules["lit"].alerted, figures.rules["six"].alerted) == (len(lit), sum(row.six for row in rows))
    assert figures.total.eligible == sum(month.eligible for month in BacktestMonth.objects.all())
    assert len(figures.months) == BacktestMonth.objects.values("month_end").distinct().count()
    assert round(100 * result.hit / result.alerted, 1) == float(result.precision)
    assert result.alerted > 5


def test_each_sees_the_people_in_view_and_may_choose_one(alerts, company, sign_in):
    def eligible(user, **people):
        return backtest_figures(factories.fresh(user), ChosenPeople(**people)).total.eligible

    own = {person: sum(BacktestMonth.objects.filter(manager=person).values_list("eligible", flat=True))
           for person in (company.manager, company.colleague, company.eastern, company.stranger)}  # fmt: skip
    assert eligible(company.executive) == sum(own.values())
    assert eligible(company.supervisor) == sum(own.values()) - own[company.stranger]
    assert eligible(company.supervisor, manager=str(company.eastern.pk)) == own[company.eastern]
    assert eligible(company.outsider) == own[company.stranger]
    page = sign_in(company.outsider).get("/reports/churn/backtest/customers/")
    assert page.context["pager"].total == BacktestRow.objects.filter(manager=company.stranger).count()


def test_everybodys_figures_are_of_the_same_twelve_months(company):
    ends = [date(2025 + place // 12, place % 12 + 1, 28) for place in range(13)]
    for end in ends:
        BacktestMonth.objects.create(month_end=end, manager=company.manager, eligible=1)
    for end in ends[:2]:
        BacktestMonth.objects.create(month_end=end, manager=company.eastern, eligible=1)
    own = backtest_figures(factories.fresh(company.supervisor), ChosenPeople(manager=str(company.eastern.pk)))
    assert [month.month_end for month in own.months] == ends[1:2]


def test_a_customer_who_left_the_view_is_in_neither_figure_nor_list(company, sign_in):
    end = date(2026, 2, 28)
    BacktestMonth.objects.create(month_end=end, manager=company.manager, eligible=9)
    for _ in range(5):
        row = kept(company, end, light="red", gone=True)
    Customer.objects.filter(pk=row.customer_id).update(manager=company.stranger)
    figures = backtest_figures(factories.fresh(company.supervisor), EVERYBODY)
    assert (figures.rules["red"].alerted, figures.rules["red"].precision) == (4, None)
    page = sign_in(company.supervisor).get("/reports/churn/backtest/customers/?alert=red")
    assert page.context["pager"].total == 4
    assert "—" in texts(sign_in(company.supervisor).get(PAGE), "#table-0 td")  # fewer than five alerts


def test_who_left_the_view_does_not_count_as_judged(company):
    """With four order days at the end of February, one with three; one moved inside the view, one out of it before."""
    end, before = date(2026, 2, 28), date(2026, 1, 31)
    days = ("2025-11-05", "2025-12-05", "2026-01-05", "2026-02-05")
    for month_end, eligible in ((end, 4), (before, 3)):
        BacktestMonth.objects.create(month_end=month_end, manager=company.manager, eligible=eligible)
    stay, leave, young, inside = (factories.CustomerFactory(manager=company.manager) for _ in range(4))
    for customer in (stay, leave, young, inside):
        Ownership.objects.filter(customer=customer).update(since=datetime(2025, 1, 1, tzinfo=UTC))
        for place, day in enumerate(days[customer == young :]):
            factories.order(customer, number=f"{customer.pk}-{place}", ordered_at=f"{day} 10:00+08:00")
    assert eligible_by_month(company.supervisor) == {end: 4, before: 3}
    for customer, to in ((leave, company.stranger), (young, company.stranger), (inside, company.eastern)):
        Customer.objects.filter(pk=customer.pk).update(manager=to)
        begin_ownership([customer.pk], to, datetime(2026, 4, 1, tzinfo=UTC), "移交")
    assert eligible_by_month(company.supervisor) == {end: 3, before: 3}
    assert eligible_by_month(company.executive) == {end: 4, before: 3}
    leave.refresh_from_db()
    leave.share(company.supervisor, by=company.outsider, kind="view")
    assert eligible_by_month(company.supervisor) == {end: 4, before: 3}


def eligible_by_month(user):
    figures = backtest_figures(factories.fresh(user), EVERYBODY)
    return {month.month_end: month.eligible for month in figures.months}


def test_the_largest_misses_say_why(company, sign_in):
    end, customer = date(2026, 2, 28), factories.CustomerFactory(name="海河水务", manager=company.manager)
    days = ("2025-12-01", "2025-12-31", "2026-01-30", "2026-02-20", "2026-03-02")
    for place, day in enumerate(days):
        factories.order(customer, number=f"D{place}", ordered_at=f"{day} 10:00+08:00")
    BacktestMonth.objects.create(month_end=end, manager=company.manager, eligible=2)
    kept(company, end, gone=True, customer=customer)
    kept(company, end, light="red", gone=True, name="亮过灯的")
    client = sign_in(company.supervisor)
    (row,) = find_all(client.get(PAGE), "#table-2 tbody tr")
    assert [text(cell) for cell in row.cssselect("td")] == [
        "海河水务", "周经理", show_day(date(2026, 2, 28)), "没有亮灯", show_day(date(2026, 2, 20)),
        "上次下单到月末只有 8 天，还看不出来",
    ]  # fmt: skip
    assert urls(row) == [customer.get_absolute_url()]
    page = client.get("/reports/churn/backtest/customers/?missed=red")
    assert "海河水务" in text(find(page, "#list"))
    assert "亮过灯的" not in text(find(page, "#list"))


def test_the_churn_report_leads_there_and_an_empty_company_is_told_what_it_takes(company, sign_in):
    client = sign_in(company.supervisor)
    assert PAGE in urls(find(client.get("/reports/churn/"), "main"))
    assert "至少有 4 个下单日" in text(find(client.get(PAGE), "main"))
