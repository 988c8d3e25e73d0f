"""Verification of the audit log as a job."""

from __future__ import annotations

from typing import Any

from kit.audit.log import log_event
from kit.audit.verification import verify
from kit.domain.days import show_day
from kit.jobs.models import Job

FUNCTION = "accounts.audit_pages.tasks.verify_trail"  # stands in the rows of jobs
BROKEN = "发现"


def verify_trail(job: Job) -> str:
    """Walk the whole chain of seals and return the result in words. Run as a job."""
    findings = verify(lambda done, total: job.heartbeat(done, total) if done % 20 == 0 else None)
    result = f"{BROKEN} {len(findings)} 处问题：{''.join(findings)}" if findings else "审计记录完整。"
    log_event(job.owner, "核对审计记录", text=result)
    return result


def last_verification() -> dict[str, Any] | None:
    """Return date and result of the last verification that was started on screen."""
    job = Job.objects.filter(function=FUNCTION, status=Job.Status.DONE).order_by("-finished_at").first()
    return (
        {"at": show_day(job.finished_at, "time"), "result": job.result, "broken": job.result.startswith(BROKEN)}
        if job
        else None
    )
