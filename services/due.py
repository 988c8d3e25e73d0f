"""What the schedule does about time: keeps 应处理完成时间 true, and tells people what is due soon or overdue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.utils import timezone

from accounts.models import Notification, User, notify_many
from accounts.scopes import EDIT, reaches
from basedata.calendar import Schedule, add_working_minutes, current
from kit.domain.days import format_day
from kit.sql.streaming import stream_records

from .models import ServiceRequest, ServiceRound, ServiceTarget
from .models.record import ASSIGN

BATCH_SIZE = 500
NOTICE_WINDOW = timedelta(days=3)  # overdue for longer is no news: lists and the home page show it
Kind = Notification.Kind


def watch() -> str:
    """Every few minutes; run again it does and tells nothing more."""
    corrected = update_due_times()
    due_soon, overdue = send_due_notices(Kind.DUE_SOON), send_due_notices(Kind.OVERDUE)
    return f"更正时限 {corrected} 个，即将到期 {due_soon} 个，逾期 {overdue} 个"


# The time a request is due: targets, the calendar and a customer's level change under open requests


def update_due_times() -> int:
    """Brings due_at of every request that is not handled up to date; a row that moved meanwhile is left to itself."""
    targets, schedule = ServiceTarget.all_minutes(), current()
    now_due = (
        (row, compute_due_at(row, targets, schedule)) for row in stream_records(unhandled_requests(), BATCH_SIZE)
    )
    wrong = [(row.pk, row.version, due) for row, due in now_due if due != row.due_at]
    return sum(ServiceRequest.objects.filter(pk=pk, version=version).update(due_at=due) for pk, version, due in wrong)


def unhandled_requests() -> QuerySet[ServiceRequest]:
    """With the customer's level, and when the last round came back."""
    returned = ServiceRound.objects.filter(request=OuterRef("pk"), closed_at__isnull=False).order_by("-number")
    rows = ServiceRequest.objects.filter(status__in=("new", "assigned"))
    found = rows.annotate(level=F("customer__level"), back_at=Subquery(returned.values("closed_at")[:1]))
    return found.only("kind", "created_at", "handled_at", "waiting_minutes", "minutes_to_handle", "due_at", "version")


def compute_due_at(row: Any, targets: dict[tuple[int, int | None], int], schedule: Schedule) -> datetime | None:
    """As the transitions set it: the target from creation, or from the last return, and what was waited since."""
    minutes = targets.get((row.kind_id, row.level))
    if minutes is None:
        return None
    if row.back_at is None:
        return schedule.add_working_minutes(row.created_at, minutes + row.waiting_minutes)
    before = schedule.working_minutes(row.created_at, row.handled_at) - row.minutes_to_handle
    waited = row.waiting_minutes - min(max(before, 0), row.waiting_minutes)
    return schedule.add_working_minutes(row.back_at, minutes + waited)


# Who is told, once per request, kind, round, assignee and target


def send_due_notices(kind: str) -> int:
    """Tells whose turn it is, and of what is overdue the supervisors too; the number of requests told of."""
    supervisors, rows = list(User.objects.holding(ASSIGN)), list(requests_to_notify(kind).select_related("assignee"))
    count = 0
    for start in range(0, len(rows), BATCH_SIZE):
        fresh = without_notice(rows[start : start + BATCH_SIZE], kind)
        notify_many(build_notices(fresh, kind, supervisors))
        count += len(fresh)
    return count


def requests_to_notify(kind: str) -> QuerySet[ServiceRequest]:
    """What is overdue, or due soon, now."""
    now = timezone.now()
    if kind == Kind.OVERDUE:
        rows = ServiceRequest.objects.overdue(now).filter(due_at__gt=now - NOTICE_WINDOW)
    else:
        rows = ServiceRequest.objects.due_soon(now, add_working_minutes(now, settings.CRM_DUE_SOON_HOURS * 60))
    return rows.order_by("due_at", "pk")


def occasion_of(row: Any, kind: str) -> str:
    """What is told once: of this round, to these people, of this target to the minute. At most 60 characters."""
    return f"{kind}:{row.pk}:{row.returns}:{row.assignee_id or 0}:{row.due_at.astimezone(UTC):%Y%m%d%H%M}"


def without_notice(rows: Iterable[ServiceRequest], kind: str) -> list[ServiceRequest]:
    named = {occasion_of(row, kind): row for row in rows}
    told = set(Notification.objects.told(named).values_list("occasion", flat=True))
    return [row for occasion, row in named.items() if occasion not in told]


def build_notices(rows: Iterable[ServiceRequest], kind: str, supervisors: list[User]) -> Iterator[Notification]:
    for row in rows:
        mine = row.assignee if row.assignee and row.assignee.is_active else None
        above = [one for one in supervisors if reaches(one, ASSIGN, EDIT, row.keeper_id)]
        people = {mine.pk} if mine else set()
        if kind == Kind.OVERDUE or not mine:
            people |= {one.pk for one in above}
        for pk in people:
            yield Notification.about(row, pk, notice_text(row, kind), kind, occasion_of(row, kind))


def notice_text(row: ServiceRequest, kind: str) -> str:
    who = f"，由{row.assignee}处理" if row.assignee else "，还没有分配"
    state = "已逾期" if kind == Kind.OVERDUE else "即将到期"
    return f"服务请求 {row.number}「{row.summary[:60]}」{state}：应在 {format_day(row.due_at, 'time')} 前处理完成{who}"
