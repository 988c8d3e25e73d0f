"""An import that writes its rows in parts: they are soft-deleted until all are written."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone

from basedata.models import DictionaryEntry
from kit.audit.log import log_event, log_events
from kit.sql.transactions import in_transaction
from kit.sql.turns import in_turn

MAX_ROWS_AT_ONCE = 2000  # rows of a table that is written in one transaction
ROWS_PER_TRANSACTION = 200  # rows of one transaction of many: all others wait for a tenth of a second


def fits_one_transaction(rows: int) -> bool:
    """Return whether a table is written in one transaction: always, except a large one on SQLite, which has one writer.

    An import inside an outer transaction cannot be parted.
    """
    return connection.vendor != "sqlite" or rows <= MAX_ROWS_AT_ONCE or connection.in_atomic_block


class Arrival(models.Model):
    """An import whose rows are not complete yet; a stale one is withdrawn."""

    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name="导入人"
    )
    started_at = models.DateTimeField("开始时间", default=timezone.now)
    heartbeat_at = models.DateTimeField("最近心跳", default=timezone.now)
    withdrawn_at = models.DateTimeField("撤回时间", null=True)  # from then on no rows are added
    regions = models.JSONField("新建的地区", default=list)  # keys of new dictionary entries

    class Meta:
        verbose_name = "未完成的导入"
        verbose_name_plural = "未完成的导入"

    def __str__(self) -> str:
        return f"未完成的导入 {self.pk}"

    @in_transaction
    def heartbeat(self) -> bool:
        """Record that the import is alive, in the transaction of its rows; False when it was withdrawn."""
        alive = Arrival.objects.filter(pk=self.pk, withdrawn_at=None)
        return bool(alive.update(heartbeat_at=timezone.now()))

    @in_transaction
    def publish(self) -> None:
        """Turn its rows into customers.

        On SQLite arriving rows leave no change markers, 150,000 of which took as long as the rows themselves; one row
        is written again and leaves them for all.
        """
        first = self.rows.order_by("pk").first()
        self.rows.update(deleted_at=None, arrival=None)
        if first is not None:
            type(first)._default_manager.filter(pk=first.pk).update(arrival=None)
        self.delete()

    def withdraw(self) -> int:
        """Delete its rows in parts, and the regions made for it; return the number of rows. Can be repeated."""
        Arrival.objects.filter(pk=self.pk).update(withdrawn_at=timezone.now())
        rows, count = self.rows.all(), 0
        rows.exclude(parent=None).update(parent=None)
        while keys := list(rows.order_by("pk").values_list("pk", flat=True)[:ROWS_PER_TRANSACTION]):
            with in_turn():
                count += len(keys)
                rows.filter(pk__in=keys).delete()
        with transaction.atomic():
            created_entries = DictionaryEntry.objects.filter(pk__in=self.regions)
            unused_entries = list(created_entries.with_in_use().filter(models.Q(in_use=False)))
            log_events(self.by, "删除", unused_entries)
            DictionaryEntry.objects.filter(pk__in=[entry.pk for entry in unused_entries]).delete()
            log_event(self.by, "撤回导入", text="客户：没有写完的导入", changes={"撤回客户": count})
            Arrival.objects.filter(pk=self.pk).delete()
        return count


def withdraw_stale_imports() -> int:
    """Withdraw imports whose process was killed; called by the schedule and before the next import."""
    since = timezone.now() - timedelta(seconds=settings.JOB_SILENT_SECONDS)
    return sum(arrival.withdraw() for arrival in Arrival.objects.filter(heartbeat_at__lt=since))
