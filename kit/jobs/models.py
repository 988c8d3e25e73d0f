"""Work done in the background, with a heartbeat: the queue has none of its own."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models, transaction
from django.utils import timezone

from kit.domain.file_names import cut_file_name


class JobRefused(Exception):
    """The job cannot be done; the text tells its owner why and what to do."""


class Job(models.Model):
    class Status(models.TextChoices):
        QUEUED = "queued", "排队中"
        RUNNING = "running", "进行中"
        DONE = "done", "已完成"
        FAILED = "failed", "失败"

    MAX_ATTEMPTS = 3

    kind = models.CharField("类型", max_length=50)
    function = models.CharField("函数", max_length=200, editable=False)
    arguments = models.JSONField("参数", default=dict, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="jobs", verbose_name="发起人"
    )
    # From where it was asked for: what it does stands in the trail with this address. None: the system's own.
    address = models.GenericIPAddressField("来源地址", null=True, editable=False)
    status = models.CharField("状态", max_length=10, choices=Status, default=Status.QUEUED, editable=False)
    attempts = models.PositiveSmallIntegerField("尝试次数", default=0, editable=False)
    done = models.PositiveIntegerField("已处理", default=0, editable=False)
    total = models.PositiveIntegerField("总数", default=0, editable=False)
    created_at = models.DateTimeField("创建时间", auto_now_add=True)
    started_at = models.DateTimeField("开始时间", null=True, editable=False)
    heartbeat_at = models.DateTimeField("最近心跳", null=True, editable=False)
    finished_at = models.DateTimeField("结束时间", null=True, editable=False)
    result = models.CharField("结果", max_length=500, blank=True, editable=False)
    notes = models.JSONField("读取说明", default=list, editable=False)  # sentences of the reader of a table
    file = models.FileField("文件", upload_to="jobs/%Y%m/", blank=True, editable=False)
    file_name = models.CharField("文件名", max_length=200, blank=True, editable=False)

    class Meta:
        verbose_name = "后台任务"
        verbose_name_plural = "后台任务"
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["status", "heartbeat_at"], name="jobs_job_status")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=("queued", "running", "done", "failed")), name="jobs_job_status_known"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def percent(self) -> int:
        if self.status == self.Status.DONE:
            return 100
        return min(99, 100 * self.done // self.total) if self.total else 0

    @property
    def is_open(self) -> bool:
        return self.status in (self.Status.QUEUED, self.Status.RUNNING)

    @property
    def file_gone(self) -> str:
        """Said in place of a file that was written and is no longer kept; kinds begin with 导出 or 导入."""
        return f"文件已过期，请重新{self.kind[:2]}。" if self.file_name and not self.file else ""

    def drop_file(self) -> None:
        """Takes the file from the disk once the row surely no longer names it."""
        transaction.on_commit(partial(self.file.storage.delete, str(self.file.name)), robust=True)
        self.file = ""
        self.save(update_fields=["file"])

    def claim(self) -> bool:
        """Takes the queued job for this worker; False when another has it."""
        now = timezone.now()
        taken = Job.objects.filter(pk=self.pk, status=self.Status.QUEUED).update(
            status=self.Status.RUNNING,
            started_at=now,
            heartbeat_at=now,
            attempts=models.F("attempts") + 1,
        )
        self.refresh_from_db()
        return bool(taken)

    def beat(self, done: int, total: int | None = None) -> None:
        """Says that the job is alive and how far it got; writes outside the caller's business rows."""
        self.done, self.total = done, self.total if total is None else total
        Job.objects.filter(pk=self.pk).update(done=self.done, total=self.total, heartbeat_at=timezone.now())

    def finish(self, result: str) -> None:
        """What work calls its file is cut here, for every kind of job."""
        self.status, self.result, self.finished_at = self.Status.DONE, fit_result(result), timezone.now()
        self.file_name = cut_file_name(self.file_name)
        self.save(update_fields=["status", "result", "notes", "finished_at", "file", "file_name"])

    def fail(self, reason: str) -> None:
        """Writes nothing that the work left in the row, which may be why it failed; its file goes from the disk."""
        written, self.file, self.file_name = str(self.file.name or ""), "", ""
        self.status, self.result, self.finished_at = self.Status.FAILED, fit_result(reason), timezone.now()
        closed = {"status": self.status, "result": self.result, "finished_at": self.finished_at}
        Job.objects.filter(pk=self.pk).update(**closed, file="", file_name="")
        if written:
            transaction.on_commit(partial(self.file.storage.delete, written), robust=True)


def fit_result(words: str) -> str:
    """As long as the column, and without the one character PostgreSQL does not store."""
    return words.replace("\0", "")[:500]


class DueRun(models.Model):
    """One row per periodic task and period: whoever inserts it runs the task."""

    task = models.CharField("任务", max_length=50)
    period = models.BigIntegerField("周期")
    started_at = models.DateTimeField("开始时间", auto_now_add=True)
    finished_at = models.DateTimeField("结束时间", null=True)
    result = models.CharField("结果", max_length=500, blank=True)

    class Meta:
        verbose_name = "定时任务记录"
        verbose_name_plural = "定时任务记录"
        constraints = [models.UniqueConstraint(fields=["task", "period"], name="jobs_due_run_once")]

    def __str__(self) -> str:
        return f"{self.task} {self.period}"


def count_open_jobs(owner: Any, function: str) -> int:
    """How many of a person's jobs of this kind are unfinished. Call in the transaction that starts one more."""
    people = get_user_model()._default_manager.select_for_update(no_key=True)
    people.get(pk=owner.pk)  # whoever starts two at once is counted one after the other
    return unfinished_jobs(owner, function).count()


def unfinished_jobs(owner: Any, function: str) -> models.QuerySet[Job]:
    return Job.objects.filter(owner=owner, function=function, status__in=(Job.Status.QUEUED, Job.Status.RUNNING))
