"""What the alerts would have said at the ends of past months, computed monthly."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from accounts.models import User
from accounts.scopes.rule import VIEW, user_ids_in_scope
from customers.orders.models import OrderQuerySet
from customers.querysets import OfCustomersQuerySet
from customers.records.models import Customer, CustomerQuerySet

from .alerts import AlertLevel

LIGHTS = [("", "没有亮灯"), *AlertLevel.choices]


class BacktestMonthQuerySet(models.QuerySet["BacktestMonth"]):
    def visible_to(self, user: User) -> BacktestMonthQuerySet:
        """Return the months of the 客户经理 in view, for users who may see orders."""
        if not user.has_perm(OrderQuerySet.view_permission):
            return self.none()
        people = user_ids_in_scope(user, CustomerQuerySet.view_permission, VIEW)
        return self if people is None else self.filter(manager__in=people)


class BacktestMonth(models.Model):
    """预警回测: how many customers of a 客户经理 could be judged at the end of a month. Computed monthly."""

    month_end = models.DateField("截至", editable=False)
    manager = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name="当时的客户经理"
    )
    eligible = models.PositiveIntegerField("可判断")

    objects = BacktestMonthQuerySet.as_manager()

    class Meta:
        verbose_name = "预警回测"
        verbose_name_plural = "预警回测"
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["month_end", "manager"], name="customers_backtest_month_once")]

    def __str__(self) -> str:
        return f"{self.month_end} {self.manager_id} {self.eligible}"


class BacktestRowQuerySet(OfCustomersQuerySet["BacktestRow"]):
    view_permission = OrderQuerySet.view_permission

    def visible_to(self, user: User) -> BacktestRowQuerySet:
        """Return the rows of visible customers whose 客户经理 of that day is in view, as those of the months are."""
        people = user_ids_in_scope(user, CustomerQuerySet.view_permission, VIEW)
        rows = super().visible_to(user)
        return rows if people is None else rows.filter(manager__in=people)


class BacktestRow(models.Model):
    """A customer who would have had an alert at the end of a month, or who then did not order for 90 days."""

    month_end = models.DateField("截至", editable=False)
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="backtest_rows", verbose_name="客户")
    manager = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name="当时的客户经理"
    )
    light = models.CharField("灯", max_length=5, choices=LIGHTS, blank=True, default="")
    six = models.BooleanField("六个月没有下单")
    gone = models.BooleanField("其后 90 天没下单")

    objects = BacktestRowQuerySet.as_manager()

    class Meta:
        verbose_name = "预警回测的客户"
        verbose_name_plural = "预警回测的客户"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["month_end", "customer"], name="customers_backtest_row_once"),
            models.CheckConstraint(
                condition=~models.Q(light="", six=False, gone=False), name="customers_backtest_row_flagged"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month_end} {self.customer_id}"

    def get_absolute_url(self) -> str:
        return self.customer.get_absolute_url()
