"""客户贡献分析: figures against plain Python on random orders, scope, time, drill-down, files."""

from __future__ import annotations

import csv
import io
import os
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import openpyxl
import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import User
from basedata.models import FeedPosition
from customers.models import Customer, Order
from customers.sync.engine import sync
from kit.audit.models import AuditEntry
from kit.domain.money import format_yuan
from reports.periods import Period
from reports.queries.contribution import ContributionCriteria, OwnerBasis, matching_customers, ranking, total_in, years
from tests import factories
from tests.exports import export
from tests.html import find, find_all, markup, text, texts, urls
from tests.reports.rows import SHANGHAI

pytestmark = pytest.mark.django_db
ADDRESS = "/reports/contribution/"
COUNTED = ("unpaid", "paid", "returned")


def sums(year=None, keys=None, counts=None):
    """Return {customer: amount}, added up by hand."""
    amounts = defaultdict(Decimal)
    for order in Order.objects.all():
        own_year = order.ordered_at.astimezone(SHANGHAI).year
        if (
            order.status not in COUNTED
            or order.ordered_at.astimezone(SHANGHAI).date() > date.today() + timedelta(days=1)  # does not count yet
            or (year and own_year != year)
            or (keys is not None and order.customer_id not in keys)
        ):
            continue
        if counts is not None and counts(order) is False:
            continue
        amounts[order.customer_id] += order.total
    return dict(amounts)


def computed(user, **criteria):
    result = ranking(factories.fresh(user), ContributionCriteria(**{"year": None, **criteria}))
    return {row.customer: row.amount for row in result[:]}


def test_figures_equal_an_addition_by_hand(trade, company):
    for year in (None, 2024, 2025, 2026):
        assert computed(company.executive, year=year) == sums(year)
    assert (
        years(factories.fresh(company.executive))
        == sorted({y for y in (2023, 2024, 2025, 2026, 2027) if sums(y)})[::-1]
    )


def test_totals_are_those_of_the_viewers_own_customers(trade, company):
    """The supervisor sees two of the three people's customers, and the one shared with them on top."""
    visible = set(Customer.objects.visible_to(factories.fresh(company.supervisor)).values_list("pk", flat=True))
    assert 0 < len(visible) < 12
    assert computed(company.supervisor, year=2025) == sums(2025, visible)
    hidden = next(customer for customer in trade if customer.pk not in visible and customer.pk in sums(2025))
    hidden.share(company.supervisor, by=company.outsider, kind="view")
    assert computed(company.supervisor, year=2025) == sums(2025, visible | {hidden.pk})


def test_people_are_todays_or_those_of_the_orders_date(trade, company):
    """The first customer changed hands on 1 March 2025."""
    colleagues = {
        customer.pk for customer in trade if Customer.objects.get(pk=customer.pk).manager == company.colleague
    }
    people = frozenset({company.colleague.pk})
    today = computed(company.executive, people=people)
    assert today == sums(keys=colleagues)
    moved, turn = trade[0].pk, datetime(2025, 3, 1, tzinfo=UTC)
    then = computed(company.executive, people=people, follow=OwnerBasis.AT_ORDER)
    assert then == sums(keys=colleagues, counts=lambda o: o.customer_id != moved or o.ordered_at >= turn)
    assert then != today
    former = computed(company.executive, people=frozenset({company.manager.pk}), follow=OwnerBasis.AT_ORDER)
    assert former[moved] + then[moved] == today[moved]


