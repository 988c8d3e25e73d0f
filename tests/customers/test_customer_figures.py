"""The head figures and the card 健康 on the customer's page, and the same figures in the list of customers."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Role
from customers.insight import health as health_module
from customers.insight.health import health_of
from customers.insight.metrics import refresh_metrics
from customers.insight.models import alert_of
from customers.insight.nightly import refresh_all
from customers.insight.value import estimate_year, format_share, place_in_view
from customers.models import Customer, CustomerMetrics, Order
from kit.domain.days import add_months, midnight, show_day
from kit.domain.money import shorten_amount
from tests import factories
from tests.exports import export
from tests.html import find, find_all, text, texts, urls

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_holidays")]
AS_OF = date(2024, 11, 30)  # past on whatever day this runs
TODAY = timezone.localdate()
PEOPLE = ("manager", "colleague", "supervisor")


def sell(customer: Customer, *sales: tuple[date, str, str], as_of: date = AS_OF) -> None:
    """Store orders of (day, status, total), and the customer's figures as of a day."""
    for day, status, total in sales:
        number = f"{customer.pk}-{Order.objects.count()}"
        Order.objects.create(
            number=number, customer=customer, ordered_at=midnight(day), status=status, total=Decimal(total)
        )
    with transaction.atomic():
        refresh_metrics([customer.pk], as_of)


@pytest.fixture
def on_that_day(monkeypatch):
    monkeypatch.setattr(health_module, "orders_as_of", lambda: AS_OF)


def health(customer, person):
    return health_of(Customer.objects.select_related("metrics").get(pk=customer.pk), factories.fresh(person))


def tiles(page) -> dict[str, str]:
    """Return {label: figure and note} of the tiles."""
    return {text(find(tile, "span")): " ".join(texts(tile, "b, em")) for tile in find_all(page, "#figures > *")}


def lines(page) -> dict[str, str]:
    """Return {label: text} of 健康."""
    return {text(find(row, "li > span")): text(row) for row in find_all(page, "#health .health > li")}


def sum_of_rows(client, url: str) -> Decimal:
    """Return the sum of the amounts that a list of orders shows."""
    cells = texts(client.get(url), "tbody td.num[data-l]")
    return sum((Decimal(cell.replace(",", "").replace("−", "-")) for cell in cells), Decimal(0))


# D1


@pytest.mark.usefixtures("on_that_day")
def test_what_is_unpaid_is_summed_counted_and_as_old_as_its_oldest_order(company, customer, manager, settings):
    settings.CRM_UNPAID_DAYS = 121
    sell(customer, (date(2024, 8, 1), "unpaid", "10000"), (date(2024, 11, 20), "unpaid", "5000"))
    page = manager.get(customer.get_absolute_url())
    assert "15,000.00 元，2 张，最久 121 天" in lines(page)["应收"]
    assert find_all(page, "#health .late")
    assert "1.5万元" in tiles(page)["未回款"]
    (url,) = [url for url in urls(page, "#figures a") if "unpaid" in url]
    assert sum_of_rows(manager, url) == 15000
    assert "合计 2 张订单，15,000.00 元" in text(manager.get(url))
    Order.objects.filter(total=10000).update(status="paid")
    sell(customer)
    page = manager.get(customer.get_absolute_url())
    assert "5,000.00 元，1 张，最久 10 天" in lines(page)["应收"]
    assert not find_all(page, "#health .late")
    Order.objects.update(status="paid")
    sell(customer)
    assert "应收" not in lines(manager.get(customer.get_absolute_url()))


