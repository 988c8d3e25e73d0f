"""Rows as they stand after the work, at a time of the past, without the acts that led to them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from marketing.models import Opportunity
from services.models import ServiceRequest
from tests import factories

SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(day: date, hour: int = 12, minute: int = 0) -> datetime:
    """Return a time of a day in Shanghai."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=SHANGHAI)


def local(value: datetime) -> date:
    """Return the day in Shanghai."""
    return value.astimezone(SHANGHAI).date()


def opportunity_row(company, status, *, number=0, **values):
    """Return an opportunity in that state, without the transitions that led to it."""
    ended = status in ("won", "lost")
    values.setdefault("created_at", at(date(2026, 2, 3), minute=59))
    values.setdefault("closed_at", at(date(2026, 5, 6), minute=59) if ended else None)
    values.setdefault("assignee", None if status == "unassigned" else company.manager)
    return Opportunity.objects.create(
        **{**factories.OPPORTUNITY, "summary": f"机会 {number}", **values},
        status=status,
        created_by=company.manager,
        assigned_at=None if status == "unassigned" else values["created_at"],
        customer=values.pop("customer", None) or (company.made if status == "won" else None),
        lost_reason="价格" if status == "lost" else "",
    )


def request_row(company, number, **values):
    """Return a request as it stands after the work, without the transitions that led to it."""
    manager = values.pop("manager", company.manager)
    values = {
        "created_at": datetime(2026, 5, 5, 9, tzinfo=SHANGHAI),
        "kind": factories.entry("服务类型", "咨询"),
        **values,
    }
    if not values.get("customer"):
        values.setdefault("organisation", "滨州海悦新材料有限公司")
    if values.get("assignee"):
        values |= {"assigned_at": values["created_at"], "assigned_by": company.supervisor, "status": "assigned"}
    if values.get("satisfaction", 0) and values["satisfaction"] >= 3:
        values |= {"status": "archived", "archived_at": values["created_at"] + timedelta(days=3)}
    owner = values["customer"].manager if values.get("customer") else manager
    return ServiceRequest.objects.create(
        number=f"FW{number:09}",
        summary="泵显示不归零",
        content="停泵后显示 0.12",
        created_by=manager,
        keeper=owner,
        **values,
    )


def joined_long_ago(*people):
    """Let users have joined in January, so that they owe reports."""
    for person in people:
        type(person).objects.filter(pk=person.pk).update(date_joined="2026-01-01T00:00Z")
