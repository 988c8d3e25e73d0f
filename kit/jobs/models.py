"""Background jobs with progress and a heartbeat, which the task queue itself does not have."""

from __future__ import annotations

from functools import partial

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models, transaction
from django.utils import timezone

from kit.domain.actor import Actor
from kit.domain.file_names import cut_file_name


class JobRefused(Exception):
    """The job cannot be done; the text tells its owner why and what to do, in Chinese."""


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
    # IP address of the request that started the job, for its audit rows. None: started by the system.
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
    notes = models.JSONField("读取说明", default=list, editable=False)  # sentences about how a table was read
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
        """Return the text shown in place of a deleted file; "" if there was none. Kinds begin with 导出 or 导入."""
        return f"文件已过期，请重新{self.kind[:2]}。" if self.file_name and not self.file else ""

    def drop_file(self) -> None:
        """Clear the file field, and delete the file once the transaction has committed."""
        transaction.on_commit(partial(self.file.storage.delete, str(self.file.name)), robust=True)
        self.file = ""
        self.save(update_fields=["file"])

    def claim(self) -> bool:
        """Take the queued job for this worker; return False when another worker has it."""
        now = timezone.now()
        updated = Job.objects.filter(pk=self.pk, status=self.Status.QUEUED).update(
            status=self.Status.RUNNING,
            started_at=now,
            heartbeat_at=now,
            attempts=models.F("attempts") + 1,
        )
        self.refresh_from_db()
        return bool(updated)

    def heartbeat(self, done: int, total: int | None = None) -> None:
        """Save progress and the time of the heartbeat."""
        self.done, self.total = done, self.total if total is None else total
        Job.objects.filter(pk=self.pk).update(done=self.done, total=self.total, heartbeat_at=timezone.now())

    def finish(self, result: str) -> None:
        """Save the result and the file; file names are cut here, for every kind of job."""
        self.status, self.result, self.finished_at = self.Status.DONE, fit_result(result), timezone.now()
        self.file_name = cut_file_name(self.file_name)
        self.save(update_fields=["status", "result", "notes", "finished_at", "file", "file_name"])

    def fail(self, reason: str) -> None:
        """Save the reason only, as a value that the function left in the row may be what failed; delete its file."""
        written_file, self.file, self.file_name = str(self.file.name or ""), "", ""
        self.status, self.result, self.finished_at = self.Status.FAILED, fit_result(reason), timezone.now()
        values = {"status": self.status, "result": self.result, "finished_at": self.finished_at}
        Job.objects.filter(pk=self.pk).update(**values, file="", file_name="")
        if written_file:
            transaction.on_commit(partial(self.file.storage.delete, written_file), robust=True)


def fit_result(text: str) -> str:
    """Cut the text to the column's length and remove NUL, which PostgreSQL does not store."""
    return text.replace("\0", "")[:500]


class DueRun(models.Model):
    """One row per periodic task and period: the scheduler that inserts it runs the task."""

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


def count_open_jobs(owner: Actor, function: str) -> int:
    """Lock the user and return how many of their jobs run this function. Call in the transaction that starts one more.

    The lock makes two requests of one user count one after the other.
    """
    users = get_user_model()._default_manager.select_for_update(no_key=True)
    users.get(pk=owner.pk)
    return unfinished_jobs(owner, function).count()


def unfinished_jobs(owner: Actor, function: str) -> models.QuerySet[Job]:
    return Job.objects.filter(owner=owner.pk, function=function, status__in=(Job.Status.QUEUED, Job.Status.RUNNING))
