"""The monthly computations in the background: product pairs with the check of their hints, and 预警回测."""

from __future__ import annotations

import time

from django.utils import timezone

from customers.orders.as_of import orders_as_of
from customers.orders.models import Order
from kit.jobs.models import Job
from kit.jobs.tasks import start_job

from .backtest import Beat, due_month_ends, refresh_backtest
from .backtest_models import BacktestMonth
from .hint_models import HintCheck
from .pairs import MIN_BUYERS, refresh_pairs

PAIRS = ("产品搭配", "customers.insight.tasks.run_pairs")
BACKTEST = ("预警回测", "customers.insight.tasks.run_backtest")
SECONDS = 10  # between two heartbeats


def start_monthly() -> str:
    """Queue what this month still lacks. Called daily by the schedule: jobs, so that a dead worker is replaced."""
    if not Order.objects.exists():
        return "还没有订单"
    missing = []
    month = timezone.localdate().replace(day=1)
    if not HintCheck.objects.filter(month=month, buyers__gte=MIN_BUYERS).exists():
        missing.append(PAIRS)
    if not BacktestMonth.objects.filter(month_end=due_month_ends(orders_as_of())[0]).exists():
        missing.append(BACKTEST)
    return "、".join(f"任务 {_start(*work).pk}" for work in missing) or "本月已计算"


def _start(kind: str, function: str) -> Job:
    waiting = Job.objects.filter(function=function, status__in=(Job.Status.QUEUED, Job.Status.RUNNING)).first()
    return waiting or start_job(kind, function, owner=None)


def run_pairs(job: Job) -> str:
    """Compute this month's pairs in a worker. A killed run leaves nothing, and the job is run again."""
    return compute_pairs(Heartbeat(job))


def run_backtest(job: Job) -> str:
    """Compute the month-ends of 预警回测 in a worker. Each is replaced as a whole; a killed job is run again."""
    return compute_backtest(Heartbeat(job))


def compute_pairs(beat: Beat = lambda: None) -> str:
    """Compute this month's pairs and check now."""
    check = refresh_pairs(orders_as_of(), timezone.localdate().replace(day=1), beat)
    return (
        f"截至 {check.as_of:%Y-%m-%d}，{check.buyers} 家客户有订单，检验 {check.compared} 家的 {check.shown} 条提示。"
    )


def compute_backtest(beat: Beat = lambda: None) -> str:
    """Compute the last twelve month-ends now."""
    done = refresh_backtest(orders_as_of(), beat)
    return f"{done[-1]:%Y-%m-%d} 至 {done[0]:%Y-%m-%d}，{len(done)} 个月末。" if done else "还没有可判断的月末。"


class Heartbeat:
    """A heartbeat of the job, at most one in ten seconds however often it is called."""

    def __init__(self, job: Job) -> None:
        self.job, self.last = job, time.monotonic()
        job.heartbeat(0, 1)

    def __call__(self) -> None:
        if time.monotonic() - self.last >= SECONDS:
            self.job.heartbeat(0, 1)
            self.last = time.monotonic()
