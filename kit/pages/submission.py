"""A form is carried out once, however often it is sent: its token is stored with what it led to (decision 7)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.shortcuts import redirect

from kit.domain.verdict import Kind, Refused, Verdict
from kit.undo.message import undo_tag
from kit.undo.models import UndoEntry

from .models import Submission

if TYPE_CHECKING:
    from .form_page import FormPage

logger = logging.getLogger(__name__)
LEFT_VIEW = "这样保存后您将看不到这条记录，所以没有保存。请检查归属，或请主管代为保存。"
CLASH = "与另一条刚刚保存的记录冲突（例如编号重复），没有保存。请核对后再试。"


class NotVisibleAfterwards(Exception):
    """The user may not see the row after saving it."""


def earlier_url(user: Any, token: UUID | str | None) -> str:
    """Return the URL this form redirected to when the user sent it before, empty if they did not."""
    try:
        rows = Submission.objects.filter(pk=UUID(str(token)), user=user)
    except ValueError:
        return ""
    return rows.values_list("url", flat=True).first() or ""


def carry_out_once(page: FormPage, record: Any, form: Any) -> HttpResponse:
    """Carry out the form and store its token in one transaction; a form sent again redirects to the same URL."""
    token, user = form.cleaned_data.get("submission"), page.request.user
    try:
        with transaction.atomic():
            if token:
                Submission.objects.create(pk=token, user=user, url="")
            result = page.carry_out(record, form)
            result, undo = (None, result) if isinstance(result, UndoEntry) else (result, None)
            if not page.may_leave_view:
                require_visible(result or record, user)
            url = page.success_url(record, result)
            Submission.objects.filter(pk=token).update(url=url)
    except IntegrityError as error:
        if previous_url := earlier_url(user, token):
            return redirect(previous_url)
        logger.exception("a constraint refused %s", page.request.path)
        raise Refused(Verdict(Kind.STATE, CLASH)) from error
    messages.success(page.request, page.message, extra_tags=undo_tag(undo))
    return redirect(url)


def require_visible(row: Any, user: Any) -> None:
    """Raise NotVisibleAfterwards, which rolls back, if the user may not see the saved row."""
    visible_to = getattr(getattr(type(row), "objects", None), "visible_to", None)
    if visible_to and not visible_to(user).filter(pk=row.pk).exists():
        raise NotVisibleAfterwards
