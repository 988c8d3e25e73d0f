"""A sheet on its way into the product: what was uploaded, what its owner chose, and what became of every row."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from kit.domain.actor import Actor
from kit.domain.urls import record_url
from kit.domain.verdict import Verdict, first_objection, refuse_if, require_permission, require_scope
from kit.jobs.models import Job
from kit.undo.models import UndoEntry

from .kinds import ImportKind, Outcome, PlannedRow, Problem, Value, find_kind

KEEP_UNFINISHED = timedelta(days=7)
UNDO_FOR = timedelta(days=30)
SEE_ALL = "jobs.view_job"  # who looks after the system's jobs sees who imported what


class ImportRunQuerySet(models.QuerySet["ImportRun"]):
    def visible_to(self, user: Actor) -> ImportRunQuerySet:
        """Return the user's own runs: a sheet may hold rows that nobody else may see."""
        return self.filter(owner=user.pk)

    def listed_for(self, user: Actor) -> ImportRunQuerySet:
        """Return what stands under 导入记录: one's own, all for administrators; without the rows."""
        return self if user.has_perm(SEE_ALL) else self.visible_to(user)


def upload_path(run: ImportRun, filename: str) -> str:
    """Return a generated path: the sender's name is kept as text only."""
    return f"imports/{timezone.localdate():%Y%m}/{uuid4().hex}{Path(filename).suffix.lower()[:6]}"