def test_a_cached_figure_is_never_stale(trade, company):
    before = computed(company.executive, year=2025)
    factories.order(trade[11], number="NEW", ordered_at=datetime(2025, 7, 1, tzinfo=UTC))
    assert computed(company.executive, year=2025) == before | {trade[11].pk: Decimal("12800.5")}
    visible = computed(company.supervisor, year=2025)
    moving = Customer.objects.filter(manager=company.stranger, pk__in=before)[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("customers.merging.bulk.possible_successors", lambda by: User.objects.all())
        moving.transfer(company.manager, by=company.outsider, reason="调整")
    assert computed(company.supervisor, year=2025) == visible | {moving.pk: before[moving.pk]}


def test_the_year_ends_at_midnight_in_shanghai(company, sign_in):
    customer = factories.CustomerFactory(manager=company.manager)
    factories.order(customer, number="OLD", ordered_at=datetime(2025, 12, 31, 15, 59, 59, tzinfo=UTC))
    factories.order(customer, number="NEW", ordered_at=datetime(2025, 12, 31, 16, tzinfo=UTC), lines=2)
    client = sign_in(company.executive)
    for year, amount in ((2025, "12,800.50"), (2026, "25,601.00"), ("all", "38,401.50")):
        assert [cells[3] for cells, _ in rows_of(client.get(ADDRESS, {"year": year}))] == [amount, amount]


@pytest.mark.parametrize("last", [date(2025, 2, 10), date(2025, 7, 20), date(2025, 12, 31)])
def test_a_part_of_a_year_is_the_same_from_either_side(last, trade, company):
    """Its orders, or the rollup less the orders after it."""
    user, ends = factories.fresh(company.supervisor), datetime.combine(last, time.max, SHANGHAI)
    for criteria in (
        ContributionCriteria(year=2026),
        ContributionCriteria(year=2026, people=frozenset({company.colleague.pk}), follow=OwnerBasis.AT_ORDER),
        ContributionCriteria(year=2026, name="客户0"),
    ):
        orders = Order.objects.revenue().with_owner().filter(customer__in=matching_customers(user, criteria))
        inside = [
            order.total
            for order in orders
            if order.ordered_at.astimezone(SHANGHAI).year == 2025
            and order.ordered_at <= ends
            and (not criteria.by_date or order.owner in criteria.people)
        ]
        assert total_in(Period(date(2025, 1, 1), last), user, criteria) == (sum(inside) if inside else None)


# The page


def rows_of(page):
    """Return [(cells, URLs)] of the table's body and foot, without the URLs of computed figures."""
    table = find_all(page, "#table-0 tbody tr, #table-0 tfoot tr")
    return [(texts(row, "td"), urls(row, "a[href]:not([title])")) for row in table]


@pytest.mark.parametrize(
    "query",
    [
        {"year": "2025"}, {"year": "all"}, {"year": "2025", "follow": "then", "manager": "colleague"},
        {"year": "2024", "department": "north"}, {"year": "2025", "name": "客户0"},
    ],
)  # fmt: skip
def test_every_figure_leads_to_the_orders_that_add_up_to_it(query, trade, company, sign_in):
    query = {
        name: getattr(company, value).pk if name in ("manager", "department") else value
        for name, value in query.items()
    }
    client = sign_in(company.executive)
    rows = rows_of(client.get(ADDRESS, {**query, "page_size": "50"}))
    assert len(rows) > 2
    for cells, links in rows:
        listed = [text(client.get(link)) for link in links if "/orders/" in link]
        amount, count = cells[3], cells[6]
        total_line = f"合计 {count} 张订单，{amount} 元"
        assert listed
        assert total_line in listed[0]
        assert total_line in listed[1]
        if len(listed) > 2:
            assert f"张订单，{cells[7]} 元" in listed[2]


def test_the_page_in_words_and_figures(trade, company, sign_in):
    page = sign_in(company.executive).get(ADDRESS, {"year": "2025", "page_size": "50"})
    expected = sums(2025)
    positive = sorted((amount for amount in expected.values() if amount > 0), reverse=True)
    body = rows_of(page)
    assert [row[0][3] for row in body[:-1]] == [
        format_yuan(amount) for amount in sorted(expected.values(), reverse=True)
    ]
    assert body[-1][0][1:5] == [f"合计 {len(expected)} 家", "", format_yuan(sum(expected.values())), "100.0%"]
    total, needed, running = sum(positive), 0, Decimal(0)
    for amount in positive:
        needed, running = needed + 1, running + amount
        if running >= total * 80 / 100:
            break
    tile = find(page, "a.kpi", containing="贡献 80% 的客户")
    assert text(find(tile, "span")) == "贡献 80% 的客户"
    assert text(find(tile, "b")).startswith(f"{needed}家 · 占 ")
    assert "2025年1月1日至2025年12月31日" in text(page)
    assert find_all(page, "main [role=img]") != []
    assert "数据截至" in text(page)
    growth = (sum(expected.values()) - sum(sums(2024).values())) * 100 / sum(sums(2024).values())
    assert (
        body[-1][0][8].replace("−", "-").strip("+% ").lstrip("+") == f"{growth.quantize(Decimal('0.1'), ROUND_HALF_UP)}"
    )


def test_customers_without_orders_on_request(trade, company, sign_in):
    client = sign_in(company.executive)
    assert "客户11有限公司" not in markup(client.get(ADDRESS, {"year": "2025", "page_size": "50"}))
    page = client.get(ADDRESS, {"year": "2025", "page_size": "50", "silent": "on"})
    assert next(row[0] for row in rows_of(page) if row[0][1] == "客户11有限公司")[2:7] == ["C", "0.00", "—", "—", "0"]


def test_a_running_year_is_compared_with_the_same_part_of_the_year_before(company, sign_in):
    """As far as the data go: they were read on 10 March."""
    customer = factories.CustomerFactory(manager=company.manager)
    year = timezone.localdate().year
    for number, day in (("A", (year, 3, 5)), ("B", (year - 1, 3, 10)), ("C", (year - 1, 3, 11))):
        factories.order(customer, number=number, ordered_at=datetime(*day, 4, tzinfo=UTC))
    for table in ("orders", "order_lines"):
        FeedPosition.objects.create(table=table, synced_at=datetime(year, 3, 10, 4, tzinfo=UTC))
    client = sign_in(company.executive)
    page = client.get(ADDRESS)
    assert f"{year}年1月1日至{year}年3月10日" in text(page)
    assert f"{year - 1} 年同期" in text(page)
    cells, links = rows_of(page)[0]
    assert cells[7:9] == ["12,800.50", "0.0%"]
    assert f"ordered_to={year - 1}-03-10" in links[-1]


@pytest.mark.parametrize(
    "query", ["year=1", "year=x", "department=77777", "manager=999999", "name=" + "长" * 101, "year=2025&name=%00"]
)
def test_wrong_conditions_get_a_message_and_compute_nothing(query, trade, company, sign_in):
    response = sign_in(company.executive).get(f"{ADDRESS}?{query}")
    assert response.status_code in (200, 400)
    assert find_all(response, "#table-0") == []


def test_an_empty_company_and_an_empty_result_say_what_to_do(company, sign_in):
    client = sign_in(company.executive)
    assert "还没有订单" in text(client.get(ADDRESS))
    assert "查无记录" in text(client.get(ADDRESS, {"name": "没有这家"}))
    assert export(client, ADDRESS, "xlsx").status_code == 302


def test_the_same_few_queries_for_many_rows(trade, company, sign_in, django_assert_max_num_queries):
    client = sign_in(company.supervisor)
    counted = []
    for size in ("10", "10", "50"):
        with django_assert_max_num_queries(18) as queries:
            assert client.get(ADDRESS, {"year": "2025", "page_size": size}).status_code == 200
        counted.append(len(queries))
    assert counted[1] == counted[2]


@pytest.mark.parametrize("permission", ["view_order", "view_customer"])
def test_users_without_orders_see_no_sums_of_them(permission, trade, company, sign_in):
    role = company.executive.groups.get()
    role.permissions.remove(role.permissions.get(codename=permission))
    page = sign_in(company.executive).get(ADDRESS, {"year": "all"})
    assert find_all(page, "table.tbl") == []
    assert "还没有订单" in text(page)


# Files


def test_the_workbook_holds_the_same_numbers_and_a_native_chart(trade, company, sign_in):
    client = sign_in(company.executive)
    response = export(client, ADDRESS, "xlsx", year="2025")
    book = openpyxl.load_workbook(io.BytesIO(response.content))
    sheet = book.worksheets[0]
    cells = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert cells[0][0] == "客户贡献分析"
    head = " ".join(str(row[0]) for row in cells[:12])
    assert "年份：2025 年" in head
    assert "导出时间" in head
    start = next(n for n, row in enumerate(cells) if row[0] == "序号") + 1
    body = [row for row in cells[start:] if isinstance(row[0], int)]
    expected = sorted(sums(2025).values(), reverse=True)
    assert [row[3] for row in body] == pytest.approx([float(amount) for amount in expected], abs=1e-6)
    assert cells[start + len(body)][3] == pytest.approx(float(sum(expected)), abs=1e-6)
    assert len(sheet._charts) == 1
    assert AuditEntry.objects.filter(verb="导出", object_text="客户贡献分析").count() == 1


def test_the_csv_holds_all_rows_in_the_requested_order(trade, company, sign_in):
    response = export(sign_in(company.executive), ADDRESS, "csv", year="2025", sort="amount")
    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert rows[0][:4] == ["序号", "客户名称", "ABC", "订单金额（元）"]
    assert [Decimal(row[3]) for row in rows[1:]] == sorted(sums(2025).values())


def test_names_in_files_are_no_formulas(company, sign_in):
    customer = factories.CustomerFactory(name="=HYPERLINK(1)公司", manager=company.manager)
    factories.order(customer)
    content = export(sign_in(company.executive), ADDRESS, "xlsx").content
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    cell = next(cell for row in sheet.iter_rows() for cell in row if cell.value == "=HYPERLINK(1)公司")
    assert cell.data_type == "s"


def test_only_holders_of_the_permission_export(trade, company, sign_in):
    role = company.executive.groups.get()
    role.permissions.remove(role.permissions.get(codename="export_reports"))
    client = sign_in(company.executive)
    assert export(client, ADDRESS, "xlsx").status_code == 403
    assert find_all(client.get(ADDRESS), "[name=export]") == []


# The real thing


@pytest.mark.skipif(not os.environ.get("CRM_SALES_DATA"), reason="slow: set CRM_SALES_DATA to a folder")
def test_real_wholesale_data_equal_an_addition_from_the_files(company, tmp_path):
    """Year totals, top ten and the customers with returns only, from the feed's own lines by csv and Decimal."""
    import gzip

    folder = Path(os.environ["CRM_SALES_DATA"])

    def table(name):
        with gzip.open(folder / f"{name}.csv.gz", "rt", encoding="utf-8-sig") as file:
            yield from csv.DictReader(file)

    call_command(
        "import_customers", str(folder / "customers.csv.gz"), manager=company.manager.username, create_regions=True
    )
    sync(str(folder))
    amounts = defaultdict(Decimal)
    for line in table("order_lines"):
        amounts[line["订单编号"]] += Decimal(line["数量"]) * Decimal(line["单价"])
    by_year, bought = defaultdict(lambda: defaultdict(Decimal)), defaultdict(set)
    for order in table("orders"):
        if order["状态"] != "已取消":
            by_year[int(order["日期"][:4])][order["客户编号"]] += amounts[order["订单编号"]]
            by_year[None][order["客户编号"]] += amounts[order["订单编号"]]
            bought[order["客户编号"]].add(order["状态"])
    names = dict(Customer.objects.values_list("pk", "external_number"))
    for year, expected in by_year.items():
        ranking_of_year = ranking(factories.fresh(company.executive), ContributionCriteria(year=year))
        assert {names[row.customer]: row.amount for row in ranking_of_year[:]} == expected
        assert ranking_of_year.total == sum(expected.values())
        top = sorted(expected.items(), key=lambda pair: -pair[1])[:10]
        assert [(names[row.customer], row.amount) for row in ranking_of_year[:10]] == top
    only_returns = {key for key, states in bought.items() if states == {"退货"}}
    assert len(only_returns) == 33
    everything = ranking(factories.fresh(company.executive), ContributionCriteria(year=None))
    assert only_returns <= {names[row.customer] for row in everything[everything.positive :]}
