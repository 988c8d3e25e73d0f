"""Reminders of 客户管理报告: at the beginning of the following month, and once it is late."""

from __future__ import annotations

from datetime import date

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Notification, User, notify
from kit.domain.days import add_months, format_day, midnight

from .models import MonthlyReport
from .models.monthly import WRITE, due_on


def remind_authors(today: date | None = None) -> str:
    """Notify everybody who owes last month's report, each stage once. Run daily by the schedule."""
    if not settings.CRM_MONTHLY_REPORT_DAY:
        return "未启用"
    today = today or timezone.localdate()
    period = add_months(today.replace(day=1), -1)
    text = reminder(period, today)
    reminded = set(Notification.objects.filter(text=text).values_list("recipient", flat=True))
    authors = [person for person in authors_owing(period) if person.pk not in reminded]
    for person in authors:
        notify(person, text)
    return f"提醒 {len(authors)} 人"


def reminder(period: date, today: date) -> str:
    name, until = f"{format_day(period, 'month')}客户管理报告", format_day(due_on(period), "long")
    if today > due_on(period):
        return f"{name}已过 {until}的提交期限，请尽快提交。"
    return f"请在 {until}前提交{name}。"


def authors_owing(period: date) -> QuerySet[User]:
    """Return users who write reports and have not submitted the one of this month, without those who joined later."""
    submitted = MonthlyReport.objects.filter(period=period).exclude(status__in=MonthlyReport.OPEN)
    authors = User.objects.holding(WRITE).filter(date_joined__lt=midnight(due_on(period)))
    return authors.exclude(pk__in=submitted.values("author"))


def month_owed_by(user: User) -> date | None:
    """Return the month whose report the user still owes, for their home page; None when there is none."""
    if not settings.CRM_MONTHLY_REPORT_DAY or not user.has_perm(WRITE):
        return None
    period = add_months(timezone.localdate().replace(day=1), -1)
    return period if authors_owing(period).filter(pk=user.pk).exists() else None
