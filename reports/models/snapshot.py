"""Number of customers by group at the end of each month, for the comparison in 客户构成分析."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from customers.models import Customer


class CompositionSnapshot(models.Model):
    """Customers of one group, 客户经理 and state on the last day of a month; groups without customers have no row."""

    on = models.DateField("月末")
    basis = models.CharField("报表方式", max_length=20)
    group = models.CharField("分组", max_length=20, blank=True)  # a dictionary entry's key or a score; "": 未填写
    manager = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name="客户经理")
    status = models.CharField("客户状态", max_length=10, choices=Customer.Status)
    customers = models.PositiveIntegerField("客户数量")

    class Meta:
        verbose_name = "客户构成月末记录"
        verbose_name_plural = "客户构成月末记录"
        default_permissions = ()
        permissions = [
            ("view_reports", "查看统计报表"),
            ("view_pipeline", "查看销售漏斗"),
            ("export_reports", "导出统计报表"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["on", "basis", "group", "manager", "status"], name="reports_one_row_per_group_and_month"
            )
        ]

    def __str__(self) -> str:
        return f"{self.on} {self.basis} {self.group} {self.customers}"
