"""What a customer's orders and interactions come to, one row a customer: read by lists and pages, computed in insight/.

A customer that was made since the last night run may have no row yet.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.db import models
from django.db.models import Q

from kit.sql.transactions import in_transaction

from .models import Customer


class CustomerMetrics(models.Model):
    """Everything about orders is as of computed_for; see customers/insight/metrics.py for how it is computed.

    f_class, m_class and score compare all customers with each other: only the night run writes them.
    """

    customer = models.OneToOneField(
        Customer, models.CASCADE, primary_key=True, related_name="metrics", verbose_name="客户"
    )
    first_order_on = models.DateField("首次下单", null=True, editable=False)
    last_order_on = models.DateField("上次下单", null=True, editable=False)
    order_days = models.PositiveIntegerField("下单天数", default=0, editable=False)
    order_days_12m = models.PositiveIntegerField("12 个月下单天数", default=0, editable=False)
    net_12m = models.DecimalField("12 个月净额", max_digits=24, decimal_places=7, default=Decimal(0), editable=False)
    net_total = models.DecimalField("累计净额", max_digits=24, decimal_places=7, default=Decimal(0), editable=False)
    usual_days = models.PositiveIntegerField("惯常间隔", null=True, editable=False)  # counted days
    low_days = models.PositiveIntegerField("惯常间隔从", null=True, editable=False)
    high_days = models.PositiveIntegerField("惯常间隔到", null=True, editable=False)
    expected_on = models.DateField("预计下次下单", null=True, editable=False)
    late_from = models.DateField("该下单了自", null=True, editable=False)
    alarm_from = models.DateField("晚于惯常自", null=True, editable=False)
    unpaid_amount = models.DecimalField("未回款", max_digits=24, decimal_places=7, default=Decimal(0), editable=False)
    unpaid_count = models.PositiveIntegerField("未回款订单", default=0, editable=False)
    unpaid_since = models.DateField("未回款自", null=True, editable=False)  # day of the oldest unpaid order
    last_interaction_on = models.DateField("上次交往", null=True, editable=False)
    f_class = models.PositiveSmallIntegerField("频次档", null=True, editable=False)
    m_class = models.PositiveSmallIntegerField("金额档", null=True, editable=False)
    score = models.PositiveSmallIntegerField("分数", null=True, editable=False)
    scored_on = models.DateField("评分日期", null=True, editable=False)
    computed_for = models.DateField("数据截至", null=True, editable=False)

    class Meta:
        verbose_name = "客户指标"
        verbose_name_plural = "客户指标"
        default_permissions = ()
        indexes = [
            models.Index(fields=["late_from"], name="customers_metrics_late"),
            models.Index(fields=["net_12m", "customer"], name="customers_metrics_net"),
            models.Index(fields=["last_order_on", "customer"], name="customers_metrics_last_order"),
            models.Index(fields=["last_interaction_on", "customer"], name="customers_metrics_talked"),
            models.Index(fields=["unpaid_amount", "customer"], name="customers_metrics_unpaid"),
            models.Index(
                fields=["unpaid_since"], condition=Q(unpaid_since__isnull=False), name="customers_metrics_oldest"
            ),
        ]

    def __str__(self) -> str:
        return str(self.customer)


def metrics_of(customer: Customer) -> CustomerMetrics:
    """Return the customer's figures; empty ones where none were computed yet."""
    return CustomerMetrics.objects.filter(customer=customer).first() or CustomerMetrics(customer=customer)


@in_transaction
def store_last_interaction(customer: Customer, day: date | None) -> None:
    """Set the day of the customer's last interaction; the row is made where there is none."""
    CustomerMetrics.objects.bulk_create(
        [CustomerMetrics(customer=customer, last_interaction_on=day)],
        update_conflicts=True,
        unique_fields=["customer"],
        update_fields=["last_interaction_on"],
    )
