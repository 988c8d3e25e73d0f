"""Related rows of a request: rounds, rating links, helpers, notes, drafts."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

STARS = [(score, f"{score} 星") for score in range(1, 6)]


class GivenBy(models.TextChoices):
    """Source of a score: reports show the two separately."""

    CUSTOMER = "customer", "客户"
    MANAGER = "manager", "客户经理代录"


class ServiceRound(models.Model):
    """One handling with the customer's feedback; former rounds are never deleted."""

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
    # Key in the customer's rating link; a new link invalidates the former one.
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
    """Key of a replaced rating link: its page says so, while a forged key gets 404."""

    round = models.ForeignKey(ServiceRound, models.CASCADE, related_name="former_links", verbose_name="服务处理")
    key = models.CharField(max_length=32, unique=True, editable=False)

    class Meta:
        verbose_name = "旧评价链接"
        verbose_name_plural = "旧评价链接"

    def __str__(self) -> str:
        return str(self.round)
