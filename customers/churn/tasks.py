"""The churn scan as background work: every Saturday at 02:00 by the schedule, or by hand."""

from __future__ import annotations

from datetime import date, datetime

from django.utils import timezone

from accounts.models import User
from kit.jobs.models import Job
from kit.jobs.tasks import start_job

from .scan import ScanResult, scan_churn

KIND, FUNCTION = "流失扫描", "customers.churn.tasks.run_scan"


def run_scan(job: Job) -> str:
    """Run today's scan in a worker. A killed scan leaves nothing, and the job is run again."""
    job.heartbeat(0, 1)
    return str(scan_churn(timezone.localdate(), by=job.owner))


def scan_jobs() -> list[Job]:
    """Return the last ten scan jobs, newest first."""
    return list(Job.objects.filter(function=FUNCTION).select_related("owner")[:10])


def start_scan(by: User | None = None) -> Job:
    """Queue a scan for the workers; return the job that waits or runs already, if there is one."""
    waiting = Job.objects.filter(function=FUNCTION, status__in=(Job.Status.QUEUED, Job.Status.RUNNING)).first()
    return waiting or start_job(KIND, FUNCTION, owner=by)


def scan_now(on: date | None = None) -> ScanResult:
    """Run the scan in this process and record it as a job; on: as of that day, today when None."""
    job = Job.objects.create(kind=KIND, function=FUNCTION)
    job.claim()
    try:
        result = scan_churn(on)
    except Exception:
        job.fail("扫描中断，没有改动任何记录；可以再次运行。")
        raise
    job.finish(str(result))
    return result


def scan_weekly() -> str:
    """Queue the scan. Called by the schedule: a job, so that a worker that dies is replaced."""
    return f"任务 {start_scan().pk}"


def last_scan() -> tuple[datetime, str] | None:
    """Return (end, result) of the last finished scan, or None."""
    done = Job.objects.filter(function=FUNCTION, status=Job.Status.DONE).order_by("-finished_at").first()
    return (done.finished_at, done.result) if done and done.finished_at else None