class ImportRun(models.Model):
    class Mode(models.TextChoices):
        BOTH = "both", "新建并更新"
        CREATE = "create", "只新建"
        UPDATE = "update", "只更新"

    class State(models.TextChoices):
        MAPPING = "mapping", "对应列"
        VALUES = "values", "修正值"
        PREVIEW = "preview", "预览"
        WRITING = "writing", "正在导入"
        DONE = "done", "已导入"
        UNDONE = "undone", "已撤销"

    kind_key = models.CharField("种类", max_length=40)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name="导入人")
    file = models.FileField("文件", upload_to=upload_path, blank=True)
    name = models.CharField("文件名", max_length=200)
    sheet = models.CharField("工作表", max_length=100, blank=True)
    header_rows = models.JSONField("表头所在的行", default=list)
    heads = models.JSONField("列名", default=list)
    columns = models.JSONField("列的对应", default=dict)  # {head: key of a target, "" to ignore it}
    why = models.JSONField("对应的依据", default=dict)  # {head: [reason, whether it is sure]}
    wrong_values = models.JSONField("要修正的值", default=dict)  # {target: [[value, rows, proposal, reason]]}
    repairs = models.JSONField("修正的值", default=dict)  # {target: {value: what it becomes}}
    date_patterns = models.JSONField("日期的写法", default=dict)  # {target: pattern}
    units = models.JSONField("金额的单位", default=dict)  # {target: unit} where the head names none
    questions = models.JSONField("写法和单位的问题", default=dict)  # {target: [why, [[value, label]]]}
    new_entries = models.JSONField("新增的字典条目", default=dict)  # {target: [text]}
    mode = models.CharField("方式", max_length=6, choices=Mode, default=Mode.BOTH)
    fallback = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name="没有填写的归"
    )
    reason = models.CharField("变更原因", max_length=200, blank=True)
    is_strict = models.BooleanField("有拒绝就不导入", default=False)
    remembers = models.BooleanField("记住这些对应", default=True)
    state = models.CharField("状态", max_length=8, choices=State, default=State.MAPPING)
    row_count = models.PositiveIntegerField("行数", default=0)
    counts = models.JSONField("计数", default=dict)  # {outcome: rows}
    needs_reason = models.PositiveIntegerField("要写原因的行", default=0)
    notes = models.JSONField("读取说明", default=list)
    problem = models.CharField("没有完成的原因", max_length=500, blank=True)
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+", verbose_name="后台任务")
    undo = models.ForeignKey(UndoEntry, models.SET_NULL, null=True, related_name="+", verbose_name="可撤销的操作")
    uploaded_at = models.DateTimeField("上传时间", default=timezone.now, db_index=True)
    checked_at = models.DateTimeField("预览时间", null=True)
    written_at = models.DateTimeField("导入时间", null=True)
    undone_at = models.DateTimeField("撤销时间", null=True)

    objects = ImportRunQuerySet.as_manager()

    class Meta:
        verbose_name = "导入记录"
        verbose_name_plural = "导入记录"
        default_permissions = ()
        ordering = ["-uploaded_at", "-pk"]
        indexes = [models.Index(fields=["owner", "-uploaded_at", "-id"], name="imports_run_of")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return record_url("import_run", self.pk)

    @property
    def kind(self) -> ImportKind:
        kind = find_kind(self.kind_key)
        assert kind is not None, self.kind_key
        return kind

    @property
    def good(self) -> int:
        return self.count(Outcome.CREATE) + self.count(Outcome.UPDATE)

    @property
    def refused(self) -> int:
        return self.count(Outcome.REFUSE)

    def count(self, outcome: Outcome) -> int:
        return int(self.counts.get(str(outcome), 0))

    @property
    def is_open(self) -> bool:
        """Whether nothing was written yet, so that its steps can be gone through again.

        Also where the process that was writing is gone: it has written nothing.
        """
        return self.state not in (self.State.DONE, self.State.UNDONE)

    @property
    def is_busy(self) -> bool:
        """Whether a job is at work on it."""
        return self.job is not None and self.job.is_open

    @property
    def undo_until(self) -> Any:
        return self.written_at + UNDO_FOR if self.written_at else None

    def may_import(self, by: Actor) -> Verdict:
        return first_objection(
            require_permission(by, self.kind.permission, f"您的角色不能导入{self.kind.label}"),
            require_scope(self.owner_id == by.pk, "只有上传的人可以导入这个文件。"),
        )

    def may_change(self, by: Actor) -> Verdict:
        """Check another choice in one of its steps."""
        return first_objection(
            self.may_import(by),
            refuse_if(self.is_busy, "正在后台处理，请等它结束。"),
            refuse_if(not self.is_open, f"这个文件{self.get_state_display()}，请重新上传。"),
        )

    def may_write(self, by: Actor) -> Verdict:
        """Check carrying it out: only what its owner has seen in the preview."""
        return first_objection(
            self.may_change(by),
            refuse_if(self.checked_at is None, "请先看预览，再导入。"),
            refuse_if(not self.file, "文件已过期，请重新上传。"),
        )

    def may_undo(self, by: Actor) -> Verdict:
        return first_objection(self.can_take_back(by), refuse_if(self.is_busy, "正在后台处理，请等它结束。"))

    def can_take_back(self, by: Actor) -> Verdict:
        """As may_undo(), also for the job that does it."""
        return first_objection(
            self.may_import(by),
            refuse_if(self.state != self.State.DONE, "没有可以撤销的导入。"),
            refuse_if(self.undo is None or not self.undo.is_open, "已过可以撤销的时间。"),
        )

    def drop_file(self) -> None:
        """Clear the file field, and delete the file once the transaction has committed."""
        if self.file:
            transaction.on_commit(partial(self.file.storage.delete, str(self.file.name)), robust=True)
            ImportRun.objects.filter(pk=self.pk).update(file="")


class ImportRow(models.Model):
    """One row of the sheet as the last preview saw it."""

    run = models.ForeignKey(ImportRun, models.CASCADE, related_name="rows", db_index=False)
    line = models.PositiveIntegerField("行")
    outcome = models.CharField("结果", max_length=6)
    title = models.CharField("名称", max_length=200)
    record = models.BigIntegerField(null=True)
    version = models.PositiveIntegerField(null=True)
    values = models.JSONField("内容", default=list)  # [[label, new, old]]
    problems = models.JSONField("拒绝的原因", default=list)  # [[target, label, reason]]
    note = models.CharField("说明", max_length=300, blank=True)

    class Meta:
        verbose_name = "导入的行"
        verbose_name_plural = "导入的行"
        default_permissions = ()
        indexes = [models.Index(fields=["run", "outcome", "line"], name="imports_row_of")]

    def __str__(self) -> str:
        return f"第 {self.line} 行"

    @classmethod
    def of(cls, run: ImportRun, row: PlannedRow) -> ImportRow:
        return cls(
            run=run,
            line=row.line,
            outcome=str(row.outcome),
            title=row.title[:200],
            record=row.record,
            version=row.version,
            values=[[value.label, value.new, value.old] for value in row.values],
            problems=[[problem.target, problem.label, problem.reason] for problem in row.problems],
            note=row.note[:300],
        )

    @property
    def shown_values(self) -> list[Value]:
        return [Value(*value) for value in self.values]

    @property
    def reasons(self) -> list[Problem]:
        return [Problem(*problem) for problem in self.problems]

    @property
    def promise(self) -> tuple[str, int | None, int | None]:
        return self.outcome, self.record, self.version


class RememberedSheet(models.Model):
    """What one person chose for sheets with these heads: the next one is proposed the same."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name="导入人")
    kind_key = models.CharField("种类", max_length=40)
    heads_key = models.CharField("列名的指纹", max_length=64)
    columns = models.JSONField("列的对应", default=dict)
    repairs = models.JSONField("修正的值", default=dict)
    at = models.DateTimeField("时间", default=timezone.now)

    class Meta:
        verbose_name = "记住的对应"
        verbose_name_plural = "记住的对应"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["owner", "kind_key", "heads_key"], name="imports_remembered_once")
        ]

    def __str__(self) -> str:
        return f"{self.owner} {self.kind_key}"


def forget_old_runs() -> int:
    """Delete what was never written after a week, and the files and rows of what can no longer be taken back."""
    now, count = timezone.now(), 0
    unfinished = ImportRun.objects.filter(written_at=None, uploaded_at__lt=now - KEEP_UNFINISHED)
    for run in unfinished.order_by("pk")[:200]:
        with transaction.atomic():
            run.drop_file()
            run.delete()
        count += 1
    for run in ImportRun.objects.filter(written_at__lt=now - UNDO_FOR).exclude(file="").order_by("pk")[:200]:
        with transaction.atomic():
            run.drop_file()
            run.rows.all().delete()
        count += 1
    return count
