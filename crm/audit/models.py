"""The audit trail: who did what to which record, when and from where. Rows are only ever added."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

from django.conf import settings
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models


class AppendOnlyError(TypeError):
    """Somebody tried to change or delete an audit row."""


class AppendOnlyQuerySet(models.QuerySet):
    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError("审计记录不能修改。")

    def delete(self) -> NoReturn:
        raise AppendOnlyError("审计记录不能删除。")

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError("审计记录不能修改。")

    def bulk_create(self, *args: Any, update_conflicts: bool = False, **kwargs: Any) -> Any:
        if update_conflicts:
            raise AppendOnlyError("审计记录不能修改。")
        return super().bulk_create(*args, **kwargs)


class AppendOnly(models.Model):
    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise AppendOnlyError("审计记录不能修改。")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError("审计记录不能删除。")


class AuditEntryQuerySet(AppendOnlyQuerySet):
    def about(self, record: models.Model) -> AuditEntryQuerySet:
        """What happened to one record, newest first."""
        return self.about_all(record, ())

    def about_all(self, record: models.Model, more: Iterable[int]) -> AuditEntryQuerySet:
        """What happened to a record and to others of its kind, given by their keys."""
        content_type = ContentType.objects.get_for_model(record)
        return self.filter(content_type=content_type, object_id__in=[record.pk, *more]).order_by("-at", "-id")


class AuditEntry(AppendOnly):
    at = models.DateTimeField("时间", db_index=True)
    # No constraint: the trail outlives the account. The name is kept as it was.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        related_name="+",
        verbose_name="操作人",
    )
    actor_name = models.CharField("操作人姓名", max_length=150)
    verb = models.CharField("动作", max_length=50)
    content_type = models.ForeignKey(
        ContentType, models.DO_NOTHING, null=True, db_constraint=False, related_name="+", verbose_name="对象类别"
    )
    object_id = models.BigIntegerField("对象", null=True)
    record = GenericForeignKey("content_type", "object_id")
    object_text = models.CharField("对象名称", max_length=200)
    changes = models.JSONField("变更", default=dict)  # {label: [old, new]}, in the words of the screen
    address = models.GenericIPAddressField("来源地址", null=True)

    objects = AuditEntryQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        verbose_name = "审计记录"
        verbose_name_plural = "审计记录"
        indexes = [
            models.Index(fields=["content_type", "object_id", "-at"], name="audit_entry_record"),
            models.Index(fields=["actor", "-at"], name="audit_entry_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.verb} {self.object_text}"

    @property
    def icon(self) -> str:
        return ICONS.get(self.verb, "edit")

    @property
    def change_list(self) -> list[tuple[str, str, str]]:
        """(label, old, new) for display; a missing side is empty."""
        return [(label, pair[0] or "", pair[1] or "") for label, pair in self.changes.items()]


ICONS = {
    "新建": "plus",
    "导入": "upload",
    "指派": "user-plus",
    "改派": "arrows-exchange",
    "移交": "arrows-exchange",
    "恢复": "refresh",
    "共享": "users",
    "取消共享": "users",
    "删除": "trash",
    "填写执行效果": "check",
    "修改计划": "checklist",
    "删除计划": "trash",
    "更新预测": "adjustments",
    "更正联系方式": "phone",
    "开发成功": "circle-check",
    "终止开发": "player-stop",
    "制定计划": "checklist",
    "流失预警": "alert-triangle",
    "暂缓流失": "clock",
    "确认流失": "trending-down",
    "挽回": "refresh",
    "解除预警": "circle-check",
    "登录": "key",
    "退出": "logout",
    "导出": "download",
}


class AuditSeal(AppendOnly):
    """A batch of committed rows, chained to the batch before it by hash."""

    at = models.DateTimeField("封存时间")
    previous_hash = models.CharField("上一封存", max_length=64)
    row_ids = models.JSONField("审计记录编号")
    last_id = models.BigIntegerField("最后编号", db_index=True)
    hash = models.CharField("摘要", max_length=64, unique=True)

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        verbose_name = "审计封存"
        verbose_name_plural = "审计封存"

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {len(self.row_ids)} 条"
