"""Nightly check for jobs without progress: they fail with a message, and their owners are notified."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from kit.jobs.models import Job
from kit.jobs.tasks import run_job

from .notifications.models import notify

logger = logging.getLogger(__name__)
# The rescue tries three times within minutes, and work sends a heartbeat every thousand rows.
SILENT_FOR = timedelta(hours=6)
QUEUED_FOR = timedelta(days=1)
FAILURE_MESSAGE = "任务长时间没有进展，已停止，没有做完。请重新发起；仍然不行时把任务编号告诉系统管理员。"


def fail_stuck() -> int:
    """Fail every stuck job, each by itself, and return their number: an error does not stop the others."""
    ended = 0
    for job in stuck_jobs():
        try:
            with transaction.atomic():
                ended += fail_if_unchanged(job)
        except Exception:
            logger.exception("job %s could not be ended", job.pk)
    return ended


def stuck_jobs() -> list[Job]:
    """Return jobs running without a heartbeat, and queued ones with no task left that would begin them."""
    now = timezone.now()
    silent = Q(heartbeat_at__lt=now - SILENT_FOR) | Q(heartbeat_at=None, created_at__lt=now - SILENT_FOR)
    running = Job.objects.filter(silent, status=Job.Status.RUNNING)
    queued = Job.objects.filter(status=Job.Status.QUEUED, created_at__lt=now - QUEUED_FOR)
    waiting = queued_job_ids() if queued.exists() else set()
    return [*running.select_related("owner"), *(job for job in queued.select_related("owner") if job.pk not in waiting)]


def queued_job_ids() -> set[Any]:
    """Return the ids of jobs with a task in the queue: where no worker ran for a day, nothing is lost."""
    open_tasks = DBTaskResult.objects.filter(task_path=run_job.module_path, status=TaskResultStatus.READY)
    return {argument for call in open_tasks.values_list("args_kwargs", flat=True) for argument in call["args"]}


def fail_if_unchanged(job: Job) -> bool:
    """Fail the job and notify its owner; False when it moved on meanwhile."""
    unchanged = Job.objects.select_for_update().filter(pk=job.pk, status=job.status, heartbeat_at=job.heartbeat_at)
    if unchanged.first() is None:
        return False
    job.fail(FAILURE_MESSAGE)
    notify(job.owner, f"您的后台任务「{job.kind}」（编号 {job.pk}）失败：{FAILURE_MESSAGE}")
    return True
