"""Statements that are compiled once: they say what the queryset says, on both databases and for every record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from customers.models import Contact, Order, TimelineEntry
from kit.sql.readers import NO_KEY, FixedQuery, FixedRows, as_datetime, put_key
from tests import factories

NOON = datetime(2026, 5, 4, 4, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.django_db
def test_records_are_those_of_the_queryset_with_their_types(company):
    newest = FixedRows(Order.objects.filter(customer=NO_KEY, status__in=("paid", "unpaid")).order_by("-ordered_at")[:2])
    for name in "AB":
        customer = factories.CustomerFactory(manager=company.manager)
        for day in range(3):
            factories.order(customer, number=f"{name}{day}", ordered_at=NOON + timedelta(days=day))
        read, plain = newest.of(customer.pk), list(customer.orders.order_by("-ordered_at")[:2])
        assert [vars(order) | {"_state": None} for order in read] == [vars(o) | {"_state": None} for o in plain]
        assert (read[0].total, read[0].ordered_at) == (plain[0].total, NOON + timedelta(days=2))
    assert newest.of(customer.pk + 1) == []


@pytest.mark.django_db
def test_annotations_and_related_managers(company):
    customer = factories.CustomerFactory(manager=company.manager)
    contact = factories.ContactFactory(customer=customer)
    rows = FixedRows(Contact.objects.filter(customer=NO_KEY).annotate(of=F("customer__name")))
    assert [(row, row.of) for row in rows.of(customer.pk)] == [(contact, customer.name)]
    entries = FixedRows(TimelineEntry.objects.filter(customer=NO_KEY).newest())
    assert entries.of(customer.pk) == list(customer.timeline.newest())


@pytest.mark.django_db
def test_datetimes_of_a_fixed_query_have_a_zone(company):
    order = factories.order(factories.CustomerFactory(manager=company.manager), ordered_at=NOON)
    ((at,),) = FixedQuery(Order.objects.values_list("ordered_at")).read()
    assert as_datetime(at) == order.ordered_at == NOON
    assert timezone.is_aware(as_datetime(at))


def test_datetimes_are_read_from_texts_and_without_a_zone():
    assert (
        as_datetime("2026-05-04 04:00:00.123456") == as_datetime(NOON.replace(tzinfo=None)) == as_datetime(NOON) == NOON
    )
    assert as_datetime(None) is None


def test_only_the_missing_key_is_put_in():
    assert put_key([NO_KEY, "paid", 0, NO_KEY, None], 7) == [7, "paid", 0, 7, None]
