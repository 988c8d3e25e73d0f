"""Running of background jobs: start, execution by a worker, rescue when the worker died, clean-up."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string
from django_tasks import task

from kit.audit.log import current_ip_address
from kit.domain.actor import Actor

from .models import Job, JobRefused, unfinished_jobs

logger = logging.getLogger(__name__)


@task()
def run_job(job_id: int) -> None:
    job = Job.objects.filter(pk=job_id).first()
    if job is None or not job.claim():
        return
    token = current_ip_address.set(job.address)
    try:
        execute_job(job)
    except Exception:  # the owner must see a failed job, whatever was raised
        logger.exception("job %s failed", job_id)
        job.fail("任务未能完成，请稍后重试；仍然失败时把任务编号告诉系统管理员。")
    finally:
        current_ip_address.reset(token)


def start_job(kind: str, function: str, *, owner: Actor | None, **arguments: Any) -> Job:
    """Create a job and enqueue it when the transaction commits.

    function: dotted path of a callable that takes the Job and returns the result as text. owner: None for the system.
    The priority falls with the number of the owner's unfinished jobs of this function: users take turns.
    """
    address = current_ip_address.get() if owner is not None else None
    unfinished = 0 if owner is None else unfinished_jobs(owner, function).count()
    job = Job.objects.create(
        kind=kind[:50],
        function=function,
        owner_id=None if owner is None else owner.pk,
        arguments=arguments,
        address=address,
    )
    transaction.on_commit(lambda: run_job.using(priority=-min(unfinished, 100)).enqueue(job.pk))
    return job


def execute_job(job: Job) -> None:
    try:
        result = import_string(job.function)(job)
    except JobRefused as refusal:
        job.fail(str(refusal))
    else:
        job.finish(result)


def rescue_silent_jobs() -> int:
    """Run jobs without a heartbeat again, or fail them after three attempts; return how many run again.

    After JOB_SILENT_SECONDS without a heartbeat the worker is taken for dead.
    """
    silent_since = timezone.now() - timedelta(seconds=settings.JOB_SILENT_SECONDS)
    rescued = 0
    for job in Job.objects.filter(status=Job.Status.RUNNING, heartbeat_at__lt=silent_since):
        if job.attempts >= Job.MAX_ATTEMPTS:
            job.fail("执行任务的进程三次中断，任务已停止。请联系系统管理员。")
            continue
        requeued = Job.objects.filter(pk=job.pk, status=Job.Status.RUNNING, heartbeat_at=job.heartbeat_at)
        if requeued.update(status=Job.Status.QUEUED):
            run_job.enqueue(job.pk)
            rescued += 1
    return rescued


def forget_old_files() -> int:
    """Delete files after CRM_JOB_FILE_DAYS: their owner's permissions change, a file does not. Return how many."""
    limit = timezone.now() - timedelta(days=settings.CRM_JOB_FILE_DAYS)
    old = list(Job.objects.filter(finished_at__lt=limit).exclude(file="")[:1000])
    for job in old:
        job.drop_file()
    return len(old)


def clear_expired_sessions() -> int:
    call_command("clearsessions")
    return 0
