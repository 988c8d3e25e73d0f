"""最近删除: what can be taken back, and taking it back."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views import View

from kit.domain.days import show_day
from kit.jobs.models import Job
from kit.pages.form_page import FormPage
from kit.pages.page import render_page
from kit.undo.jobs import start_taking_back
from kit.undo.models import UndoEntry, UndoEntryQuerySet
from kit.undo.restoring import take_back

MAX_ROWS = 200


class RecentChanges(View):
    """The changes that the user can take back, and those that were; ?about=12-345: those of one record."""

    title, help = "最近删除", "recent"
    crumbs: tuple[tuple[str, str], ...] = ()
    template_name = "ui/recent.html"
    request: Any

    def get(self, request: HttpRequest) -> HttpResponse:
        rows = UndoEntry.objects.visible_to(self.request.user).filter(until__gt=timezone.now())
        rows = of_record(rows, request.GET.get("about", "")).select_related("by", "undone_by", "job")
        entries = list(rows.prefetch_related("record")[: MAX_ROWS + 1])
        return render_page(self, entries=entries[:MAX_ROWS], more=len(entries) > MAX_ROWS)


def of_record(entries: UndoEntryQuerySet, about: str) -> UndoEntryQuerySet:
    """Keep the entries about a record. about: the keys of its content type and of itself; anything else keeps all."""
    kind, _, key = about.partition("-")
    if not (kind.isdecimal() and key.isdecimal() and len(kind) < 10 and len(key) < 19):
        return entries
    return entries.filter(content_type=int(kind), object_id=int(key))


class TakeBack(FormPage):
    do, title, question = UndoEntry.can_undo, "撤销", "撤销这次操作？"
    crumbs, help = (("最近删除", "recent"),), "recent"
    select_related, submit_label = ("by", "undone_by", "job"), "撤销"

    def context(self, record: UndoEntry, form: Any) -> dict[str, Any]:
        return {"named": str(record), "details": f"{record.by}，{show_day(record.at, 'time')}"}

    def carry_out(self, record: UndoEntry, form: Any) -> Job | None:
        by = self.request.user
        if record.undoable.each is not None and record.is_large:
            self.message = f"正在后台撤销：{record}，进度和结果在这里。"
            return start_taking_back(record, by=by)
        self.message = f"已撤销：{record}。{take_back(record, by=by)}"
        return None

    def back_url(self, record: UndoEntry) -> str:
        return reverse("recent")

    def success_url(self, record: UndoEntry, result: Job | None) -> str:
        if result is not None:
            return reverse("job_detail", args=[result.pk])
        return record.record.get_absolute_url() if record.record is not None else reverse(record.undoable.back)