@pytest.mark.usefixtures("on_that_day")
def test_the_head_says_the_net_of_twelve_months_and_of_those_before_and_leads_to_the_rows(company, customer, manager):
    first_day = add_months(AS_OF, -12) + timedelta(days=1)
    sell(
        customer,
        (first_day, "paid", "40000.004"), (AS_OF, "unpaid", "20000"), (date(2024, 5, 1), "returned", "-5000"),
        (AS_OF, "cancelled", "7"), (AS_OF + timedelta(days=1), "paid", "9"),
        (first_day - timedelta(days=1), "paid", "44000"), (add_months(AS_OF, -24), "paid", "3"),
    )  # fmt: skip
    page = manager.get(customer.get_absolute_url())
    shown = tiles(page)
    assert shown["近 12 个月净额"] == "5.5万元 上一个 12 个月 4.4 万元，↑ 25.0%"
    assert shown["距上次下单"].startswith("0天")
    net, last = [url for url in urls(page, "#figures a") if "revenue" in url]
    assert sum_of_rows(manager, net) == Decimal("55000.00")
    assert sum_of_rows(manager, last) == Decimal(20000)
    assert "99,003.00 元" in lines(page)["价值"]  # 累计


@pytest.mark.parametrize(
    ("days", "total", "estimate"),
    [
        ([0, 30, 60, 100], "300", Decimal(1200) * 365 / 100),
        ([0, 100, 200, 500], "100", Decimal(300)),  # the first is out of the window
        ([0, 30, 100], "300", None),
        ([0, 20, 40, 89], "300", None),
        ([0, 30, 60, 100], "-1", None),
    ],
)
def test_the_year_to_come_needs_four_order_days_three_months_and_a_positive_net(customer, days, total, estimate):
    sell(customer, *((AS_OF - timedelta(days=day), "paid", total) for day in days))
    assert estimate_year(customer.metrics) == estimate


def test_a_red_alert_gives_no_estimate_and_says_its_pause(company, sign_in):
    red = factories.late_customer(company.manager, silent=90)
    amber = factories.late_customer(company.manager, silent=70)
    browser = sign_in(company.manager)
    assert "未来 12 个月估计" in lines(browser.get(amber.get_absolute_url()))["价值"]
    alert_of(red).pause(by=company.manager, until=TODAY + timedelta(days=30), reason="工厂搬迁")
    page = browser.get(red.get_absolute_url())
    assert texts(page, "#health header .st.red") == ["晚于惯常"]
    shown = lines(page)
    assert "估计" not in shown["价值"]
    assert "已 90 天未下单，为惯常的 2.6 倍" in shown["节奏"]
    assert f"暂不提醒至 {show_day(TODAY + timedelta(days=30))}：工厂搬迁" in shown["节奏"]
    assert "已过 56 天" in shown["下次下单"]
    assert tiles(page)["距上次下单"].startswith("90天 惯常约 34 天（23–49 天）")


def test_an_alert_is_paused_and_listed_from_the_card_by_the_customers_own_manager(company, sign_in):
    late = factories.late_customer(company.manager)
    actions = [f"/customers/churn/early/{late.pk}/pause/", f"/customers/churn/early/{late.pk}/warn/"]
    cards = {
        name: urls(find(sign_in(getattr(company, name)).get(late.get_absolute_url()), "#health")) for name in PEOPLE
    }
    assert {name: [url for url in card if url in actions] for name, card in cards.items()} == {
        "manager": actions,
        "colleague": [],
        "supervisor": [],
    }


def test_rank_and_share_are_those_among_the_customers_in_view(company, customer):
    near, far = (factories.CustomerFactory(manager=one, by=one) for one in (company.eastern, company.stranger))
    debtor = factories.CustomerFactory(manager=company.manager, by=company.manager)
    for one, total in ((customer, "300"), (near, "500"), (far, "1200"), (debtor, "-100")):
        sell(one, (AS_OF, "paid" if total[0] != "-" else "returned", total))
    expected = {"manager": (1, "100.0%"), "supervisor": (2, "37.5%"), "executive": (3, "15.0%")}
    for name, (rank, share) in expected.items():
        place = place_in_view(customer.metrics, factories.fresh(getattr(company, name)))
        assert (place.rank, format_share(place.share)) == (rank, share)
    assert place_in_view(debtor.metrics, factories.fresh(company.executive)) is None


