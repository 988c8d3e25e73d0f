"""The monthly computation in the background: product pairs, and the check of their hints."""

from __future__ import annotations

import time

from django.utils import timezone

from customers.orders.as_of import orders_as_of
from customers.orders.models import Order
from kit.jobs.models import Job
from kit.jobs.tasks import start_job

from .models import HintCheck
from .pairs import MIN_BUYERS, Beat, refresh_pairs

KIND, FUNCTION = "产品搭配", "customers.insight.tasks.run_pairs"
SECONDS = 10


def start_monthly() -> str:
    """Queue what this month still lacks. Called daily by the schedule: a job, so that a dead worker is replaced."""
    month = timezone.localdate().replace(day=1)
    if HintCheck.objects.filter(month=month, buyers__gte=MIN_BUYERS).exists():
        return "本月已计算"
    if not Order.objects.exists():
        return "还没有订单"
    waiting = Job.objects.filter(function=FUNCTION, status__in=(Job.Status.QUEUED, Job.Status.RUNNING)).first()
    return f"任务 {(waiting or start_job(KIND, FUNCTION, owner=None)).pk}"


def run_pairs(job: Job) -> str:
    """Compute this month's pairs in a worker. A killed run leaves nothing, and the job is run again."""
    return refresh_month(Heartbeat(job))


class Heartbeat:
    """A heartbeat of the job, at most one in ten seconds however often it is called."""

    def __init__(self, job: Job) -> None:
        self.job, self.last = job, time.monotonic()
        job.heartbeat(0, 1)

    def __call__(self) -> None:
        if time.monotonic() - self.last >= SECONDS:
            self.job.heartbeat(0, 1)
            self.last = time.monotonic()


def refresh_month(beat: Beat = lambda: None) -> str:
    """Compute this month's pairs and check now."""
    check = refresh_pairs(orders_as_of(), timezone.localdate().replace(day=1), beat)
    return (
        f"截至 {check.as_of:%Y-%m-%d}，{check.buyers} 家客户有订单，检验 {check.compared} 家的 {check.shown} 条提示。"
    )
