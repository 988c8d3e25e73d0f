"""The past forecasts of an opportunity."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

FORECAST_FIELDS = ("success_rate", "expected_amount", "expected_on")


class ForecastChange(models.Model):
    """A changed forecast: values before and after, and the reason. 销售漏斗 reads past forecasts from here."""

    opportunity = models.ForeignKey("marketing.Opportunity", models.CASCADE, related_name="forecast_changes")
    at = models.DateTimeField("时间", default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="更新人")
    former_success_rate = models.PositiveSmallIntegerField("原成功机率")
    success_rate = models.PositiveSmallIntegerField("成功机率")
    former_expected_amount = models.DecimalField("原预计金额", max_digits=14, decimal_places=2, null=True)
    expected_amount = models.DecimalField("预计金额", max_digits=14, decimal_places=2, null=True)
    former_expected_on = models.DateField("原预计成交日期", null=True)
    expected_on = models.DateField("预计成交日期", null=True)
    reason = models.CharField("原因", max_length=200)

    class Meta:
        verbose_name = "预测变更"
        verbose_name_plural = "预测变更"
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.opportunity} {self.former_success_rate}% → {self.success_rate}%"
