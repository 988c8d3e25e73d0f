"""Plans to begin with: three shipped ones, and those of opportunities that were won, with days counted from today.

Days are working days of the company's calendar: a plan of last year keeps its rhythm, not its dates.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.db.models import Count
from django.utils import timezone

from accounts.models import User
from basedata.calendar.working_time import Schedule, current_schedule
from marketing.opportunities.models import Opportunity

from .models import PlanItem

WON_PREFIX = "won-"
MAX_WON = 20  # the newest of one's view, to choose from


class PlannedStep(NamedTuple):
    """What to do so many working days after today."""

    days: int
    text: str


class PlanTemplate(NamedTuple):
    label: str
    steps: tuple[PlannedStep, ...]


SHIPPED = {
    "visit": PlanTemplate(
        "上门开发",
        (
            PlannedStep(1, "电话确认需求范围与决策人"),
            PlannedStep(3, "上门了解现场与工况，记下参数"),
            PlannedStep(8, "提交选型方案与报价"),
            PlannedStep(13, "技术交流，答复疑问"),
            PlannedStep(20, "商务谈判，确认合同与交期"),
        ),
    ),
    "tender": PlanTemplate(
        "招标投标",
        (
            PlannedStep(1, "取得招标文件，核对资格与截止时间"),
            PlannedStep(3, "澄清技术条款，确认偏离项"),
            PlannedStep(6, "完成标书和报价，内部评审"),
            PlannedStep(8, "递交投标文件和保证金"),
            PlannedStep(15, "跟进评标结果，准备合同"),
        ),
    ),
    "trial": PlanTemplate(
        "样机试用",
        (
            PlannedStep(1, "电话约定试用的工位、指标和时间"),
            PlannedStep(4, "送样机到场，安装调试"),
            PlannedStep(9, "回访试用情况，记录数据"),
            PlannedStep(14, "提交试用报告和报价"),
            PlannedStep(19, "确认采购意向与合同"),
        ),
    ),
}


def won_plans(user: User) -> list[tuple[str, str]]:
    """Return (key, label) of the newest won opportunities in the user's view that had a plan."""
    rows = Opportunity.objects.visible_to(user).filter(status=Opportunity.Status.WON)
    counted = rows.annotate(planned=Count("items")).filter(planned__gt=0).order_by("-closed_at", "-pk")[:MAX_WON]
    return [(f"{WON_PREFIX}{one.pk}", f"{one.customer_name} · {one.summary}（{one.planned} 项）") for one in counted]


def steps_of(key: str, user: User) -> tuple[PlannedStep, ...]:
    """Return the steps of a template or of a won opportunity in the user's view; none for any other key."""
    if key in SHIPPED:
        return SHIPPED[key].steps
    number = key.removeprefix(WON_PREFIX)
    if number == key or not number.isdecimal() or len(number) > 18:
        return ()
    rows = Opportunity.objects.visible_to(user).filter(status=Opportunity.Status.WON)
    won = rows.filter(pk=int(number)).first()
    return steps_after(won.items.all(), won.assigned_at or won.created_at, current_schedule()) if won else ()


def steps_after(items: Iterable[PlanItem], assigned_at: datetime, schedule: Schedule) -> tuple[PlannedStep, ...]:
    """Return a won opportunity's items as steps, so many working days after it was assigned."""
    first = timezone.localdate(assigned_at) + timedelta(1)
    return tuple(PlannedStep(max(schedule.working_days(first, item.on), 1), item.text) for item in items)


def dated(steps: Iterable[PlannedStep], today: date) -> list[tuple[date, str]]:
    """Return (day, text) of each step, counted from today."""
    schedule = current_schedule()
    return [(schedule.later(today, step.days), step.text) for step in steps]
