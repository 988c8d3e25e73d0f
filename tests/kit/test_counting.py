"""Counting the rows of a list: alternative by alternative, by a statement cached for equal querysets."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest
from django.db.models import Count, F, Q
from django.utils import timezone

from customers.models import Customer
from kit.sql import counts
from kit.sql.alternatives import AlternativesQuerySet
from kit.sql.counts import LRUCache, count_capped
from kit.sql.id_sets import IdSet
from marketing.models import Opportunity
from services.models import ServiceRequest
from tests import factories

pytestmark = pytest.mark.django_db
MODELS = (Customer, Opportunity, ServiceRequest)
ENOUGH = 1000


def count(rows, cap=ENOUGH):
    return count_capped([(rows, cap)])[0]


@pytest.fixture
def mixed(company):
    """Records of every owner and creator, with and without an assignee, some shared with the colleague."""
    people = (company.manager, company.colleague, company.eastern, company.stranger)
    for owner, creator in product(people, people):
        customer = factories.CustomerFactory(manager=owner, by=creator)
        for fields in ({}, {"assignee": owner, "status": "assigned", "assigned_at": timezone.now()}):
            Opportunity.objects.filter(pk=factories.opportunity(creator).pk).update(**fields or {"version": 1})
            for link in ({"customer": customer}, {}):
                requests = ServiceRequest.objects.filter(pk=factories.service_request(creator, **link).pk)
                requests.update(**fields or {"version": 1}, keeper=owner)
    Customer.objects.filter(manager=company.manager, created_by=company.manager).update(created_by=None)
    for record in (Customer.objects.get(manager=company.stranger, created_by=creator) for creator in people[:3]):
        record.share(company.colleague, by=factories.fresh(company.outsider), kind="view")
    for record in Opportunity.objects.filter(assignee=company.eastern)[:3]:
        record.share(company.colleague, by=factories.fresh(company.supervisor), kind="view")
    return company


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", ["manager", "colleague", "eastern", "supervisor", "executive", "nobody"])
def test_alternatives_of_visible_rows_hold_every_row_once(mixed, model, name):
    rows = model.objects.visible_to(factories.fresh(getattr(mixed, name)))
    for queryset in (rows, rows.exclude(pk=model.objects.first().pk), rows.filter(created_by=mixed.manager)):
        parts = [set(part.values_list("pk", flat=True)) for part in queryset.disjoint_parts()]
        expected = set(queryset.values_list("pk", flat=True))
        assert sum(map(len, parts)) == len(expected)
        assert set().union(*parts) == expected
        assert count(queryset) == len(expected)
    by_one_condition = name in ("executive", "nobody") or (name, model) == ("supervisor", Customer)
    assert (len(rows.disjoint_parts()) == 1) is by_one_condition


def test_an_alternative_without_rows_is_left_out(company):
    factories.CustomerFactory(manager=company.manager)
    rows = Customer.objects.in_scope((Q(manager__in=IdSet()), Q(manager=company.manager.pk), Q(pk__in=IdSet())))
    assert [part.count() for part in rows.disjoint_parts()] == [0, 1, 0]
    assert (count(rows), rows.count()) == (1, 1)
    assert count(Customer.objects.in_scope((Q(manager__in=IdSet()), Q(pk__in=IdSet())))) == 0
    assert count(Customer.objects.in_scope(())) == 0


def test_alternatives_below_an_or_or_a_not_are_not_split(mixed):
    rows = Customer.objects.visible_to(factories.fresh(mixed.colleague))
    for whole in (rows | Customer.objects.filter(manager=mixed.stranger), Customer.objects.exclude(pk__in=rows)):
        assert not isinstance(whole, AlternativesQuerySet) or len(whole.disjoint_parts()) == 1
        assert count(whole) == whole.count() > 0


def test_rows_are_counted_as_they_are_where_their_conditions_are_not_known(mixed):
    """An annotation is no column: a condition on it says nothing without the annotation."""
    rows = Opportunity.objects.visible_to(factories.fresh(mixed.colleague))
    by_owner = rows.annotate(owner=F("assignee"))
    assert len(by_owner.filter(status="assigned").disjoint_parts()) > 1
    for narrowed in (by_owner.filter(owner=mixed.eastern.pk), by_owner.exclude(~Q(assignee=F("owner")))):
        assert narrowed.conditions is None
        assert count(narrowed) == narrowed.count() > 0
    assert count(by_owner.filter(owner=mixed.manager.pk)) != count(by_owner.filter(owner=mixed.eastern.pk))
    for changed in (rows.distinct(), rows.reverse()[:1], rows.using("default"), rows.none()):
        assert changed.conditions is None


def test_what_was_said_before_the_scope_holds_behind_it(mixed, django_assert_num_queries):
    person = factories.fresh(mixed.colleague)
    assert not Customer.objects.visible_to(person).query.select_related
    rows = Customer.objects.order_by("-pk").select_related("manager").filter(created_by=mixed.manager)
    shown = rows.visible_to(person)
    assert len(shown.disjoint_parts()) > 1
    with django_assert_num_queries(1):
        keys = [(customer.pk, customer.manager.name) for customer in shown]
    assert keys == sorted(keys, reverse=True)
    assert count(shown) == len(keys) > 0
    with django_assert_num_queries(1):
        assert [row.manager.name for row in Customer.objects.select_related("manager").visible_to(person)]


def test_a_cap_holds_for_the_parts_together(mixed):
    rows = Customer.objects.visible_to(factories.fresh(mixed.colleague))
    whole = rows.count()
    assert [count(rows, cap) for cap in (1, whole - 1, whole, whole + 1)] == [1, whole - 1, whole, whole]


def test_the_cached_statement_is_that_of_the_same_queryset(mixed):
    """Querysets that differ in one thing are not counted by each other's statement, in whatever order."""
    now = timezone.now()
    people = [factories.fresh(person) for person in (mixed.manager, mixed.colleague, mixed.supervisor)]
    querysets = [model.objects.visible_to(person) for model in MODELS for person in people]
    querysets += [rows.filter(created_at__lt=now - timedelta(days=days)) for rows in querysets[:3] for days in (-1, 1)]
    querysets += [Customer.objects.filter(Q(created_by=None)), Customer.objects.exclude(created_by=None)]
    querysets += [
        Opportunity.objects.filter(assignee__name="周经理"),
        Opportunity.objects.filter(created_by__name="周经理"),
        Opportunity.objects.exclude(assignee__name="周经理"),
        Opportunity.objects.filter(pk__in=Opportunity.objects.filter(created_by=mixed.manager)),
        Opportunity.objects.filter(pk__in=Opportunity.objects.filter(created_by=mixed.eastern)[:1]),
    ]
    expected = [len(rows.values_list("pk", flat=True)) for rows in querysets]
    for _ in range(2):
        assert [count(rows) for rows in querysets] == expected
        assert count_capped((rows, ENOUGH) for rows in reversed(querysets)) == expected[::-1]


