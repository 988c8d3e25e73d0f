"""What happened with a customer, newest first: one table, written by whoever causes it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import User

if TYPE_CHECKING:
    from .customer import Customer  # customers write here themselves


class TimelineEntryQuerySet(models.QuerySet["TimelineEntry"]):
    def visible_to(self, user: User) -> TimelineEntryQuerySet:
        customers: Any = apps.get_model("customers", "Customer")
        return self.filter(customer__in=customers.objects.visible_to(user))

    def newest(self) -> TimelineEntryQuerySet:
        return self.order_by("-at", "-pk")

    def before(self, at: datetime, pk: int) -> TimelineEntryQuerySet:
        """Those that come after this place in newest(): found by the index, however far down."""
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
            # What has a page of its own stands in the timeline once: writing it again replaces it.
            models.UniqueConstraint(
                fields=["customer", "kind", "url"], condition=~models.Q(url=""), name="customers_timeline_once"
            )
        ]

    def __str__(self) -> str:
        return self.text

    @property
    def is_of_a_day(self) -> bool:
        """An interaction is known by its day; the hour is that of writing it down."""
        return self.kind == self.Kind.INTERACTION


def add_timeline_entry(
    customer: Customer, kind: TimelineEntry.Kind, text: str, *, url: str = "", at: datetime | None = None
) -> None:
    """Writes one entry. With an address the entry of that address is replaced. Call in the deed's transaction."""
    values = {"at": at or timezone.now(), "text": text[:500]}
    if url:
        TimelineEntry.objects.update_or_create(customer=customer, kind=kind, url=url, defaults=values)
    else:
        TimelineEntry.objects.create(customer=customer, kind=kind, **values)


def add_timeline_entries(customers: Iterable[Customer], kind: TimelineEntry.Kind, text: str) -> None:
    """One entry each, at the time the customer was made; inserted in batches. Call in the deed's transaction."""
    TimelineEntry.objects.bulk_create(
        (TimelineEntry(customer=one, at=one.created_at, kind=kind, text=text) for one in customers), batch_size=500
    )


def remove_timeline_entry(customer: Customer, kind: TimelineEntry.Kind, url: str) -> None:
    """Takes the entry of this address out. Call in the deed's transaction."""
    TimelineEntry.objects.filter(customer=customer, kind=kind, url=url).delete()
