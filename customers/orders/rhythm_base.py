"""The base of all rhythms, made once a month from the orders and kept, so that a customer's figures stay comparable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import groupby

from django.db import models
from django.utils import timezone

from basedata.calendar.counted_days import current_counted_days
from customers.records.models import Customer
from kit.domain.days import midnight
from kit.sql.id_sets import IdSet

from .models import Order
from .rhythm import DEFAULT_BASE, MIN_ORDER_DAYS, Base, Spread, base_of, measure_spread

BATCH = 10_000  # customers


class RhythmBase(models.Model):
    month = models.DateField("月份", unique=True, editable=False)  # its first day
    mu = models.FloatField("对数均值")
    sigma2 = models.FloatField("对数方差")
    customers = models.PositiveIntegerField("客户数")  # with three intervals or more

    class Meta:
        verbose_name = "下单节奏基准"
        verbose_name_plural = "下单节奏基准"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"

    @property
    def values(self) -> Base:
        return Base(self.mu, self.sigma2)


def base_for(day: date) -> Base:
    """Return the base of the day's month, or the latest before: the night run makes a month's own."""
    row = RhythmBase.objects.filter(month__lte=day).order_by("-month").first()
    return row.values if row else DEFAULT_BASE


def ensure_base(as_of: date) -> Base:
    """Return the base of the month, made now from the orders up to that day when the month has none."""
    month = as_of.replace(day=1)
    row = RhythmBase.objects.filter(month=month).first()
    if row is None:
        spreads = list(_read_spreads(as_of))
        base = base_of(spreads)
        values = {"mu": base.mu, "sigma2": base.sigma2, "customers": len(spreads)}
        row, _ = RhythmBase.objects.get_or_create(month=month, defaults=values)
    return row.values


def _read_spreads(as_of: date) -> Iterator[Spread]:
    """Yield the spread of every customer with three intervals or more."""
    calendar = current_counted_days()
    for keys in batches_of_customers():
        for _, days in order_days(keys, as_of):
            if len(days) >= MIN_ORDER_DAYS and (spread := measure_spread(days, calendar)):
                yield spread


def order_days(keys: IdSet, as_of: date) -> Iterator[tuple[int, list[date]]]:
    """Yield (customer, order days up to that day), each day once and in order."""
    orders = Order.objects.purchases().filter(customer__in=keys, ordered_at__lt=midnight(as_of + timedelta(days=1)))
    rows = orders.order_by("customer_id", "ordered_at").values_list("customer_id", "ordered_at")
    zone = timezone.get_current_timezone()  # once: localdate() asks for it anew each time
    for customer, group in groupby(rows, key=lambda row: row[0]):
        yield customer, list(dict.fromkeys(at.astimezone(zone).date() for _, at in group))


def batches_of_customers(keys: Iterable[int] | None = None) -> Iterator[IdSet]:
    """Yield keys of customers in their order, BATCH at a time; keys: only these, None: all but merged ones."""
    if keys is not None:
        ordered = sorted(set(keys))
        yield from (IdSet(ordered[start : start + BATCH]) for start in range(0, len(ordered), BATCH))
        return
    last = 0
    rows = Customer.objects.filter(merged_into=None).order_by("pk").values_list("pk", flat=True)
    while batch := list(rows.filter(pk__gt=last)[:BATCH]):
        yield IdSet(batch)
        last = batch[-1]
