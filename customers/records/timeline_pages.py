"""客户动态, paged by position: each page costs as much as the first."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render

from customers.timeline import TimelineEntry
from kit.domain.days import format_day
from kit.pages.page import render_page
from kit.pages.record_page import RecordPage
from kit.sql.readers import NO_KEY, FixedRows

from .models import Customer

PAGE_SIZE = 20
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
KIND_STYLES = {  # kind: (icon, tone)
    TimelineEntry.Kind.INTERACTION: ("message-circle", "blue"),
    TimelineEntry.Kind.ORDER: ("receipt", "green"),
    TimelineEntry.Kind.CHURN: ("trending-down", "red"),
    TimelineEntry.Kind.OPPORTUNITY: ("target-arrow", "green"),
    TimelineEntry.Kind.SERVICE: ("headset", "amber"),
    TimelineEntry.Kind.CUSTOMER: ("building", ""),
}

Position = tuple[datetime, int]


def format_position(entry: TimelineEntry) -> str:
    """Return an entry's position for the URL: microseconds since 1970 and its key."""
    return f"{(entry.at - EPOCH) // MICROSECOND}-{entry.pk}"


def parse_position(text: str) -> Position:
    """Parse a text of format_position(). Raises ValueError."""
    match = re.fullmatch(r"(-?\d{1,17})-(\d{1,18})", text, re.ASCII)
    if match is None:
        raise ValueError(text)
    try:
        return EPOCH + int(match[1]) * MICROSECOND, int(match[2])
    except OverflowError as error:
        raise ValueError(text) from error


@cache
def _newest_entries() -> FixedRows[TimelineEntry]:
    return FixedRows(Customer(pk=NO_KEY).timeline.newest()[: PAGE_SIZE + 1])


def timeline_page(customer: Customer, before: Position | None = None, *, continues: bool = False) -> dict[str, Any]:
    """Return the entries after a position, with headings of months, and the position of the next page; one query.

    continues: the entry at `before` is right above, so that its month has a heading already.
    """
    if before:
        entries = list(customer.timeline.newest().before(*before)[: PAGE_SIZE + 1])
    else:
        entries = _newest_entries().of(customer.pk)
    items, month = [], format_day(before[0], "month") if before and continues else ""
    for entry in entries[:PAGE_SIZE]:
        icon, tone = KIND_STYLES[TimelineEntry.Kind(entry.kind)]
        former, month = month, format_day(entry.at, "month")
        items.append({"entry": entry, "icon": icon, "tone": tone, "heading": month if month != former else ""})
    return {"timeline": items, "older": format_position(entries[PAGE_SIZE - 1]) if len(entries) > PAGE_SIZE else ""}


class CustomerTimeline(RecordPage):
    """All entries from a position on: a full page, or only the entries for htmx."""

    model = Customer
    template_name = "customers/timeline_page.html"
    title, crumbs, help = "客户动态", (("客户管理", ""), ("客户信息管理", "customers:customer_list")), "interactions"

    def get(self, request: Any, **kwargs: Any) -> HttpResponse:
        customer = self.get_record()
        try:
            before = parse_position(request.GET["before"]) if request.GET.get("before") else None
        except ValueError as error:
            raise Http404 from error
        context = {"record": customer, **timeline_page(customer, before, continues=bool(request.htmx))}
        if request.htmx:
            response = render(request, "customers/timeline_entries.html", context)
        else:
            response = render_page(self, is_start=before is None, **context)
        response["Vary"] = "HX-Request, Cookie"
        return response
