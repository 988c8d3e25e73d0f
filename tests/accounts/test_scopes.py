"""Which rows a person sees and changes: scopes, several roles, moved departments; what having made a row gives."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.urls import reverse

from accounts.models import Role, Scope, User
from accounts.scopes.rule import EDIT, VIEW, scope_includes, supervisors_of, user_ids_in_scope, widest_scope
from customers.models import Contact, Customer, Interaction
from marketing.models import Opportunity, PlanItem
from tests import factories

pytestmark = pytest.mark.django_db

RIGHT = "customers.view_customer"
# Whose customers a member of 销售部 sees and changes under each scope; 华北组 and 华东组 lie below, 海外部 beside.
REACH = {
    Scope.NONE: set(),
    Scope.SELF: {"self"},
    Scope.DEPARTMENT: {"self", "mate"},
    Scope.SUBTREE: {"self", "mate", "north", "east"},
    Scope.ALL: {"self", "mate", "north", "east", "other"},
}


@pytest.fixture
def owners(company):
    """One owner of a customer at each place around the person asking."""
    return {
        "self": factories.UserFactory(department=company.sales),
        "mate": factories.UserFactory(department=company.sales),
        "north": factories.UserFactory(department=company.north),
        "east": factories.UserFactory(department=company.east),
        "other": factories.UserFactory(department=company.other),
    }


@pytest.fixture
def customers(owners):
    return {place: factories.CustomerFactory(manager=owner) for place, owner in owners.items()}


def give_role(user, *, view=Scope.NONE, edit=Scope.NONE, permissions=("view_customer", "change_customer")):
    role = Role.objects.create(name=f"角色{Role.objects.count()}", view_scope=view, edit_scope=edit)
    role.permissions.set(Role.objects.get(code="sales_supervisor").permissions.filter(codename__in=permissions))
    user.groups.add(role)
    return factories.fresh(user)


def places(rows, customers):
    return {place for place, customer in customers.items() if customer in set(rows)}


@pytest.mark.parametrize("scope", Scope)
def test_a_view_scope_reaches_exactly_these_rows(owners, customers, scope):
    person = give_role(owners["self"], view=scope)
    expected = REACH[scope] | {"self"}  # their own they see whatever their scope
    assert places(Customer.objects.visible_to(person), customers) == expected
    assert places(Customer.objects.editable_by(person), customers) == set()


@pytest.mark.parametrize("scope", Scope)
def test_an_edit_scope_reaches_exactly_these_rows(owners, customers, scope):
    person = give_role(owners["self"], edit=scope)
    assert places(Customer.objects.editable_by(person), customers) == REACH[scope]
    assert {place for place, customer in customers.items() if customer.can_edit(person)} == REACH[scope]


@pytest.mark.parametrize("scope", Scope)
def test_rows_people_and_single_answers_agree(owners, scope):
    person = give_role(owners["self"], view=scope)
    people = user_ids_in_scope(person, RIGHT, VIEW)
    reached = {place for place, owner in owners.items() if scope_includes(person, RIGHT, VIEW, owner.pk)}
    assert reached == REACH[scope]
    if people is None:
        assert scope is Scope.ALL
    else:
        assert {place for place, owner in owners.items() if owner.pk in people} == REACH[scope]


def test_scopes_widen_in_order():
    assert [scope.width for scope in (Scope.NONE, Scope.SELF, Scope.DEPARTMENT, Scope.SUBTREE, Scope.ALL)] == [
        *range(5)
    ]


def test_several_roles_add_up_to_the_widest(owners, customers):
    give_role(owners["self"], view=Scope.SELF, edit=Scope.DEPARTMENT)
    person = give_role(owners["self"], view=Scope.SUBTREE, edit=Scope.NONE)
    assert (widest_scope(person, RIGHT, VIEW), widest_scope(person, RIGHT, EDIT)) == (Scope.SUBTREE, Scope.DEPARTMENT)
    assert places(Customer.objects.visible_to(person), customers) == REACH[Scope.SUBTREE]
    assert places(Customer.objects.editable_by(person), customers) == REACH[Scope.DEPARTMENT]


def test_a_wide_role_without_the_permission_widens_nothing(owners, customers):
    give_role(owners["self"], view=Scope.DEPARTMENT)
    person = give_role(owners["self"], view=Scope.ALL, edit=Scope.ALL, permissions=("view_opportunity",))
    assert places(Customer.objects.visible_to(person), customers) == REACH[Scope.DEPARTMENT]
    assert not Customer.objects.editable_by(person)


def test_without_the_permission_nothing_is_seen_not_even_ones_own(owners, customers):
    assert not Customer.objects.visible_to(owners["self"])
    person = give_role(owners["self"], view=Scope.ALL, permissions=("change_customer",))
    assert not Customer.objects.visible_to(person)


def test_without_a_department_a_department_scope_is_oneself(owners, customers):
    User.objects.filter(pk=owners["self"].pk).update(department=None)
    other = factories.UserFactory(department=None)
    factories.CustomerFactory(manager=other)
    for scope in (Scope.DEPARTMENT, Scope.SUBTREE):
        person = give_role(owners["self"], view=scope)
        assert list(Customer.objects.visible_to(person)) == [customers["self"]]


def test_an_owner_who_moves_takes_their_customers_along(company, owners, customers):
    person = give_role(owners["self"], view=Scope.SUBTREE)
    User.objects.filter(pk=owners["north"].pk).update(department=company.other)
    User.objects.filter(pk=owners["other"].pk).update(department=company.east)
    seen = places(Customer.objects.visible_to(factories.fresh(person)), customers)
    assert seen == {"self", "mate", "east", "other"}


def test_a_department_that_moves_takes_its_people_along(company, owners, customers):
    person = give_role(owners["self"], view=Scope.SUBTREE)
    company.north.parent = company.other
    company.north.save()
    assert places(Customer.objects.visible_to(factories.fresh(person)), customers) == {"self", "mate", "east"}


def test_a_person_who_moves_sees_the_rows_of_their_new_department(company, owners, customers):
    person = give_role(owners["self"], view=Scope.DEPARTMENT)
    User.objects.filter(pk=person.pk).update(department=company.north)
    assert places(Customer.objects.visible_to(factories.fresh(person)), customers) == {"self", "north"}


def test_customers_of_people_who_left_stay_in_scope(owners, customers):
    person = give_role(owners["self"], view=Scope.SUBTREE)
    User.objects.filter(pk=owners["north"].pk).update(is_active=False)
    assert "north" in places(Customer.objects.visible_to(factories.fresh(person)), customers)


@pytest.mark.parametrize("is_superuser", [False, True])
def test_a_disabled_person_sees_nothing(owners, customers, is_superuser):
    give_role(owners["self"], view=Scope.ALL, edit=Scope.ALL)
    User.objects.filter(pk=owners["self"].pk).update(is_active=False, is_superuser=is_superuser)
    person = factories.fresh(owners["self"])
    assert not Customer.objects.visible_to(person)
    assert not Customer.objects.editable_by(person)
    assert widest_scope(person, RIGHT, VIEW) is Scope.NONE


def test_a_superuser_sees_and_changes_everything(owners, customers):
    User.objects.filter(pk=owners["self"].pk).update(is_superuser=True)
    person = factories.fresh(owners["self"])
    assert places(Customer.objects.visible_to(person), customers) == set(customers)
    assert places(Customer.objects.editable_by(person), customers) == set(customers)


# Opportunities: the assignee's, before 指派 the creator's


def test_from_assignment_on_an_opportunity_is_its_assignees_and_no_more_its_creators(company):
    record = factories.assigned(company.manager, company.supervisor, company.eastern)
    for name in ("eastern", "supervisor", "executive"):
        assert record in Opportunity.objects.visible_to(getattr(company, name)), name
    for name in ("manager", "colleague", "stranger", "outsider", "administrator", "nobody"):
        assert record not in Opportunity.objects.visible_to(getattr(company, name)), name
    assert not Opportunity.objects.filter(Opportunity.objects.belonging_to(company.manager)).exists()
    assert not record.shows_details_to(company.manager)
    assert record not in Opportunity.objects.detailed_for(company.manager)


def test_before_it_is_assigned_an_opportunity_is_its_creators(company):
    record = factories.opportunity(company.eastern)
    for name in ("eastern", "supervisor", "executive"):
        assert record in Opportunity.objects.visible_to(getattr(company, name)), name
    for name in ("manager", "colleague", "stranger", "outsider"):
        assert record not in Opportunity.objects.visible_to(getattr(company, name)), name


def test_having_made_a_customer_gives_nothing(company):
    customer = factories.CustomerFactory(manager=company.eastern, by=company.manager)
    contact = factories.ContactFactory(customer=customer)
    talk = factories.interaction(customer, company.eastern)
    for rows, record in ((Customer, customer), (Contact, contact), (Interaction, talk)):
        assert record not in rows.objects.visible_to(company.manager)
        assert record in rows.objects.visible_to(company.eastern)
    assert customer not in Customer.objects.editable_by(company.manager)
    assert customer not in Customer.objects.detailed_for(company.manager)
    assert not customer.shows_details_to(company.manager)


def test_after_handing_over_the_former_owner_who_made_a_customer_finds_no_way_to_it(company, sign_in):
    customer = factories.CustomerFactory(name="海河泵业有限公司", manager=company.manager, by=company.manager)
    talk = factories.interaction(customer, company.manager)
    client = sign_in(company.manager)
    pages = (customer.get_absolute_url(), talk.get_absolute_url())
    assert [client.get(page).status_code for page in pages] == [200, 200]
    customer.transfer(company.eastern, by=company.supervisor, reason="换人")
    assert [client.get(page).status_code for page in pages] == [404, 404]
    for page in (reverse("customers:customer_list"), f"{reverse('search')}?q=海河泵业", reverse("notifications")):
        assert customer.get_absolute_url() not in client.get(page).content.decode(), page


def test_the_supervisors_of_a_person_are_those_whose_edit_scope_reaches_them(company):
    deputy = factories.person("sales_supervisor", name="组长", department=company.north)
    factories.person("sales_supervisor", name="离职", department=company.sales, is_active=False)
    assert set(supervisors_of(company.manager)) == {company.supervisor, deputy}
    assert supervisors_of(company.eastern) == [company.supervisor]
    assert supervisors_of(deputy) == [company.supervisor]


# As SQL: neither DISTINCT nor joins, so that rows can be locked and counted from an index

SCOPED = (Customer, Opportunity)


@pytest.mark.parametrize("model", [*SCOPED, Contact, PlanItem])
def test_visible_rows_are_asked_without_distinct_and_joins(company, model):
    for name in ("manager", "supervisor", "executive"):
        rows = model.objects.visible_to(getattr(company, name))
        sql = str(rows.query)
        assert "DISTINCT" not in sql, name
        assert " JOIN " not in sql, name
        assert not rows.query.distinct, name


@pytest.mark.parametrize("model", SCOPED)
def test_editable_rows_are_asked_without_distinct_and_joins(company, model):
    sql = str(model.objects.editable_by(company.supervisor).query)
    assert "DISTINCT" not in sql
    assert " JOIN " not in sql


def test_each_row_is_seen_once_however_many_roles_and_reasons(company):
    company.manager.groups.add(Role.objects.get(code="sales_supervisor"), Role.objects.get(code="executive"))
    person = factories.fresh(company.manager)
    record = factories.assigned(person, company.supervisor, person)
    assert list(Opportunity.objects.visible_to(person)) == [record]


def test_the_people_in_scope_are_read_once_per_request(company, django_assert_num_queries):
    person = factories.fresh(company.supervisor)
    with django_assert_num_queries(2):  # the permissions, the tree with its members
        for _ in range(3):
            str(Customer.objects.visible_to(person).query)
            str(Opportunity.objects.visible_to(person).query)
            scope_includes(person, "customers.change_customer", EDIT, company.manager.pk)


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no row locks")
@pytest.mark.parametrize("model", [*SCOPED, Contact, PlanItem])
def test_visible_rows_can_be_locked(company, model):
    record = factories.assigned(company.colleague, company.supervisor, company.manager)
    factories.plan_item(record, company.manager)
    factories.ContactFactory(customer=factories.CustomerFactory(manager=company.manager))
    for name in ("manager", "supervisor", "executive"):
        with transaction.atomic():
            rows = model.objects.visible_to(getattr(company, name)).select_for_update()
            assert len(rows) == 1, name
            assert "FOR UPDATE" in str(rows.query), name
