"""Ask for the current password: a stolen session may guess it no more often than the sign-in page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django_htmx.http import HttpResponseClientRedirect

from accounts.notifications.models import notify
from accounts.sessions.models import ROW_KEY, UserSession
from kit.audit.log import log_event

INCORRECT = "password_incorrect"  # error code of Django's own form
FAILURE_COUNT = "wrong_passwords"  # session key: failures in a row


def after_wrong_password(request: Any, form: forms.Form, field: str) -> HttpResponse | None:
    """Count failures in a row; return the response that ends the sign-in after too many."""
    if not form.has_error(field, INCORRECT):
        if field in form.cleaned_data:
            request.session.pop(FAILURE_COUNT, None)
        return None
    request.session[FAILURE_COUNT] = count = request.session.get(FAILURE_COUNT, 0) + 1
    log_event(request.user, "密码验证失败", request.user, 次数=count)
    return end_session(request, count) if count >= settings.AXES_FAILURE_LIMIT else None


def end_session(request: Any, count: int) -> HttpResponse:
    user = request.user
    with transaction.atomic():
        log_event(user, "结束登录", user, 原因=f"连续 {count} 次输错当前密码")
        notify(user, f"连续 {count} 次输错当前密码，那处登录已结束。如果不是您本人，请立即修改密码。")
        UserSession.objects.filter(session_key=request.session.get(ROW_KEY)).delete()
        request.session.flush()
    request.user = AnonymousUser()
    url = f"{reverse('login')}?{urlencode({'ended': '1'})}"
    return HttpResponseClientRedirect(url) if request.htmx else redirect(url)