def test_a_share_follows_the_next_night(company, customer):
    other = factories.CustomerFactory(manager=company.colleague, by=company.colleague)
    for one in (customer, other):
        sell(one, (AS_OF, "paid", "100"))
    supervisor = factories.fresh(company.supervisor)
    refresh_all(AS_OF)
    assert place_in_view(customer.metrics, supervisor).share == 50
    refresh_all(add_months(AS_OF, 12) - timedelta(days=1))
    Order.objects.create(number="L", customer=other, ordered_at=midnight(AS_OF), status="paid", total=200)
    refresh_all(AS_OF)
    assert place_in_view(customer.metrics, supervisor).share == 25


# Who sees what


def test_without_the_permission_or_without_orders_there_is_no_figure_of_orders(company, customer, sign_in):
    sell(customer, (AS_OF, "unpaid", "321"))
    role = Role.objects.get(code="account_manager")
    role.permissions.remove(*role.permissions.filter(codename="view_order"))
    browser = sign_in(company.manager)
    page = browser.get(customer.get_absolute_url())
    assert page.status_code == 200
    assert set(tiles(page)) <= {"进行中的机会", "未结服务"}
    assert not find_all(page, "#health")
    assert "321" not in text(page)
    listed = browser.get("/customers/?sort=-net_12m&net_from=1")
    assert "不能按「-net_12m」排序" in text(listed)
    assert "没有「net_from」这个条件" in text(listed)
    assert not [head for head in texts(listed, "th") if "近 12 个月" in head or "未回款" in head]
    role.permissions.add(Permission.objects.get(codename="view_order"))
    empty = factories.CustomerFactory(manager=company.manager, by=company.manager)
    page = sign_in(company.manager).get(empty.get_absolute_url())
    assert set(tiles(page)) == {"进行中的机会", "未结服务"}
    assert not find_all(page, "#health")


def test_open_work_counts_in_the_head_and_leads_to_its_rows(company, customer, manager):
    for rate in (10, 60):
        opportunity = factories.opportunity(
            company.manager, customer_name=customer.name, expected_amount=Decimal(40000), success_rate=rate
        )
        opportunity.assign(company.manager, by=company.supervisor)
    factories.opportunity(company.manager, customer_name=f"{customer.name}分厂")
    factories.service_request(company.manager, customer=customer)
    factories.service_request(company.manager)
    page = manager.get(customer.get_absolute_url())
    assert tiles(page)["进行中的机会"] == "2个 预计 8.0 万元"
    assert tiles(page)["未结服务"].startswith("1件 最近的应在")
    opportunities, requests = urls(page, "#figures a")
    assert len(find_all(manager.get(opportunities), "tbody tr")) == 2
    assert "合计 2 个机会，预计金额 80,000.00 元" in text(manager.get(opportunities))
    assert len(find_all(manager.get(requests), "tbody tr")) == 1


def test_the_figures_ask_the_same_number_of_queries_however_much_there_is(company, customer, manager):
    counts = set()
    for size in (4, 30):
        sell(customer, *((AS_OF - timedelta(days=day), "unpaid", "5") for day in range(size)))
        manager.get(customer.get_absolute_url())
        with CaptureQueriesContext(connection) as queries:
            health(customer, company.manager)
        counts.add(len(queries))
    assert len(counts) == 1
    assert max(counts) <= 14


# The list


@pytest.fixture
def ranked(company):
    """Customers of the manager with a net of 12 months of 300, 0 and 20, and two without figures."""
    made = [factories.CustomerFactory(manager=company.manager, by=company.manager) for _ in range(5)]
    sell(made[0], (AS_OF, "paid", "300"))
    sell(made[1])
    sell(made[2], (AS_OF, "unpaid", "20"))
    CustomerMetrics.objects.filter(customer__in=made[3:]).delete()
    return made


def names(page) -> list[str]:
    return [text(find(row, "td.m-t a")) for row in find_all(page, "tbody tr")]


@pytest.mark.parametrize(("sort", "order"), [("-net_12m", [0, 2, 1, 4, 3]), ("net_12m", [1, 2, 0, 3, 4])])
def test_customers_are_sorted_by_their_net_and_those_without_come_last(manager, ranked, sort, order):
    expected = [ranked[place].name for place in order]
    assert names(manager.get(f"/customers/?sort={sort}")) == expected
    rows = list(csv.DictReader(io.StringIO(export(manager, f"/customers/?sort={sort}").content.decode("utf-8-sig"))))
    assert [row["名称"] for row in rows] == expected


