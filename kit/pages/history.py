"""变更历史: the audit rows of one record, on its own page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse

from kit.audit.models import AuditEntry

from .records import RecordView
from .unknown_parameters import shorten

PAGE_SIZE = 50


def without_names(entries: Iterable[AuditEntry], labels: Iterable[str]) -> list[AuditEntry]:
    """The entries, saying only that these fields changed: their words name records the reader may not see."""
    result = list(entries)
    for entry in result:
        for label in set(labels) & set(entry.changes):
            entry.changes[label] = [None, "有变更"]
    return result


def as_seen_by(record: Any, entries: Iterable[AuditEntry], user: Any) -> list[AuditEntry]:
    """The entries of a record, its contact details masked where the record masks them for this person."""
    result = list(entries)
    shows_details_to = getattr(record, "shows_details_to", None)
    if shows_details_to and not shows_details_to(user):
        for entry in result:
            entry.mask_details()
    return result


class RecordHistory(RecordView):
    title, help = "变更历史", "audit"
    template_name = "ui/history_page.html"

    def hidden_labels(self) -> tuple[str, ...]:
        """Fields that name records which the reader may not see."""
        return ()

    def entries(self, record: Any) -> Any:
        return AuditEntry.objects.about(record)

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        record = self.get_record()
        entries = self.entries(record)
        before, misread = request.GET.get("before", ""), []
        if before.isdecimal() and len(before) < 19:
            entries = entries.filter(pk__lt=int(before))
        elif before:
            misread = [f"没有「{shorten(before)}」这个位置，现在从最新的记录开始显示。"]
        masked = as_seen_by(record, entries.order_by("-pk")[: PAGE_SIZE + 1], request.user)
        page = without_names(masked, self.hidden_labels())
        older = page[PAGE_SIZE - 1].pk if len(page) > PAGE_SIZE else None
        return self.page(
            record=record, history=page[:PAGE_SIZE], older=older, misread=misread, back_url=record.get_absolute_url()
        )
