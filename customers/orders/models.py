"""Orders, mirrored read-only from the company's sales system."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import TruncDate
from django.urls import reverse
from django.utils import timezone

from basedata.models import Product
from customers.querysets import CustomerQuerySet, OfCustomersQuerySet
from customers.records.models import Customer
from customers.records.ownership import owner_at
from kit.domain.past_dates import future_start, is_in_future, refuse_ahead


class OrderStatus(models.TextChoices):
    UNPAID = "unpaid", "未回款"
    PAID = "paid", "已回款"
    RETURNED = "returned", "退货"
    CANCELLED = "cancelled", "已取消"


# The only lists of statuses that count as revenue and as purchases. Orders dated in the future count as neither: the
# sync refuses them, and those stored by earlier releases wait for their day.
REVENUE_STATUSES = (OrderStatus.UNPAID, OrderStatus.PAID, OrderStatus.RETURNED)  # returns are negative
PURCHASE_STATUSES = (OrderStatus.UNPAID, OrderStatus.PAID)


def counts_as_revenue() -> Q:
    return Q(status__in=REVENUE_STATUSES, ordered_at__lt=future_start())


class OrderQuerySet(OfCustomersQuerySet["Order"]):
    view_permission = "customers.view_order"

    def revenue(self) -> OrderQuerySet:
        return self.filter(counts_as_revenue())

    def purchases(self) -> OrderQuerySet:
        return self.filter(status__in=PURCHASE_STATUSES, ordered_at__lt=future_start())

    def of_wrong_sign(self) -> OrderQuerySet:
        """Return orders whose total contradicts their status; the sync refuses them, earlier releases stored them."""
        positive_return = Q(status=OrderStatus.RETURNED, total__gt=0)
        return self.filter(positive_return | Q(status__in=PURCHASE_STATUSES, total__lt=0))

    def with_owner(self) -> OrderQuerySet:
        """Annotate owner: the customer's 客户经理 at the time of the order."""
        return self.annotate(owner=owner_at("customer", "ordered_at"))

    def mark_cancelled(self) -> int:
        """Cancel orders that a full feed no longer contains; return how many."""
        return self.update(status=OrderStatus.CANCELLED)


class Order(models.Model):
    Status = OrderStatus
    TONES = {"unpaid": "amber", "paid": "green", "returned": "red", "cancelled": "sq"}

    number = models.CharField("订单编号", max_length=50, unique=True)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="orders", verbose_name="客户")
    ordered_at = models.DateTimeField("日期", validators=[refuse_ahead])
    address = models.CharField("送货地址", max_length=300, blank=True)
    status = models.CharField("状态", max_length=10, choices=Status)
    total = models.DecimalField("总金额", max_digits=24, decimal_places=7, default=Decimal(0))  # exact Σ of the lines
    changed_at = models.DateTimeField("更新时间", null=True)  # as the sales system says
    # By which it came; of orders of earlier releases unknown.
    customer_key = models.CharField("来源客户编号", max_length=50, null=True, editable=False)

    objects = OrderQuerySet.as_manager()

    class Meta:
        verbose_name = "订单"
        verbose_name_plural = "订单"
        indexes = [
            models.Index(fields=["-ordered_at", "-id"], name="customers_order_newest"),
            models.Index(fields=["customer", "-ordered_at", "-id"], name="customers_order_of"),
            models.Index(fields=["changed_at"], name="customers_order_changed"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=("unpaid", "paid", "returned", "cancelled")), name="customers_order_status"
            )
        ]
        permissions = [("export_order", "导出订单")]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("customers:order_detail", args=[self.customer_id, self.pk])

    @property
    def lies_ahead(self) -> bool:
        """Dated in the future: such an order counts in no figure."""
        return is_in_future(self.ordered_at)


def refresh_last_purchases(customer_ids: Iterable[int] | None = None) -> int:
    """Set Customer.last_purchase_on to the Shanghai day of the latest purchase, or None; return how many changed.

    customer_ids: only these, in batches; None: all. Set-based.
    """
    latest = (
        Order.objects.purchases()
        .filter(customer=OuterRef("pk"))
        .order_by("-ordered_at")
        .annotate(day=TruncDate("ordered_at"))
        .values("day")[:1]
    )
    changed = 0
    for rows in _batches(customer_ids):
        customers = rows.annotate(latest=Subquery(latest))
        is_first = Q(last_purchase_on=None, latest__isnull=False)
        is_gone = Q(last_purchase_on__isnull=False, latest=None)
        is_other = Q(last_purchase_on__isnull=False, latest__isnull=False) & ~Q(last_purchase_on=F("latest"))
        changed += customers.filter(is_first | is_gone | is_other).update(last_purchase_on=Subquery(latest))
    return changed


def _batches(customer_ids: Iterable[int] | None) -> Iterator[CustomerQuerySet]:
    if customer_ids is None:
        yield Customer.objects.all()
        return
    keys = list(customer_ids)
    for start in range(0, len(keys), 500):
        yield Customer.objects.filter(pk__in=keys[start : start + 500])


class OrderLine(models.Model):
    order = models.ForeignKey(Order, models.CASCADE, related_name="lines", verbose_name="订单")
    line_number = models.PositiveIntegerField("行号")
    product = models.ForeignKey(Product, models.PROTECT, null=True, related_name="order_lines", verbose_name="产品")
    product_number = models.CharField("产品编号", max_length=50)  # as sent, also of an unknown product
    quantity = models.DecimalField("数量", max_digits=14, decimal_places=3)
    unit = models.CharField("单位", max_length=20, blank=True)
    unit_price = models.DecimalField("单价", max_digits=14, decimal_places=4)

    class Meta:
        verbose_name = "订单行"
        verbose_name_plural = "订单行"
        ordering = ["line_number", "pk"]
        constraints = [models.UniqueConstraint(fields=["order", "line_number"], name="customers_order_line_once")]

    def __str__(self) -> str:
        return f"{self.order_id} {self.line_number}"

    @property
    def amount(self) -> Decimal:
        """Exact product: quantity has three decimal places, the unit price four."""
        return self.quantity * self.unit_price


class ParkedOrder(models.Model):
    """待匹配订单: an order of an unknown customer, stored as received until somebody matches it."""

    number = models.CharField("订单编号", max_length=50, unique=True)
    customer_key = models.CharField("销售系统客户编号", max_length=50, db_index=True)
    ordered_at = models.DateTimeField("日期", null=True)
    status = models.CharField("状态", max_length=10, choices=OrderStatus)
    content = models.JSONField("内容", default=dict)  # the order and its lines, as texts
    parked_at = models.DateTimeField("暂存时间", default=timezone.now)

    class Meta:
        verbose_name = "待匹配订单"
        verbose_name_plural = "待匹配订单"
        ordering = ["customer_key", "number"]

    def __str__(self) -> str:
        return self.number