def test_new_rows_are_counted_by_a_cached_statement(company):
    rows = Customer.objects.visible_to(factories.fresh(company.manager))
    assert count(rows) == 0
    factories.CustomerFactory(manager=company.manager)
    assert count(rows) == count(Customer.objects.visible_to(factories.fresh(company.manager))) == 1


def test_a_list_opened_again_is_counted_by_the_same_statement(company, sign_in, monkeypatch):
    """Conditions built from the same permissions in another request are equal, so nothing is compiled again."""
    factories.opportunity(company.manager)
    for person, path in product((company.manager, company.supervisor), ("/marketing/opportunities/", "/customers/")):
        client = sign_in(person)
        assert client.get(path).status_code == 200
        with monkeypatch.context() as patched:
            patched.setattr(counts, "build_count", compiled_again)
            assert client.get(path).status_code == 200


def compiled_again(querysets):
    raise AssertionError("the statement was compiled a second time")


def test_the_cache_drops_the_least_recently_used_statement():
    cache = LRUCache(2)
    for key in ("a", "b", "a", "c"):
        assert cache.get(key, lambda key=key: key.upper()) == key.upper()
    assert cache.get("a", lambda: "made anew") == "A"
    assert cache.get("b", lambda: "made anew") == "made anew"


def test_grouped_rows_are_counted_as_groups(company):
    for satisfaction in (3, 3, 4):
        factories.CustomerFactory(manager=company.manager, satisfaction=satisfaction)
    groups = [Customer.objects.order_by().values(name).annotate(n=Count("pk")) for name in ("satisfaction", "number")]
    assert [count(rows) for rows in groups] == [2, 3]
    assert [count(groups[0].filter(n__gt=least)) for least in (1, 0)] == [1, 2]
