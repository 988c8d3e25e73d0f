"""变更历史: the page of one record's audit log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views import View

from kit.audit.models import AuditEntry
from kit.domain.actor import Actor
from kit.undo.models import UndoEntry

from .page import render_page, visible_rows
from .unknown_parameters import shorten

PAGE_SIZE = 50  # events


def hide_record_names(entries: Iterable[AuditEntry], labels: Iterable[str]) -> list[AuditEntry]:
    """Return the entries with the values of these fields hidden: they name records the user may not see."""
    result = list(entries)
    for entry in result:
        for label in set(labels) & set(entry.changes):
            entry.changes[label] = [None, "有变更"]
    return result


def mask_entries(record: models.Model, entries: Iterable[AuditEntry], user: Actor) -> list[AuditEntry]:
    """Return the entries with contact details masked, where the record masks them for this user."""
    result = list(entries)
    shows_details_to = getattr(record, "shows_details_to", None)
    if shows_details_to and not shows_details_to(user):
        for entry in result:
            entry.mask_details()
    return result


class HistoryPage(View):
    """The page of a record's events, newest first. A subclass declares model and crumbs."""

    model: type[models.Model]
    title, help = "变更历史", "audit"
    crumbs: tuple[tuple[str, str], ...] = ()
    select_related: tuple[str, ...] = ()
    template_name = "ui/history_page.html"
    request: Any

    def hidden_labels(self) -> tuple[str, ...]:
        """Return the labels of fields whose values name records the user may not see."""
        return ()

    def entries(self, record: Any) -> models.QuerySet[AuditEntry]:
        return AuditEntry.objects.about(record)

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        user = self.request.user
        record: Any = get_object_or_404(visible_rows(self.model, user, self.select_related), pk=self.kwargs["pk"])
        entries, before, misread = self.entries(record), request.GET.get("before", ""), []
        if before.isdecimal() and len(before) < 19:
            entries = entries.filter(pk__lt=int(before))
        elif before:
            misread = [f"没有「{shorten(before)}」这个位置，现在从最新的记录开始显示。"]
        masked = mask_entries(record, entries.order_by("-pk")[: PAGE_SIZE + 1], user)
        page = hide_record_names(masked, self.hidden_labels())
        older = page[PAGE_SIZE - 1].pk if len(page) > PAGE_SIZE else None
        context = {"record": record, "history": page[:PAGE_SIZE], "older": older, "misread": misread}
        context["undoable"] = UndoEntry.objects.offered_to(user, record)
        return render_page(self, back_url=record.get_absolute_url(), **context)
