"""Products bought together, computed monthly; what is no longer suggested to whom; how often the hints hit."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.models import User
from basedata.models import Product
from customers.orders.models import OrderQuerySet
from customers.querysets import OfCustomersQuerySet
from customers.records.locks import lock_current_customers
from customers.records.models import Customer
from kit.audit.log import log_event
from kit.domain.verdict import Verdict
from kit.transitions import creation, transition


class ProductPair(models.Model):
    """Of the customers who bought a in the last twelve months, how many also bought b. Computed monthly."""

    a = models.ForeignKey(Product, models.CASCADE, related_name="+", db_index=False, verbose_name="买过的产品")
    b = models.ForeignKey(Product, models.CASCADE, related_name="+", verbose_name="也买的产品")
    buyers_a = models.PositiveIntegerField("买过前者的客户")
    buyers_b = models.PositiveIntegerField("买过后者的客户")
    both = models.PositiveIntegerField("两样都买的客户")
    buyers = models.PositiveIntegerField("有订单的客户")

    class Meta:
        verbose_name = "产品搭配"
        verbose_name_plural = "产品搭配"
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["a", "b"], name="customers_product_pair_once")]

    def __str__(self) -> str:
        return f"{self.a_id} {self.b_id} {self.both}/{self.buyers_a}"

    @property
    def lift(self) -> Decimal:
        """Return how many times more often b is bought by buyers of a than by everybody, to one place."""
        ratio = Decimal(self.both * self.buyers) / (self.buyers_a * self.buyers_b)
        return ratio.quantize(Decimal("0.1"), ROUND_HALF_UP)


class HintPauseQuerySet(OfCustomersQuerySet["HintPause"]):
    view_permission = OrderQuerySet.view_permission  # hints come from orders


class HintPause(models.Model):
    """不再提示: a product that is no longer suggested for a customer."""

    customer = models.ForeignKey(
        Customer, models.CASCADE, related_name="hint_pauses", db_index=False, verbose_name="客户"
    )
    product = models.ForeignKey(Product, models.CASCADE, related_name="+", verbose_name="产品")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="操作人")
    at = models.DateTimeField("时间", default=timezone.now)

    objects = HintPauseQuerySet.as_manager()

    class Meta:
        verbose_name = "不再提示的产品"
        verbose_name_plural = "不再提示的产品"
        default_permissions = ()
        ordering = ["-at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["customer", "product"], name="customers_hint_pause_once")]

    def __str__(self) -> str:
        return str(self.product)

    def get_absolute_url(self) -> str:
        return self.customer.get_absolute_url()

    def locked_parent(self) -> Customer:
        return self.customer

    @creation("customers.change_customer", "不再提示", refusal="您的角色不能修改客户")
    @classmethod
    def create(cls, *, by: User, customer: Customer, product: Product) -> HintPause:
        """Suggest the product no longer for this customer; pausing it twice is the same as once."""
        lock_current_customers(customer, by=by)
        customer.can_contribute(by).enforce()
        pause, is_new = cls.objects.get_or_create(customer=customer, product=product, defaults={"by": by})
        if is_new:
            log_event(by, "不再提示", customer, 产品=product)
        return pause

    @transition("customers.change_customer", "恢复提示", refusal="您的角色不能修改客户")
    def resume(self, *, by: User) -> None:
        """Suggest the product again."""
        log_event(by, "恢复提示", self.customer, 产品=self.product)
        self.delete()

    @resume.guard
    def can_resume(self, by: User) -> Verdict:
        return self.customer.can_contribute(by)


class HintCheck(models.Model):
    """How many hints would have hit: those of 90 days ago, held against what was bought since. One row a month.

    Hints, the five best sellers and five products at random are compared over the same buyers. No view is logged.
    """

    month = models.DateField("月份", unique=True, editable=False)  # its first day
    as_of = models.DateField("数据截至", editable=False)
    split_on = models.DateField("提示日", editable=False)
    buyers = models.PositiveIntegerField("有订单的客户")  # of the twelve months before as_of
    compared = models.PositiveIntegerField(
        "比较的客户", default=0
    )  # with purchases in the twelve months before split_on
    shown = models.PositiveIntegerField("提示", default=0)
    bought = models.PositiveIntegerField("提示后买了", default=0)
    best_shown = models.PositiveIntegerField("最畅销的", default=0)
    best_bought = models.PositiveIntegerField("最畅销的买了", default=0)
    random_rate = models.DecimalField("随便挑的命中率", max_digits=6, decimal_places=3, null=True)  # percent, expected

    class Meta:
        verbose_name = "搭配提示检验"
        verbose_name_plural = "搭配提示检验"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"
