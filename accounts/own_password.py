"""The current password, asked inside a sign-in: a stolen session guesses it no more often than the sign-in page."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django_htmx.http import HttpResponseClientRedirect

from kit.audit.log import log_event

from .notification import notify
from .sessions import KEY, UserSession

WRONG = "password_incorrect"  # the code of the error, as Django's own form has it
COUNT = "wrong_passwords"  # in a row, kept in the session


def after_wrong_password(request: Any, form: Any, field: str) -> HttpResponse | None:
    """Counts what was answered in the form; the answer that ends the sign-in when it was wrong too often in a row."""
    if not form.has_error(field, WRONG):
        if field in form.cleaned_data:
            request.session.pop(COUNT, None)
        return None
    request.session[COUNT] = count = request.session.get(COUNT, 0) + 1
    log_event(request.user, "密码验证失败", request.user, 次数=count)
    return end(request, count) if count >= settings.AXES_FAILURE_LIMIT else None


def end(request: Any, count: int) -> HttpResponse:
    person = request.user
    with transaction.atomic():
        log_event(person, "结束登录", person, 原因=f"连续 {count} 次输错当前密码")
        notify(person, f"连续 {count} 次输错当前密码，那处登录已结束。如果不是您本人，请立即修改密码。")
        UserSession.objects.filter(session_key=request.session.get(KEY)).delete()
        request.session.flush()
    request.user = AnonymousUser()
    address = f"{reverse('login')}?{urlencode({'ended': '1'})}"
    return HttpResponseClientRedirect(address) if request.htmx else redirect(address)


class AsksOwnPassword:
    """For an action whose form asks for the current password."""

    request: HttpRequest

    def invalid(self, record: Any, form: Any) -> HttpResponse:
        return after_wrong_password(self.request, form, "password") or super().invalid(record, form)  # type: ignore[misc]

    def send(self, record: Any, form: Any) -> HttpResponse:
        after_wrong_password(self.request, form, "password")
        return super().send(record, form)  # type: ignore[misc]
