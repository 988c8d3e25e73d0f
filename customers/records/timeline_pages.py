"""客户动态, paged by position: each page costs as much as the first."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from customers.timeline import TimelineEntry
from kit.domain.days import show_day
from kit.pages.page import render_page
from kit.pages.record_page import RecordPage
from kit.sql.readers import NO_KEY, FixedRows

from .models import Customer

PAGE_SIZE = 20
BUSY_MONTH = 3  # entries; where no month of a quarter has so many, one heading is enough for the quarter
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


def name_quarter(at: datetime) -> str:
    """Return the heading of a quarter: 三季度, or 2025 年三季度 in other years."""
    local = timezone.localtime(at)
    quarter = f"{'一二三四'[(local.month - 1) // 3]}季度"
    return quarter if local.year == timezone.localdate().year else f"{local.year} 年{quarter}"


@cache
def _newest_entries() -> FixedRows[TimelineEntry]:
    return FixedRows(Customer(pk=NO_KEY).timeline.newest()[: PAGE_SIZE + 1])


def busy_quarters(times: list[datetime]) -> set[str]:
    """Return the quarters whose months have headings of their own: with BUSY_MONTH entries in one of them."""
    per_month = Counter((name_quarter(at), timezone.localtime(at).month) for at in times)
    return {quarter for (quarter, _), number in per_month.items() if number >= BUSY_MONTH}


def timeline_page(customer: Customer, before: Position | None = None, *, continues: bool = False) -> dict[str, Any]:
    """Return the entries after a position, with headings, and the position of the next page; one query.

    continues: the entry at `before` is right above, so that its time has a heading already.
    """
    if before:
        entries = list(customer.timeline.newest().before(*before)[: PAGE_SIZE + 1])
    else:
        entries = _newest_entries().of(customer.pk)
    shown, above = entries[:PAGE_SIZE], before[0] if before and continues else None
    items, heading = [], show_day(above, "month") if above else ""
    busy = busy_quarters([entry.at for entry in shown]) | ({name_quarter(above)} if above else set())
    for entry in shown:
        icon, tone = KIND_STYLES[TimelineEntry.Kind(entry.kind)]
        quarter = name_quarter(entry.at)
        former, heading = heading, show_day(entry.at, "month") if quarter in busy else quarter
        items.append({"entry": entry, "icon": icon, "tone": tone, "heading": heading if heading != former else ""})
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
