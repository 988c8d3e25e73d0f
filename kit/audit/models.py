"""The audit log: who did what to which record, when and from where. Rows are only ever added."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

from django.conf import settings
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.urls import reverse

from kit.domain.actor import Actor
from kit.domain.masking import mask, mask_in_text
from kit.domain.modules import lent

from .export_conditions import CONDITIONS_LABEL, decode_conditions


class AppendOnlyError(TypeError):
    """Code tried to change or delete an audit row."""


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


NOT_KEPT_PREFIX = "未保留的"  # prefix of the label of a value that a merge did not keep
REDACTED_PREFIX = "redaction:"  # prefix of the salt of a row whose personal texts were erased


def new_salt() -> str:
    return secrets.token_hex(16)


class AuditEntryQuerySet(AppendOnlyQuerySet):
    view_permission = "audit.view_auditentry"

    def visible_to(self, user: Actor) -> AuditEntryQuerySet:
        """Return all rows to users with the permission, none to others."""
        return self.all() if user.has_perm(self.view_permission) else self.none()

    def about(self, record: models.Model) -> AuditEntryQuerySet:
        """Return the events of one record, newest first."""
        return self.about_all(record, ())

    def about_all(self, record: models.Model, more_ids: Iterable[int]) -> AuditEntryQuerySet:
        """Return the events of a record and of others of its model, newest first."""
        content_type = ContentType.objects.get_for_model(record)
        return self.filter(content_type=content_type, object_id__in=[record.pk, *more_ids]).order_by("-at", "-id")


@dataclass(frozen=True)
class EntryPage:
    """The page of one event, lent by the module that has it."""

    url_name: str


class AuditEntry(AppendOnly):
    at = models.DateTimeField("时间", db_index=True)
    # No constraint: the audit log outlives the account. The name stays as it was at the time.
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
    changes = models.JSONField("变更", default=dict)  # {label: [old, new]}, as the screen shows values
    address = models.GenericIPAddressField("来源地址", null=True)
    # Hashed with the personal texts and destroyed with them: from a hash without salt, texts could be guessed.
    salt = models.CharField(max_length=32, default=new_salt, editable=False)

    objects = AuditEntryQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        verbose_name = "审计记录"
        verbose_name_plural = "审计记录"
        indexes = [
            models.Index(fields=["content_type", "object_id", "-at"], name="audit_entry_record"),
            models.Index(fields=["actor", "-at"], name="audit_entry_actor"),
            models.Index(fields=["verb", "-at"], name="audit_entry_verb"),
            models.Index(fields=["address", "-at"], name="audit_entry_address"),
            models.Index(fields=["object_text"], name="audit_entry_text", opclasses=["varchar_pattern_ops"]),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.verb} {self.object_text}"

    def get_absolute_url(self) -> str:
        (page,) = lent(EntryPage)
        return reverse(page.url_name, args=[self.pk])

    @property
    def is_redacted(self) -> bool:
        return self.salt.startswith(REDACTED_PREFIX)

    @property
    def icon(self) -> str:
        return VERB_ICONS.get(self.verb, "edit")

    @property
    def change_list(self) -> list[tuple[str, str, str]]:
        """Return (label, old, new) for display; "" for a missing side."""
        return [(label, pair[0] or "", pair[1] or "") for label, pair in self.readable_changes.items()]

    @property
    def is_export(self) -> bool:
        return CONDITIONS_LABEL in self.changes

    @property
    def readable_changes(self) -> dict[str, list[Any]]:
        """Return the changes with readable conditions: exports of older versions kept an encoded query string."""
        if not self.is_export:
            return self.changes
        return self.changes | {
            CONDITIONS_LABEL: [side and decode_conditions(side) for side in self.changes[CONDITIONS_LABEL]]
        }

    @property
    def detail_labels(self) -> frozenset[str]:
        """Return the labels of the contact details of the entry's model."""
        content_type = ContentType.objects.get_for_id(self.content_type_id) if self.content_type_id else None
        model: Any = content_type.model_class() if content_type else None
        names = getattr(model, "detail_fields", ())
        labels = [str(model._meta.get_field(name).verbose_name) for name in names]
        return frozenset(labels + [NOT_KEPT_PREFIX + label for label in labels])

    def mask_details(self) -> None:
        """Mask contact details in this instance only, not in its row. Conditions of an export may hold any detail."""
        if self.is_export:
            self.changes = {
                label: [side and mask_in_text(side) for side in pair] for label, pair in self.readable_changes.items()
            }
        for label in self.detail_labels & set(self.changes):
            self.changes[label] = [mask(side) for side in self.changes[label]]


VERB_ICONS = {
    "新建": "plus",
    "导入": "upload",
    "指派": "user-plus",
    "改派": "arrows-exchange",
    "移交": "arrows-exchange",
    "恢复": "refresh",
    "恢复备份": "refresh",
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
    "查看联系方式": "eye",
    "导出个人信息": "download",
    "抹去个人信息": "shield-lock",
}


class AuditSeal(AppendOnly):
    """A batch of committed rows, chained to the previous batch by hash."""

    at = models.DateTimeField("封存时间")
    previous_hash = models.CharField("上一封存", max_length=64)
    row_ids = models.JSONField("审计记录编号")
    # 1: the hash covers whole rows; 2: it covers a digest of each row's personal texts, so that they can be erased.
    form = models.PositiveSmallIntegerField("格式", default=1, editable=False)
    last_id = models.BigIntegerField("最后编号", db_index=True)
    hash = models.CharField("摘要", max_length=64, unique=True)

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        verbose_name = "审计封存"
        verbose_name_plural = "审计封存"

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {len(self.row_ids)} 条"


class AuditPruning(AppendOnly):
    """Records that the rows of a seal were deleted after the retention period; the seal stays, so the chain holds."""

    seal = models.OneToOneField(AuditSeal, models.PROTECT, related_name="pruning", verbose_name="封存")
    at = models.DateTimeField("清理时间")
    count = models.PositiveIntegerField("条数")
    newest = models.DateTimeField("最后一条的时间")

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        verbose_name = "审计清理"
        verbose_name_plural = "审计清理"

    def __str__(self) -> str:
        return f"{self.seal_id} {self.count} 条"


class AuditRedaction(AppendOnly):
    """An erasure of a row's personal texts: the digest that the seal covers in their place, and the event behind it."""

    entry_id = models.BigIntegerField("审计记录", db_index=True)
    digest = models.CharField("原文摘要", max_length=64)  # salted; the salt is gone
    after = models.CharField("现文摘要", max_length=64)
    at = models.DateTimeField("时间")
    deed_id = models.BigIntegerField("依据的审计记录")

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        verbose_name = "审计抹去"
        verbose_name_plural = "审计抹去"

    def __str__(self) -> str:
        return f"{self.entry_id} ← {self.deed_id}"