@pytest.mark.parametrize("sort", ["-net_12m", "-last_interaction_on", "unpaid_amount"])
def test_pages_of_a_sorted_list_hold_each_customer_once(manager, ranked, company, sort):
    more = [factories.CustomerFactory(manager=company.manager, by=company.manager) for _ in range(20)]
    CustomerMetrics.objects.filter(customer__in=more).delete()
    pages = [names(manager.get(f"/customers/?sort={sort}&page_size=10&page={page}")) for page in (1, 2, 3)]
    assert [len(page) for page in pages] == [10, 10, 5]
    assert len({name for page in pages for name in page}) == 25


def test_a_file_has_rhythm_and_unpaid_and_filters_find_them(manager, company):
    red = factories.late_customer(company.manager, silent=90)
    debtor = factories.CustomerFactory(manager=company.manager, by=company.manager)
    sell(debtor, (TODAY - timedelta(days=31), "unpaid", "77.5"), as_of=TODAY)
    content = export(manager, "/customers/").content.decode("utf-8-sig")
    rows = {row["名称"]: row for row in csv.DictReader(io.StringIO(content))}
    assert (rows[red.name]["节奏"], rows[debtor.name]["节奏"]) == ("晚于惯常", "")
    assert Decimal(rows[debtor.name]["未回款（元）"]) == Decimal("77.5")
    assert names(manager.get("/customers/?unpaid_days=30")) == [debtor.name]
    assert names(manager.get("/customers/?unpaid_days=31")) == []
    assert names(manager.get("/customers/?net_from=77&net_to=78")) == [debtor.name]
    new = factories.CustomerFactory(manager=company.manager, name="今天新建的客户")
    CustomerMetrics.objects.filter(customer=new).delete()  # before its first night
    for query in ("net_from=0", "net_to=0", "net_from=-5&net_to=78"):
        assert new.name in names(manager.get(f"/customers/?{query}"))
    for query in ("net_from=0.01", "net_to=-0.01"):
        assert new.name not in names(manager.get(f"/customers/?{query}"))


def test_money_at_risk_is_listed_and_added_up_for_who_may_see_alerts_alone(manager, company):
    red = factories.late_customer(company.manager, silent=90)
    sell(red, (TODAY - timedelta(days=100), "paid", "77.5"), as_of=TODAY)
    listed = manager.get("/customers/?at_risk=1")
    assert names(listed) == [red.name]
    assert "1 家，近 12 个月合计 6,077.50 元" in text(find(listed, ".qf"))
    role = Role.objects.get(code="account_manager")
    role.permissions.remove(*role.permissions.filter(codename="view_order"))
    assert "6,077.50" in text(manager.get("/customers/?at_risk=1"))
    assert all("合计" not in text(manager.get(f"/customers/?at_risk={value}")) for value in ("", "0", "false", "x"))
    role.permissions.remove(*role.permissions.filter(codename="view_churncase"))
    listed = manager.get("/customers/?at_risk=1")
    assert "没有「at_risk」这个条件" in text(listed)
    assert "合计" not in text(listed)


def test_a_customer_of_returns_alone_shows_their_negative_net(manager, company):
    customer = factories.CustomerFactory(manager=company.manager, by=company.manager)
    sell(customer, (TODAY, "returned", "-12.5"), as_of=TODAY)
    assert "−12.50" in texts(find(manager.get("/customers/"), "tbody"), "td")


@pytest.mark.parametrize(
    ("amount", "expected"),
    [("9999.994", "9,999.99 元"), ("10000", "1.0 万元"), ("-964018.5", "−96.4 万元"), ("108000000", "1.08 亿元")],
)
def test_a_tile_tells_an_amount_in_a_readable_unit(amount, expected):
    assert str(shorten_amount(Decimal(amount))) == expected
