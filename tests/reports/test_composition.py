"""客户构成分析: groups, shares, the month's end written down, and lists that count what the figure says."""

from __future__ import annotations

import io
from collections import Counter
from datetime import date
from decimal import Decimal

import openpyxl
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.users.by_department import department_choices, department_user_ids
from customers.models import Customer
from reports.models import CompositionSnapshot
from reports.queries.composition import BASES, STORED_BASES, composition, last_month_end, take_snapshot
from tests import factories
from tests.exports import export
from tests.html import find_all, text, texts, urls

pytestmark = pytest.mark.django_db
ADDRESS = "/reports/composition/"


def by_hand(rows, field):
    return Counter(getattr(row, field) for row in rows)


def current(user, **conditions):
    return list(Customer.objects.visible_to(factories.fresh(user)).filter(**conditions))


@pytest.mark.parametrize("key", ["level", "credit", "satisfaction", "region", "industry"])
@pytest.mark.parametrize("status", ["", "normal", "lost"])
def test_every_group_counts_its_customers(key, status, customers, company):
    conditions = {"status": status} if status else {}
    for user in (company.executive, company.supervisor):
        groups = composition(factories.fresh(user), key, status)
        attribute = f"{key}_id" if BASES[key].category else key
        expected = by_hand(current(user, **conditions), attribute)
        assert {g.value: g.customers for g in groups if g.customers} == {
            "null" if value is None else str(value): count for value, count in expected.items()
        }
    assert [group.label for group in composition(company.executive, "credit", "")] == [
        "5 星", "4 星", "3 星", "2 星", "1 星", "未填写"
    ]  # fmt: skip


def test_groups_without_customers_are_listed_in_the_order_of_the_dictionary(customers, company):
    labels = [group.label for group in composition(company.executive, "level", "")]
    assert labels == ["普通客户", "重点开发客户", "大客户", "合作伙伴", "战略合作伙伴", "未填写"]


def test_people_and_departments(customers, company):
    for user, people in ((company.executive, 3), (company.supervisor, 2)):
        visible = current(user)
        groups = composition(factories.fresh(user), "manager", "")
        assert {g.label: g.customers for g in groups if g.customers} == dict(Counter(str(c.manager) for c in visible))
        assert len([g for g in groups if g.customers]) == people
        groups = composition(factories.fresh(user), "department", "")
        homes = Counter(str(c.manager.department) for c in visible)
        assert {g.label: g.customers for g in groups if g.customers} == dict(homes)
    assert any(not group.customers for group in composition(company.executive, "manager", ""))  # nobody's customers


def test_a_department_is_chosen_with_or_without_those_below(company):
    offered = dict(department_choices(None))
    sales = str(company.sales.pk)
    assert offered[sales] == "销售部（含下级）"
    assert offered[f"={sales}"] == "销售部（本级）"
    assert offered[str(company.north.pk)] == "华北组"
    assert {company.manager.pk, company.eastern.pk, company.supervisor.pk} <= department_user_ids(sales)
    assert department_user_ids(f"={sales}") == {company.supervisor.pk, company.executive.pk}
    assert company.nobody.pk in department_user_ids("none")
    assert str(company.other.pk) not in dict(department_choices(frozenset({company.manager.pk})))


# The page


def rows_of(page):
    """Return [(cells, URLs)] of the table's body and foot."""
    table = find_all(page, "#table-0 tbody tr, #table-0 tfoot tr")
    return [(texts(row, "td"), urls(row)) for row in table]


@pytest.mark.parametrize("key", BASES)
def test_every_figure_leads_to_a_list_of_so_many_customers(key, customers, company, sign_in):
    client = sign_in(company.executive)
    rows = rows_of(client.get(ADDRESS, {"basis": key}))
    assert sum(int(cells[2]) for cells, _ in rows[:-1]) == int(rows[-1][0][2]) == 8
    assert sum((Decimal(cells[3].rstrip("%")) for cells, _ in rows[:-1]), Decimal(0)) == 100
    for cells, links in rows:
        assert bool(links) == (cells[2] != "0")
        if links:
            assert f"共 {cells[2]} 条记录" in text(client.get(links[0]))


