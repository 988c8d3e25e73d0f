"""Once a week each 客户经理 with new alerts of 提前预警 is told, in one line that leads to their list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import Notification, User, notify_many
from basedata.calendar.working_time import current_schedule
from customers.orders.as_of import orders_as_of
from kit.domain.urls import page_url

from .alerts import AlertLevel
from .models import Alert

OCCASION = "early"  # followed by the week and the day the alerts were of, which the next week begins after
WEEK = timedelta(days=7)


class NewAlerts(NamedTuple):
    """How many customers of one 客户经理 came to each level."""

    red: int = 0
    amber: int = 0

    def __str__(self) -> str:
        parts = ((AlertLevel.RED, self.red), (AlertLevel.AMBER, self.amber))
        by_level = "、".join(f"{level.label} {count} 家" for level, count in parts if count)
        return f"本周新增 {self.red + self.amber} 家提前预警：{by_level}。"


def tell_weekly(today: date | None = None) -> str:
    """Tell of new alerts on the first working day of the week; run daily by the schedule, twice does no harm."""
    today = today or timezone.localdate()
    if not is_first_working_day(today):
        return "不是本周第一个工作日"
    as_of, week = orders_as_of(), f"{OCCASION} {today:%G-W%V}"
    with transaction.atomic():
        people = User.objects.holding("customers.handle_churncase").in_bulk()
        told = told_until(people)
        new = count_new(as_of, {pk: told.get(pk, as_of - WEEK) for pk in people})
        told_this_week = set(_told(people).filter(occasion__startswith=week).values_list("recipient", flat=True))
        rows = [_notification(pk, new[pk], f"{week} {as_of}") for pk in sorted(new.keys() - told_this_week)]
        notify_many(rows)
    return f"通知 {len(rows)} 位客户经理"


def is_first_working_day(day: date) -> bool:
    """Tell whether this is a working day and none of its week was before."""
    schedule, monday = current_schedule(), day - timedelta(days=day.weekday())
    return schedule.is_working_day(day) and schedule.working_days(monday, day) == 1


def told_until(people: Iterable[int]) -> dict[int, date]:
    """Return the day up to which each of them was told of alerts; without those who never were."""
    occasions = _told(people).order_by("pk").values_list("recipient", "occasion")
    return {pk: date.fromisoformat(occasion.rpartition(" ")[2]) for pk, occasion in occasions}


def count_new(as_of: date, since: dict[int, date]) -> dict[int, NewAlerts]:
    """Return how many alerts of each 客户经理 came to their level after a day of theirs; paused ones do not count."""
    counts: dict[int, NewAlerts] = {}
    for level, began in ((AlertLevel.RED, "alarm_from"), (AlertLevel.AMBER, "late_from")):
        for manager, day in _read_beginnings(as_of, level, began, min(since.values(), default=as_of)):
            if manager in since and day > since[manager]:
                count = counts.get(manager, NewAlerts())
                counts[manager] = count._replace(**{level.value: getattr(count, level.value) + 1})
    return counts


def _read_beginnings(as_of: date, level: AlertLevel, began: str, after: date) -> Iterator[tuple[int, date]]:
    alerts = Alert.objects.alerted(as_of, level).without_paused().filter(Q(**{f"{began}__gt": after}))
    yield from alerts.order_by().values_list("customer__manager", began)


def _told(people: Iterable[int]) -> QuerySet[Notification]:
    return Notification.objects.filter(recipient__in=people, occasion__startswith=f"{OCCASION} ")


def _notification(manager: int, new: NewAlerts, occasion: str) -> Notification:
    row = Notification.about(None, manager, str(new), Notification.Kind.CHURN, occasion)
    row.url = f"{page_url('customers:alert_list')}?manager={manager}"
    return row
