"""Uploaded tables of customers: checked, then imported or deleted."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.models import User
from kit.audit.log import log_event
from kit.domain.urls import record_url
from kit.domain.verdict import Verdict, first_objection, refuse_if, require_scope
from kit.transitions import creation, transition

if TYPE_CHECKING:
    from customers.interactions.attachments import CheckedFile

    from .importing import CustomerImport  # it imports the models

KEEP_FOR = timedelta(days=7)


class ImportFileQuerySet(models.QuerySet["ImportFile"]):
    view_permission = "customers.import_customer"

    def visible_to(self, user: User) -> ImportFileQuerySet:
        """Return the user's own files only: a file may hold rows that nobody else may see."""
        return self.filter(owner=user) if user.has_perm(self.view_permission) else self.none()


def upload_path(upload: ImportFile, filename: str) -> str:
    """Return a generated path: the sender's name is kept as text only."""
    return f"imports/{timezone.localdate():%Y%m}/{uuid4().hex}{Path(filename).suffix.lower()[:6]}"


class ImportFile(models.Model):
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name="上传人")
    file = models.FileField("文件", upload_to=upload_path)
    name = models.CharField("文件名", max_length=200)
    manager = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+", verbose_name="默认客户经理"
    )
    uploaded_at = models.DateTimeField("上传时间", default=timezone.now, db_index=True)
    imported_at = models.DateTimeField("导入时间", null=True)
    added = models.PositiveIntegerField("新增客户", default=0)
    notes = models.JSONField("读取说明", default=list, editable=False)  # of the import that was carried out

    objects = ImportFileQuerySet.as_manager()

    class Meta:
        verbose_name = "导入文件"
        verbose_name_plural = "导入文件"

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return record_url("import_file", self.pk)

    def checked(self) -> CustomerImport:
        """Return the file as it would be imported now, with refused cells. Raise ImportRefused or UnreadableFile."""
        from .importing import CustomerImport

        task = CustomerImport(manager=self.manager, by=self.owner)
        task.read(Path(self.file.path))
        return task

    @creation("customers.import_customer", "上传", refusal="您的角色不能导入客户")
    @classmethod
    def create(cls, *, by: User, file: CheckedFile, manager: User | None) -> ImportFile:
        """Store a checked file; nothing is imported yet. manager: of the rows that name none."""
        upload = cls(owner=by, name=file.name, manager=manager)
        upload.file.save(file.name, file.file, save=False)
        upload.save()
        return upload

    @transition("customers.import_customer", "导入", refusal="您的角色不能导入客户")
    def carry_out(self, *, by: User, partial: bool = False) -> CustomerImport:
        """Import all rows or none; partial: those without errors. Raise ImportRefused."""
        task = self.checked()
        self.added = task.write(partial=partial)
        self.imported_at, self.notes = timezone.now(), task.notes
        self.save(update_fields=["added", "imported_at", "notes"])
        changes = {"新增客户": self.added, **task.outcome, "有错误": len(task.refused_lines)}
        log_event(by, "导入", text=f"客户：{self.name}", changes=changes)
        return task

    @carry_out.guard
    def can_carry_out(self, by: User) -> Verdict:
        return first_objection(
            require_scope(self.owner_id == by.pk, "只有上传的人可以导入这个文件。"),
            refuse_if(self.imported_at is not None, f"这个文件已经导入，新增了 {self.added} 个客户。"),
        )


def delete_old_uploads() -> int:
    """Delete uploads older than a week, imported or not; called by the schedule."""
    old_uploads = list(ImportFile.objects.filter(uploaded_at__lt=timezone.now() - KEEP_FOR)[:1000])
    for upload in old_uploads:
        upload.file.storage.delete(str(upload.file.name))
        upload.delete()
    return len(old_uploads)
