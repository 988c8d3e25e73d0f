"""The sessions of users: one row each, so that a user's sessions are listed and ended by an index."""

from __future__ import annotations

import time
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self, cast

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import OperationalError, models
from django.http import HttpRequest
from django.utils import timezone

from kit.audit.middleware import client_ip_address
from kit.sql.turns import without_waiting

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

    from accounts.users.models import User

ROW_KEY, ROW_USED_AT = "sign_in_key", "sign_in_seen"  # session keys: the key and last visit that the row has
USED_AT_STEP = 300  # seconds between two updates of the last visit


class UserSessionQuerySet(models.QuerySet["UserSession"]):
    def alive(self) -> Self:
        """Rows whose session has neither expired nor been ended."""
        live_keys = Session.objects.filter(expire_date__gt=timezone.now()).values("session_key")
        return self.filter(session_key__in=live_keys)


class UserSession(models.Model):
    """One sign-in of a user: from where, with what, since when."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="sign_ins", verbose_name="用户")
    session_key = models.CharField("会话", max_length=40, unique=True)
    address = models.GenericIPAddressField("地址", null=True)
    agent = models.CharField("浏览器", max_length=200, blank=True)
    created_at = models.DateTimeField("登录时间", default=timezone.now)
    seen_at = models.DateTimeField("最近访问", default=timezone.now)

    objects = UserSessionQuerySet.as_manager()

    class Meta:
        verbose_name = "登录会话"
        verbose_name_plural = "登录会话"
        ordering = ["-seen_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.user} {self.address or ''}"

    @property
    def device(self) -> str:
        """Browser and system in two words, as users name them."""
        browsers = {
            "MicroMessenger": "微信",
            "Edg": "Edge",
            "Firefox": "Firefox",
            "Chrome": "Chrome",
            "Safari": "Safari",
        }
        systems = {
            "Windows": "Windows", "Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Mac OS": "macOS",
            "Linux": "Linux",
        }  # fmt: skip
        parts = (
            next((word for mark, word in words.items() if mark in self.agent), "") for words in (browsers, systems)
        )
        return " · ".join(filter(None, parts)) or "未知设备"


def save_sign_in(request: HttpRequest, user: User) -> None:
    """Save the session's row. Call at sign-in, when the session has its new key."""
    session = request.session
    if not session.session_key:
        session.save()
    UserSession.objects.update_or_create(
        session_key=session.session_key,
        defaults={
            "user": user,
            "address": client_ip_address(request),
            "agent": request.META.get("HTTP_USER_AGENT", "")[:200],
        },
    )
    session[ROW_KEY], session[ROW_USED_AT] = session.session_key, int(time.time())


def refresh_sign_in(request: HttpRequest) -> None:
    """Update the row after a request: the key changes with the password, the last visit at most every five minutes."""
    session: Any = request.session
    row_key, now = session.get(ROW_KEY), int(time.time())
    if session.session_key is None:
        return
    if row_key is None:
        save_sign_in(request, cast("User", request.user))  # signed in before sessions were listed
        return
    if row_key != session.session_key:
        save_visit(request, row_key)
        session[ROW_KEY], session[ROW_USED_AT] = session.session_key, now
    elif now - session.get(ROW_USED_AT, 0) >= USED_AT_STEP:
        try:
            with without_waiting():
                save_visit(request, row_key)
        except OperationalError:  # a full disk, a locked database: reading goes on, the visit is saved another time
            return
        session.note(ROW_USED_AT, now)


def save_visit(request: HttpRequest, key: str) -> None:
    """Update the row of a session: its present key, the last visit, the address."""
    UserSession.objects.filter(session_key=key).update(
        session_key=request.session.session_key, seen_at=timezone.now(), address=client_ip_address(request)
    )


def end_sessions(user: AbstractBaseUser, *, keep: str | None = None, only: int | None = None) -> int:
    """End a user's sessions and return their number. keep: key of one to spare; only: id of the only row to end."""
    rows = UserSession.objects.filter(user=user.pk).exclude(session_key=keep or "")
    if only is not None:
        rows = rows.filter(pk=only)
    keys = list(rows.values_list("session_key", flat=True))
    store: Any = import_module(settings.SESSION_ENGINE).SessionStore
    for key in keys:
        store(key).delete()
    rows.delete()
    return len(keys)


def delete_ended() -> int:
    """Delete rows whose session is gone, daily after the expired sessions were cleared; return their number."""
    ended = UserSession.objects.exclude(session_key__in=Session.objects.values("session_key"))
    return ended.delete()[0]
