"""Which rows a person sees, at scale: PostgreSQL reads them from indexes, whatever was shared with them."""

from __future__ import annotations

from itertools import cycle

import pytest
from django.contrib.auth.models import Permission
from django.db import connection

from accounts.models import User
from accounts.scopes.grants import VIEW_GRANT
from customers.models import Customer, CustomerGrant
from kit.sql.counts import build_count, count_capped, inline_params
from kit.sql.id_sets import IdSet
from marketing.models import Opportunity, OpportunityGrant
from services.models import ServiceRequest
from tests import factories

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.postgres,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="query plans of PostgreSQL"),
]
ROWS, GRANTS, DEPARTMENTS = 20_000, 1000, 10
LISTS = (Customer, Opportunity)


@pytest.fixture
def people(company):
    """Ten departments of two under the supervisor, and as many people elsewhere."""
    teams = [factories.DepartmentFactory(parent=company.sales) for _ in range(DEPARTMENTS)]
    role = company.manager.groups.get()
    users = [User(username=f"in{n}", name=f"内{n}", department=teams[n % DEPARTMENTS]) for n in range(20)]
    users += [User(username=f"out{n}", name=f"外{n}", department=company.other) for n in range(20)]
    User.objects.bulk_create(users)
    role.user_set.add(*users)
    return users


@pytest.fixture
def rows(people, company):
    """Half of the rows lie in the supervisor's scope; a thousand of the others are shared with them and a manager."""
    owners = cycle(people)
    Customer.objects.bulk_create(
        Customer(name=f"甲{n}", number=f"K{n}", name_pinyin=f"jia{n}", manager=next(owners)) for n in range(ROWS)
    )
    Opportunity.objects.bulk_create(
        Opportunity(customer_name=f"乙{n}", summary="泵", success_rate=1, created_by=next(owners)) for n in range(ROWS)
    )
    for person in (company.supervisor, company.manager):
        share(Customer, CustomerGrant, person, manager__username__startswith="out")
        share(Opportunity, OpportunityGrant, person, created_by__username__startswith="out")
    User.objects.filter(pk__in=[company.supervisor.pk, company.manager.pk]).update(receives_shares=True)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def share(model, grants, person, **elsewhere):
    permission = Permission.objects.get(codename=f"{VIEW_GRANT}_{model._meta.model_name}")
    keys = model.objects.filter(**elsewhere).order_by("pk").values_list("pk", flat=True)[:GRANTS]
    grants.objects.bulk_create(
        grants(content_object_id=key, user=person, permission=permission, by=person) for key in keys
    )


@pytest.mark.usefixtures("rows")
def test_lists_of_a_wide_and_of_a_narrow_scope_are_read_from_indexes(company):
    for name in ("supervisor", "manager"):
        person = factories.fresh(getattr(company, name))
        for model in LISTS:
            visible = model.objects.visible_to(person)
            expected = (ROWS // 2 if name == "supervisor" else 0) + GRANTS
            assert visible.count() == expected, (name, model)
            plan = visible.order_by("-created_at", "-pk")[:20].explain()
            assert "Seq Scan" not in plan, plan
            assert "Limit" in plan
        shown = ServiceRequest.objects.visible_to(person).order_by("-created_at", "-pk")[:20].query
        assert str(shown).count("ANY") >= 2


@pytest.fixture
def wide(rows, people, company):
    """The manager sees a quarter of all rows through the department, and the thousand shared with them."""
    colleagues = people[: len(people) // 4]  # each keeps as many rows
    User.objects.filter(pk__in=[user.pk for user in colleagues]).update(department=company.manager.department)
    return factories.fresh(company.manager)


def plan_of(sql, params):
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}", params)
        return "\n".join(line for (line,) in cursor.fetchall())


@pytest.mark.parametrize("model", LISTS)
def test_what_one_sees_of_a_department_and_by_grants_is_counted_from_indexes(wide, model):
    visible = model.objects.visible_to(wide)
    plan = plan_of(*inline_params(connection, *build_count([(visible, ROWS)])))
    assert "Seq Scan" not in plan, plan
    assert count_capped([(visible, ROWS)]) == [ROWS // 4 + GRANTS]


@pytest.mark.parametrize("model", LISTS)
def test_control_counted_as_one_condition_the_whole_table_is_read(wide, model):
    assert "Seq Scan" in plan_of(*model.objects.visible_to(wide).values("pk").query.sql_with_params())


@pytest.mark.usefixtures("rows")
def test_control_the_plan_of_a_scope_or_exists_is_the_scan_we_avoid(company):
    shared = CustomerGrant.objects.filter(user=company.manager).values("content_object")
    rows = Customer.objects.filter(manager=company.manager) | Customer.objects.filter(pk__in=shared)
    assert "Seq Scan on customers_customer" in rows.order_by("-created_at", "-pk").explain()


def test_many_ids_stand_in_the_statement_and_a_few_are_one_parameter():
    """The plan that is kept of a prepared statement knows only what stands in it: a thousand ids it has to know."""
    sql, params = Customer.objects.filter(manager__in=IdSet(range(1, 1001))).query.sql_with_params()
    assert (sql.count("998,999,1000}'::bigint[])"), params) == (1, ())
    sql, params = Customer.objects.filter(manager__in=IdSet(range(1, 9))).query.sql_with_params()
    assert (sql.count("ANY (%s::bigint[])"), params) == (1, ("{1,2,3,4,5,6,7,8}",))
