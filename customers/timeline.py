"""Timeline of a customer, newest first: one table, written by all modules."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from kit.sql.transactions import in_transaction

from .querysets import all_customers

if TYPE_CHECKING:
    from .records.models import Customer  # it imports this module


class TimelineEntryQuerySet(models.QuerySet["TimelineEntry"]):
    def visible_to(self, user: User) -> TimelineEntryQuerySet:
        """Return the entries of visible customers."""
        return self.filter(customer__in=all_customers().visible_to(user))

    def newest(self) -> TimelineEntryQuerySet:
        return self.order_by("-at", "-pk")

    def before(self, at: datetime, pk: int) -> TimelineEntryQuerySet:
        """Return the entries after this position in newest(), by the index, however far down."""
        return self.filter(Q(at__lt=at) | Q(at=at, pk__lt=pk), at__lte=at)


class TimelineEntry(models.Model):
    class Kind(models.TextChoices):
        INTERACTION = "interaction", "交往"
        ORDER = "order", "订单"
        CHURN = "churn", "流失"
        OPPORTUNITY = "opportunity", "机会"
        SERVICE = "service", "服务"
        CUSTOMER = "customer", "客户"

    customer = models.ForeignKey("customers.Customer", models.CASCADE, related_name="timeline", verbose_name="客户")
    at = models.DateTimeField("时间")
    kind = models.CharField("类别", max_length=12, choices=Kind)
    text = models.CharField("内容", max_length=500)
    url = models.CharField("链接", max_length=200, blank=True)

    objects = TimelineEntryQuerySet.as_manager()

    class Meta:
        verbose_name = "客户动态"
        verbose_name_plural = "客户动态"
        indexes = [models.Index(fields=["customer", "-at", "-id"], name="customers_timeline")]
        constraints = [
            # A record with a page of its own has one entry: writing it again replaces it.
            models.UniqueConstraint(
                fields=["customer", "kind", "url"], condition=~models.Q(url=""), name="customers_timeline_once"
            )
        ]

    def __str__(self) -> str:
        return self.text

    @property
    def is_of_a_day(self) -> bool:
        """Show the day only: the hour of an interaction is that of its creation."""
        return self.kind == self.Kind.INTERACTION


@in_transaction
def add_timeline_entry(
    customer: Customer, kind: TimelineEntry.Kind, text: str, *, url: str = "", at: datetime | None = None
) -> None:
    """Write one entry; with a URL, replace the entry of that URL."""
    values = {"at": at or timezone.now(), "text": text[:500]}
    if url:
        TimelineEntry.objects.update_or_create(customer=customer, kind=kind, url=url, defaults=values)
    else:
        TimelineEntry.objects.create(customer=customer, kind=kind, **values)


@in_transaction
def add_timeline_entries(customers: Iterable[Customer], kind: TimelineEntry.Kind, text: str) -> None:
    """Write one entry per customer, at its creation time, in batches."""
    TimelineEntry.objects.bulk_create(
        (TimelineEntry(customer=one, at=one.created_at, kind=kind, text=text) for one in customers), batch_size=500
    )


@in_transaction
def remove_timeline_entry(customer: Customer, kind: TimelineEntry.Kind, url: str) -> None:
    """Delete the entry of this URL."""
    TimelineEntry.objects.filter(customer=customer, kind=kind, url=url).delete()
