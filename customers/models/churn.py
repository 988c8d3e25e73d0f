"""客户流失: cases opened by the scan, deferred with measures, confirmed, won back or resolved by a purchase."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from basedata.models import entry_field

from .customer import Customer


class ChurnCaseQuerySet(models.QuerySet["ChurnCase"]):
    view_permission = "customers.view_churncase"

    def visible_to(self, user: User) -> ChurnCaseQuerySet:
        """A case is seen by whoever sees its customer and may see cases."""
        if not user.has_perm(self.view_permission):
            return self.none()
        return self.filter(customer__in=Customer.objects.visible_to(user))

    def open(self) -> ChurnCaseQuerySet:
        return self.filter(status__in=ChurnCase.OPEN)


class ChurnCase(models.Model):
    class Status(models.TextChoices):
        WARNING = "warning", "预警"
        DEFERRED = "deferred", "暂缓流失"
        CONFIRMED = "confirmed", "确认流失"
        RESOLVED = "resolved", "已解除"
        WON_BACK = "won_back", "已挽回"

    TONES = {"warning": "amber", "deferred": "violet", "confirmed": "red", "resolved": "sq", "won_back": "green sq"}
    OPEN = (Status.WARNING, Status.DEFERRED)

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="churn_cases", verbose_name="客户")
    status = models.CharField("状态", max_length=10, choices=Status, default=Status.WARNING, editable=False)
    opened_at = models.DateTimeField("预警时间", default=timezone.now, editable=False)
    last_purchase_on = models.DateField("上次下单时间", null=True, editable=False)  # the one it was opened on
    review_on = models.DateField("下次复核日期", null=True, editable=False)
    confirmed_at = models.DateTimeField("确认流失时间", null=True, editable=False)
    lost_reason = models.CharField("流失原因", max_length=500, blank=True, editable=False)
    lost_kind = entry_field("流失原因", "原因类别", null=True, editable=False)
    competitor = entry_field("竞争对手", "竞争对手", null=True, editable=False)
    win_back_note = models.CharField("挽回说明", max_length=500, blank=True, editable=False)
    closed_at = models.DateTimeField("结束时间", null=True, editable=False)  # resolved or won back
    version = models.PositiveIntegerField(default=0, editable=False)

    objects = ChurnCaseQuerySet.as_manager()

    class Meta:
        verbose_name = "客户流失"
        verbose_name_plural = "客户流失"
        indexes = [
            models.Index(fields=["status", "-opened_at", "-id"], name="customers_churn_status"),
            models.Index(fields=["status", "confirmed_at"], name="customers_churn_confirmed"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["customer"],
                condition=Q(status__in=("warning", "deferred")),
                name="customers_one_open_case",
                violation_error_message="该客户已有未结束的流失预警。",
            ),
            models.CheckConstraint(
                condition=Q(status__in=("warning", "deferred", "resolved"), confirmed_at=None)
                | (Q(status__in=("confirmed", "won_back"), confirmed_at__isnull=False) & ~Q(lost_reason="")),
                name="customers_confirmed_with_reason",
            ),
            models.CheckConstraint(
                condition=Q(status__in=("warning", "deferred", "confirmed"), closed_at=None)
                | Q(status__in=("resolved", "won_back"), closed_at__isnull=False),
                name="customers_case_closed",
            ),
        ]
        permissions = [
            ("handle_churncase", "处理客户流失（暂缓、确认、挽回）"),
            ("scan_churncase", "手工运行流失扫描"),
            ("export_churncase", "导出客户流失"),
        ]

    def __str__(self) -> str:
        return f"{self.customer}（{self.get_status_display()}）"

    def get_absolute_url(self) -> str:
        return reverse("customers:churn_detail", args=[self.pk])


class ChurnMeasure(models.Model):
    """One 暂缓措施: measures accumulate, none is changed."""

    case = models.ForeignKey(ChurnCase, models.CASCADE, related_name="measures", verbose_name="客户流失")
    kind = entry_field("暂缓措施", "措施类别")
    text = models.CharField("暂缓措施", max_length=500)
    review_on = models.DateField("下次复核日期")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="填写人")
    at = models.DateTimeField("填写时间", default=timezone.now)

    class Meta:
        verbose_name = "暂缓措施"
        verbose_name_plural = "暂缓措施"
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return self.text
