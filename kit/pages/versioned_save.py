"""Saving a form that was opened on an earlier version: the newer one is never overwritten unseen (decision 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404

from kit.domain.verdict import Kind

from .conflict import conflict_context
from .lock_order import lock_before_row

if TYPE_CHECKING:
    from .form_page import FormPage

EXPIRED = "页面已过期。您填写的内容还在，请核对后再次保存。"


def save_version(page: FormPage) -> HttpResponse:
    """Answer the POST of a versioned form; version compared and row saved under one lock."""
    with transaction.atomic():
        lock_before_row(page)
        locked = get_object_or_404(page.rows().select_for_update(of=("self",)), pk=page.kwargs["pk"])
        form = page.make_form(locked, page.request.POST)
        record = page.get_record()  # untouched by the form
        verdict = page.verdict(record)
        if verdict.kind in (Kind.NO_PERMISSION, Kind.NOT_YOURS):
            verdict.enforce()
        if not form.is_valid():
            return page.show(record, form)
        return _save_if_unchanged(page, record, form) if verdict else page.refuse(record, form, verdict)


def _save_if_unchanged(page: FormPage, record: Any, form: Any) -> HttpResponse:
    """Save over the opened version; a newer one shows the conflict page, a missing one the form again."""
    snapshot, stored_form = form.memory(), page.make_form(record)
    if snapshot is None:
        form.add_error(None, EXPIRED)
        form.data = {**form.data.dict(), "opened": stored_form.initial["opened"]}
        return page.show(record, form, 400)
    if snapshot["version"] != record.version:
        context = conflict_context(record, form, stored_form, snapshot["values"])
        return page.render(409, "ui/conflict.html", record=record, back_url=page.back_url(record), **context)
    return page.send(record, form)
