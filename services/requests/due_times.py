"""Periodic work on due times: recompute 应处理完成时间, notify of requests due soon or overdue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Protocol, cast

from django.conf import settings
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.utils import timezone

from accounts.models import Notification, User, notify_many
from accounts.scopes.rule import EDIT, scope_includes
from basedata.calendar.working_time import Schedule, add_working_minutes, current_schedule
from kit.domain.days import format_day
from kit.sql.streaming import stream_records
from services.targets.models import ServiceTarget

from .models import ServiceRequest
from .objections import ASSIGN
from .related_models import ServiceRound

BATCH_SIZE = 500
NOTICE_WINDOW = timedelta(days=3)  # no notices for what is overdue longer: lists and the home page show it
Kind = Notification.Kind


def watch() -> str:
    """Recompute due times and send notices; a periodic task, idempotent."""
    corrected = update_due_times()
    due_soon, overdue = send_due_notices(Kind.DUE_SOON), send_due_notices(Kind.OVERDUE)
    return f"更正时限 {corrected} 个，即将到期 {due_soon} 个，逾期 {overdue} 个"


# Due times change with targets, the calendar and the customer's level while requests are open


def update_due_times() -> int:
    """Recompute due_at of unhandled requests and return how many changed; rows saved meanwhile are skipped."""
    targets, schedule = ServiceTarget.all_minutes(), current_schedule()
    due_times = (
        (row, compute_due_at(cast(UnhandledRequest, row), targets, schedule))
        for row in stream_records(unhandled_requests(), BATCH_SIZE)
    )
    outdated = [(row.pk, row.version, due) for row, due in due_times if due != row.due_at]
    return sum(
        ServiceRequest.objects.filter(pk=pk, version=version).update(due_at=due) for pk, version, due in outdated
    )


def unhandled_requests() -> QuerySet[ServiceRequest]:
    """Return new and assigned requests, annotated with level (of the customer) and back_at (last return)."""
    returned = ServiceRound.objects.filter(request=OuterRef("pk"), closed_at__isnull=False).order_by("-number")
    rows = ServiceRequest.objects.filter(status__in=("new", "assigned"))
    annotated = rows.annotate(level=F("customer__level"), back_at=Subquery(returned.values("closed_at")[:1]))
    return annotated.only(
        "kind", "created_at", "handled_at", "waiting_minutes", "minutes_to_handle", "due_at", "version"
    )


class UnhandledRequest(Protocol):
    """A row of unhandled_requests()."""

    kind_id: int
    level: int | None
    created_at: datetime
    back_at: datetime | None
    handled_at: datetime  # this and the next are set where back_at is
    minutes_to_handle: int
    waiting_minutes: int


def compute_due_at(
    row: UnhandledRequest, targets: dict[tuple[int, int | None], int], schedule: Schedule
) -> datetime | None:
    """Return due_at as the transitions set it: target after creation or last return, plus the waiting time since."""
    minutes = targets.get((row.kind_id, row.level))
    if minutes is None:
        return None
    if row.back_at is None:
        return schedule.add_working_minutes(row.created_at, minutes + row.waiting_minutes)
    waited_before = schedule.working_minutes(row.created_at, row.handled_at) - row.minutes_to_handle
    waited = row.waiting_minutes - min(max(waited_before, 0), row.waiting_minutes)
    return schedule.add_working_minutes(row.back_at, minutes + waited)


# Notices: one per request, kind, round, assignee and target


def send_due_notices(kind: str) -> int:
    """Notify assignees, of overdue requests also supervisors; return the number of requests notified of."""
    supervisors, rows = list(User.objects.holding(ASSIGN)), list(requests_to_notify(kind).select_related("assignee"))
    count = 0
    for start in range(0, len(rows), BATCH_SIZE):
        unnotified = without_notice(rows[start : start + BATCH_SIZE], kind)
        notify_many(build_notices(unnotified, kind, supervisors))
        count += len(unnotified)
    return count


def requests_to_notify(kind: str) -> QuerySet[ServiceRequest]:
    """Return the requests that are overdue or due soon now."""
    now = timezone.now()
    if kind == Kind.OVERDUE:
        rows = ServiceRequest.objects.overdue(now).filter(due_at__gt=now - NOTICE_WINDOW)
    else:
        rows = ServiceRequest.objects.due_soon(now, add_working_minutes(now, settings.CRM_DUE_SOON_HOURS * 60))
    return rows.order_by("due_at", "pk")


def occasion_of(row: ServiceRequest, kind: str) -> str:
    """Return the key of a notice: kind, round, assignee, due time to the minute. At most 60 characters."""
    due = row.due_at.astimezone(UTC).strftime("%Y%m%d%H%M") if row.due_at else ""
    return f"{kind}:{row.pk}:{row.returns}:{row.assignee_id or 0}:{due}"


def without_notice(rows: Iterable[ServiceRequest], kind: str) -> list[ServiceRequest]:
    """Return the rows of which no notice of this kind was sent yet."""
    by_occasion = {occasion_of(row, kind): row for row in rows}
    sent = set(Notification.objects.told(by_occasion).values_list("occasion", flat=True))
    return [row for occasion, row in by_occasion.items() if occasion not in sent]


def build_notices(rows: Iterable[ServiceRequest], kind: str, supervisors: list[User]) -> Iterator[Notification]:
    for row in rows:
        assignee = row.assignee if row.assignee and row.assignee.is_active else None
        people = {assignee.pk} if assignee else set()
        if kind == Kind.OVERDUE or not assignee:
            people |= {one.pk for one in supervisors if scope_includes(one, ASSIGN, EDIT, row.keeper_id)}
        for pk in people:
            yield Notification.about(row, pk, notice_text(row, kind), kind, occasion_of(row, kind))


def notice_text(row: ServiceRequest, kind: str) -> str:
    work = f"，由{row.assignee}处理" if row.assignee else "，还没有分配"
    state = "已逾期" if kind == Kind.OVERDUE else "即将到期"
    return f"服务请求 {row.number}「{row.summary[:60]}」{state}：应在 {format_day(row.due_at, 'time')} 前处理完成{work}"
