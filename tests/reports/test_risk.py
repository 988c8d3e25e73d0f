"""风险金额: the parts add up to the rows they lead to, in everybody's scope, beside last month's end."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from basedata.models import SpecialDay, WorkCalendar
from customers.insight.models import alert_of
from customers.models import Customer, CustomerMetrics, RiskMonth
from kit.domain.money import format_yuan
from reports.queries.risk import PARTS, risk_figures
from tests import factories
from tests.html import find, find_all, text, texts

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate()
NETS = {"red": Decimal("1.10"), "paused": Decimal(20), "amber": Decimal(300), "warning": Decimal(4000)}


@pytest.fixture
def at_risk(company):
    """For the manager one customer of each kind, one that returned more than it bought; a red one of another branch."""
    SpecialDay.objects.all().delete()
    WorkCalendar.renew()
    silent = {"red": 90, "paused": 90, "amber": 70, "warning": 90, "deferred": 90, "returned": 90}
    made = {name: factories.late_customer(company.manager, silent=days) for name, days in silent.items()}
    alert_of(made["paused"]).pause(by=company.manager, until=TODAY + timedelta(days=9), reason="搬迁")
    for name in ("warning", "deferred"):
        case = alert_of(made[name]).list_as_warning(by=company.manager)
    case.defer(by=company.manager, kind=factories.entry("暂缓措施", "拜访"), text="拜访")
    made["eastern"] = factories.late_customer(company.eastern, silent=90)
    nets = {**NETS, "deferred": Decimal(50000), "returned": Decimal(-9), "eastern": Decimal(600000)}
    for name, net in nets.items():
        CustomerMetrics.objects.filter(customer=made[name]).update(net_12m=net)
    return company


def tiles(page):
    """Return {label: (figure, unit and note, URL)} of the first line of tiles."""
    line = find_all(page, ".kpis")[0]
    return {
        texts(tile, "span")[0]: (text(find(tile, "b")), text(find(tile, "em")), tile.get("href"))
        for tile in find_all(line, ".kpi")
    }


def test_each_part_leads_to_rows_that_add_up_to_it(at_risk, sign_in):
    client = sign_in(at_risk.supervisor)
    drawn = tiles(client.get(f"/reports/churn/?manager={at_risk.manager.pk}"))
    expected = {"晚于惯常": Decimal("21.10"), "该下单了": Decimal(300), "预警": Decimal(4000)}
    for label, amount in expected.items():
        figure, note, url = drawn[label]
        assert figure.replace("元", "") == format_yuan(amount)
        assert note == "上月末 —"
        rows = client.get(url)
        cells = [Decimal(cell.replace(",", "")) for cell in texts(rows, "td[data-l^='12 个月净额']")]
        assert sum(cells) == amount
        assert f"合计 {format_yuan(amount)} 元" in text(find(rows, "#list .qf > .sum"))
    assert drawn["暂缓流失"][0] == "5.0万元"
    assert drawn["风险金额"][0] == "5.4万元"
    rows = client.get(drawn["风险金额"][2])
    assert len(texts(rows, "tbody tr")) == len(NETS) + 1
    assert text(find(rows, "#list .qf > .sum")) == f"5 家，近 12 个月合计 {format_yuan(sum(NETS.values()) + 50000)} 元"
    assert text(find(client.get(drawn["暂缓流失"][2]), "#list .qf > .sum")) == "12 个月净额合计 50,000.00 元"


def test_each_customer_counts_once_in_the_scope_of_who_looks(at_risk):
    whole = sum(NETS.values()) + 50000
    assert risk_figures(factories.fresh(at_risk.manager)).now.total == whole
    assert risk_figures(factories.fresh(at_risk.eastern)).now.total == 600000
    assert risk_figures(factories.fresh(at_risk.executive)).now.total == whole + 600000


def test_an_executives_home_shows_it_beside_last_months_end(at_risk, sign_in):
    client = sign_in(at_risk.executive)
    assert tiles(client.get("/"))["风险金额"][:2] == ("65.4万元", "上月末 —")
    month_end = TODAY.replace(day=1) - timedelta(days=1)
    for manager in (at_risk.manager, at_risk.eastern):
        RiskMonth.objects.create(month_end=month_end, manager=manager, **dict.fromkeys(PARTS, Decimal("10.5")))
    earlier = month_end.replace(day=1) - timedelta(days=1)
    RiskMonth.objects.create(month_end=earlier, manager=at_risk.manager, **dict.fromkeys(PARTS, Decimal(99)))
    drawn = tiles(client.get("/"))
    assert (drawn["风险金额"][1], drawn["预警"][1]) == ("上月末 84.00 元", "上月末 21.00 元")
    assert risk_figures(factories.fresh(at_risk.manager)).before.total == 42
    assert tiles(client.get(f"/reports/churn/?manager={at_risk.eastern.pk}"))["晚于惯常"][:2] == (
        "60.0万元", "上月末 10.50 元",
    )  # fmt: skip
    name = Customer.objects.get(manager=at_risk.eastern).name
    figure, note, url = tiles(client.get(f"/reports/churn/?name={name}"))["风险金额"]
    assert (figure, note) == ("60.0万元", "上月末 —")
    assert len(texts(client.get(url), "tbody tr")) == 1