def test_the_state_narrows_figures_and_lists_alike(customers, company, sign_in):
    client = sign_in(company.supervisor)
    rows = rows_of(client.get(ADDRESS, {"status": "lost"}))
    assert rows[-1][0][2] == "2"
    assert "共 2 条记录" in text(client.get(rows[-1][1][0]))


def test_an_empty_company_has_no_shares(company, sign_in):
    page = text(sign_in(company.executive).get(ADDRESS))
    assert "您的范围里还没有客户" in page


def test_wrong_conditions_get_a_message(customers, company, sign_in):
    page = sign_in(company.executive).get(ADDRESS, {"basis": "height"})
    assert "条件有误" in text(page)


def test_the_workbook(customers, company, sign_in):
    content = export(sign_in(company.executive), ADDRESS, "xlsx", basis="industry").content
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    cells = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert ["合计", 8, 100] in [row[1:4] for row in cells]
    assert len(sheet._charts) == 1


def test_the_same_few_queries_for_any_number_of_customers(customers, company, sign_in, django_assert_max_num_queries):
    client = sign_in(company.supervisor)
    for key in BASES:
        with django_assert_max_num_queries(14):
            client.get(ADDRESS, {"basis": key})


# The end of the month


def test_before_the_first_month_end_there_is_no_change(customers, company, sign_in):
    page = sign_in(company.executive).get(ADDRESS)
    rows = rows_of(page)[:-1]
    assert [cells[4] for cells, _ in rows] == ["—"] * len(rows) != []
    assert "还没有月末记录" in text(page)


def test_a_month_end_is_written_once_and_only_in_the_first_days(customers):
    assert take_snapshot(date(2026, 3, 4)) == "无需记录"
    assert not CompositionSnapshot.objects.exists()
    assert "2026-02-28" in take_snapshot(date(2026, 3, 1))
    assert take_snapshot(date(2026, 3, 2)) == "无需记录"
    for key in STORED_BASES:
        rows = CompositionSnapshot.objects.filter(basis=key, on=date(2026, 2, 28))
        assert sum(row.customers for row in rows) == 8


@pytest.mark.parametrize("key", BASES)
def test_changes_are_against_the_end_of_last_month_in_view(key, customers, company):
    """Since then one customer of the supervisor's was lost for good, one is new, one moved to another level."""
    take_snapshot(timezone.localdate().replace(day=1))
    assert CompositionSnapshot.objects.filter(on=last_month_end(timezone.localdate())).exists()
    customers[3].remove(by=company.supervisor)
    customers[6].edit(by=company.manager, level=factories.entry("客户等级", "大客户"))
    factories.CustomerFactory(manager=company.eastern, level=factories.entry("客户等级", "合作伙伴"))
    groups = composition(factories.fresh(company.supervisor), key, "")
    assert sum(group.change for group in groups) == 0
    if key == "level":
        changed = {group.label: group.change for group in groups if group.change}
        assert changed == {"战略合作伙伴": -1, "普通客户": -1, "大客户": 1, "合作伙伴": 1}
    if key == "manager":
        assert {group.label: group.change for group in groups if group.change} == {"周经理": -1, "王华东": 1}


def test_a_shared_customer_is_counted_but_does_not_pretend_growth(customers, company):
    take_snapshot(timezone.localdate().replace(day=1))
    customers[2].share(company.supervisor, by=company.outsider, kind="view")
    groups = composition(factories.fresh(company.supervisor), "level", "")
    assert sum(group.customers for group in groups) == 7
    assert sum(group.change for group in groups) == 0


def test_customer_counts_are_cached_until_one_is_written(customers, company):
    def counted():
        with CaptureQueriesContext(connection) as asked:
            groups = composition(factories.fresh(company.executive), "level", "")
        whole = {group.label: group.customers for group in groups}
        return whole["大客户"], len([one for one in asked if "GROUP BY" in one["sql"]])

    first, statements = counted()
    assert statements == 1
    assert counted() == (first, 0)
    other = Customer.objects.current().exclude(level=factories.entry("客户等级", "大客户")).first()
    Customer.objects.filter(pk=other.pk).update(level=factories.entry("客户等级", "大客户"))
    assert counted() == (first + 1, 1), "a statement that no model method sends"
    Customer.objects.filter(pk=other.pk).update(deleted_at=timezone.now())
    assert counted()[0] == first
