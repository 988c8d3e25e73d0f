"""What belongs to a request: its rounds, who helps, and what was noted."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

STARS = [(score, f"{score} 星") for score in range(1, 6)]


class GivenBy(models.TextChoices):
    """Whose score it is: reports show the two apart."""

    CUSTOMER = "customer", "客户"
    MANAGER = "manager", "客户经理代录"


class ServiceRound(models.Model):
    """One handling and what the customer said about it; all rounds are kept."""

    request = models.ForeignKey(
        "services.ServiceRequest", models.CASCADE, related_name="rounds", verbose_name="服务请求"
    )
    number = models.PositiveSmallIntegerField("次数")
    handling = models.TextField("服务处理", max_length=3000)
    handled_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="处理人")
    handled_at = models.DateTimeField("处理时间", default=timezone.now)
    result = models.CharField("处理结果", max_length=500, blank=True)
    satisfaction = models.PositiveSmallIntegerField("满意度", choices=STARS, null=True)
    satisfaction_by = models.CharField("评价人", max_length=10, choices=GivenBy, blank=True)
    comment = models.CharField("客户留言", max_length=500, blank=True)
    closed_at = models.DateTimeField("反馈时间", null=True)
    # The link handed to the customer carries this key; a new link makes the former one worthless.
    rating_key = models.CharField(max_length=32, null=True, unique=True, editable=False)
    rating_until = models.DateTimeField("评价链接有效期至", null=True, editable=False)

    class Meta:
        verbose_name = "服务处理"
        verbose_name_plural = "服务处理"
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["request", "number"], name="services_round_number"),
            models.UniqueConstraint(fields=["request"], condition=Q(closed_at=None), name="services_one_open_round"),
            models.CheckConstraint(
                condition=Q(closed_at=None, satisfaction=None, satisfaction_by="")
                | (Q(closed_at__isnull=False, satisfaction__range=(1, 5)) & ~Q(satisfaction_by="") & ~Q(result="")),
                name="services_round_closed_with_score",
            ),
        ]

    def __str__(self) -> str:
        return f"第 {self.number} 次处理"

    @property
    def is_returned(self) -> bool:
        return self.satisfaction is not None and self.satisfaction < 3


class FormerLink(models.Model):
    """The key of a rating link that a newer one replaced: its holder is told so, a forged one gets nothing."""

    round = models.ForeignKey(ServiceRound, models.CASCADE, related_name="former_links", verbose_name="服务处理")
    key = models.CharField(max_length=32, unique=True, editable=False)

    class Meta:
        verbose_name = "旧评价链接"
        verbose_name_plural = "旧评价链接"

    def __str__(self) -> str:
        return str(self.round)


class ServiceHelper(models.Model):
    """协办人: sees the request and adds notes, never closes it."""

    request = models.ForeignKey(
        "services.ServiceRequest", models.CASCADE, related_name="helpers", verbose_name="服务请求"
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name="协办人")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="邀请人")
    at = models.DateTimeField("邀请时间", default=timezone.now)

    class Meta:
        verbose_name = "协办人"
        verbose_name_plural = "协办人"
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["request", "user"], name="services_helper_once", violation_error_message="已是协办人。"
            )
        ]

    def __str__(self) -> str:
        return str(self.user)


class ServiceNote(models.Model):
    """A remark of somebody who works on the request; none is changed."""

    request = models.ForeignKey(
        "services.ServiceRequest", models.CASCADE, related_name="notes", verbose_name="服务请求"
    )
    text = models.CharField("备注", max_length=1000)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="填写人")
    at = models.DateTimeField("填写时间", default=timezone.now)

    class Meta:
        verbose_name = "服务备注"
        verbose_name_plural = "服务备注"
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return self.text


class Draft(models.Model):
    """What somebody had typed into a form of a request and not saved yet: found again after signing in anew."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    request = models.ForeignKey("services.ServiceRequest", models.CASCADE, related_name="drafts")
    form = models.CharField(max_length=20)
    values = models.JSONField(default=dict)
    saved_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "草稿"
        verbose_name_plural = "草稿"
        constraints = [models.UniqueConstraint(fields=["user", "request", "form"], name="services_draft_once")]

    def __str__(self) -> str:
        return f"{self.user} {self.form}"
