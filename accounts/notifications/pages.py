"""Pages of notifications: the list, reading them, and whether they come by e-mail."""

from __future__ import annotations

from typing import cast

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views import View

from accounts.users.models import User

from . import mail
from .models import Notification


class NotificationList(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        rows = Notification.visible(cast(User, request.user))
        context = {"title": "通知", "rows": rows, "help_anchor": "notifications"}
        return render(request, "accounts/notifications.html", {**context, "by_mail": bool(settings.CRM_EMAIL_URL)})


class SwitchMail(View):
    """Set whether one's own notifications come by e-mail too."""

    def post(self, request: HttpRequest) -> HttpResponse:
        on = request.POST.get("on") == "1"
        mail.set_email_choice(cast(User, request.user), on)
        messages.success(request, "以后的通知也会发到您的邮箱。" if on else "不再给您发送邮件，通知仍在这里。")
        return redirect("notifications")


class ReadAllNotifications(View):
    def post(self, request: HttpRequest) -> HttpResponse:
        Notification.objects.filter(recipient=cast(User, request.user)).unread().update(read_at=timezone.now())
        return redirect("notifications")


class OpenNotification(View):
    """Mark a notification as read and lead to its record."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = get_object_or_404(Notification, pk=pk, recipient=request.user)
        row.mark_read()
        target = row.record
        return redirect(target.get_absolute_url() if target is not None else row.url or "notifications")
