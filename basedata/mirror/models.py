"""Data of the sales system that we only mirror: products, stock, and the freshness of the mirror."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import NamedTuple
from urllib.parse import urlencode

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from basedata.company_wide import CompanyWideQuerySet
from kit.sql.readers import NO_KEY, FixedRows


class ProductQuerySet(CompanyWideQuerySet):
    view_permission = "basedata.view_product"


class Product(models.Model):
    number = models.CharField("编号", max_length=50, unique=True)
    name = models.CharField("名称", max_length=200)
    model = models.CharField("型号", max_length=100, blank=True)
    batch = models.CharField("等级/批次", max_length=100, blank=True)
    unit = models.CharField("单位", max_length=20, blank=True)
    unit_price = models.DecimalField("单价（元）", max_digits=14, decimal_places=4, null=True)
    note = models.CharField("备注", max_length=500, blank=True)
    is_discontinued = models.BooleanField("已下架", default=False)
    changed_at = models.DateTimeField("更新时间", null=True)  # as the sales system says

    objects = ProductQuerySet.as_manager()

    class Meta:
        verbose_name = "产品"
        verbose_name_plural = "产品"
        ordering = ["number"]
        indexes = [  # the orders that the list offers
            models.Index(fields=["name", "id"], name="basedata_product_name"),
            models.Index(fields=["model", "id"], name="basedata_product_model"),
            models.Index(fields=["unit_price", "id"], name="basedata_product_price"),
        ]
        permissions = [("export_product", "导出产品与库存")]

    def __str__(self) -> str:
        return "-".join(part for part in (self.name, self.model, self.batch) if part)

    def get_absolute_url(self) -> str:
        """Return the URL of the list of products, narrowed down to this one."""
        parts = {name: value for name in ("name", "model", "batch") if (value := getattr(self, name))}
        return f"{reverse('basedata:product_list')}?{urlencode(parts)}"


class StockRecordQuerySet(CompanyWideQuerySet):
    view_permission = "basedata.view_stockrecord"


class StockRecord(models.Model):
    product = models.ForeignKey(Product, models.PROTECT, related_name="stock", verbose_name="产品")
    warehouse = models.CharField("仓库", max_length=100)
    location = models.CharField("货位", max_length=100, blank=True)
    quantity = models.DecimalField("件数", max_digits=14, decimal_places=3)
    note = models.CharField("备注", max_length=500, blank=True)
    changed_at = models.DateTimeField("更新时间", null=True)

    objects = StockRecordQuerySet.as_manager()

    class Meta:
        verbose_name = "库存"
        verbose_name_plural = "库存"
        ordering = ["product", "warehouse", "location"]
        constraints = [models.UniqueConstraint(fields=["product", "warehouse", "location"], name="basedata_stock_once")]
        indexes = [  # the orders that the list offers
            models.Index(fields=["warehouse", "id"], name="basedata_stock_warehouse"),
            models.Index(fields=["quantity", "id"], name="basedata_stock_quantity"),
        ]

    def __str__(self) -> str:
        return f"{self.product} {self.warehouse}"

    def get_absolute_url(self) -> str:
        """Return the URL of the list of stock, narrowed down to this product in this warehouse."""
        parts = {"product": self.product.number, "warehouse": self.warehouse}
        return f"{reverse('basedata:stock_list')}?{urlencode(parts)}"


class SyncRun(models.Model):
    """One run of the mirror. At most one is running: that row is the lock."""

    class Status(models.TextChoices):
        RUNNING = "running", "进行中"
        DONE = "done", "已完成"
        FAILED = "failed", "失败"

    TONES = {"running": "blue", "done": "green", "failed": "red"}

    source = models.CharField("来源", max_length=300)  # without credentials
    is_full = models.BooleanField("全量", default=False)
    status = models.CharField("状态", max_length=10, choices=Status, default=Status.RUNNING)
    started_at = models.DateTimeField("开始时间", default=timezone.now)
    heartbeat_at = models.DateTimeField("最近心跳", default=timezone.now)
    finished_at = models.DateTimeField("结束时间", null=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="发起人")
    counts = models.JSONField("数量", default=dict)  # {table: {"read": n, "added": n, "changed": n, "refused": n}}
    message = models.CharField("说明", max_length=500, blank=True)
    notes = models.JSONField("读取说明", default=list)  # what was skipped, spread or converted, in sentences

    class Meta:
        verbose_name = "数据同步记录"
        verbose_name_plural = "数据同步记录"
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["status"], condition=models.Q(status="running"), name="basedata_one_sync_at_a_time"
            )
        ]
        permissions = [("sync_sales", "同步销售系统数据")]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M} {self.source}"

    @classmethod
    def fail_silent(cls, since: datetime) -> int:
        """Fail running rows without a heartbeat since then, whose process is gone; return their number."""
        silent = cls.objects.filter(status=cls.Status.RUNNING, heartbeat_at__lt=since)
        message = "执行同步的进程中断，由下一次同步接替。"
        return silent.update(status=cls.Status.FAILED, finished_at=timezone.now(), message=message)

    def finish(self, status: str, message: str) -> None:
        """Close this run with its counts and notes, unless another has taken it over."""
        running = SyncRun.objects.filter(pk=self.pk, status=self.Status.RUNNING)
        running.update(
            status=status, message=message[:500], finished_at=timezone.now(), counts=self.counts, notes=self.notes
        )


class SyncRefusal(models.Model):
    """A refused row of the feed, with the reason in words."""

    run = models.ForeignKey(SyncRun, models.CASCADE, related_name="refusals", verbose_name="同步")
    table = models.CharField("表", max_length=20)
    line = models.PositiveIntegerField("行", null=True)
    key = models.CharField("编号", max_length=100, blank=True)
    reason = models.CharField("原因", max_length=300)

    class Meta:
        verbose_name = "被拒绝的行"
        verbose_name_plural = "被拒绝的行"
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.table} {self.line} {self.reason}"


class FeedPosition(models.Model):
    """How far a table of the feed has been read: rows changed before this datetime are here already."""

    table = models.CharField(max_length=20, unique=True)
    changed_at = models.DateTimeField(null=True)
    synced_at = models.DateTimeField(null=True)  # 数据截至

    class Meta:
        verbose_name = "同步位置"
        verbose_name_plural = "同步位置"

    def __str__(self) -> str:
        return self.table


def data_as_of(*tables: str) -> datetime | None:
    """Return 数据截至: when the oldest of these tables was last read in full; None before the first sync."""
    synced = [position.synced_at for position in _positions().of(NO_KEY) if position.table in tables]
    return min((at for at in synced if at), default=None)


@cache
def _positions() -> FixedRows[FeedPosition]:
    """Return the query of all positions: there is one for each of a few tables."""
    return FixedRows(FeedPosition.objects.only("table", "synced_at"))


def is_stale(as_of: datetime | None) -> bool:
    """Whether the mirror is older than CRM_SYNC_STALE_DAYS."""
    return as_of is not None and (timezone.now() - as_of).days >= settings.CRM_SYNC_STALE_DAYS


class MirrorNotice(NamedTuple):
    """The freshness of a page's data, see templates/basedata/as_of.html."""

    as_of: datetime | None
    stale: bool


def mirror_notice(*tables: str) -> MirrorNotice:
    """Return the freshness of these mirrored tables (products, storage, orders, order_lines), in one query."""
    as_of = data_as_of(*tables)
    return MirrorNotice(as_of, is_stale(as_of))
