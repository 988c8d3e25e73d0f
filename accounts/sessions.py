"""Where people are signed in: one row per session, so that a person's sessions are listed and ended by an index."""

from __future__ import annotations

import time
from importlib import import_module
from typing import Any, Self

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import OperationalError, models
from django.http import HttpRequest
from django.utils import timezone

from kit.audit.middleware import client_address

KEY, SEEN = "sign_in_key", "sign_in_seen"  # what the session itself remembers of its row
SEEN_EVERY = 300  # seconds between two notes of the last visit


class SignedIn(models.QuerySet["UserSession"]):
    def alive(self) -> Self:
        """Those whose session has neither expired nor been ended."""
        living = Session.objects.filter(expire_date__gt=timezone.now()).values("session_key")
        return self.filter(session_key__in=living)


class UserSession(models.Model):
    """One sign-in of a person: from where, with what, since when."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="sign_ins", verbose_name="用户")
    session_key = models.CharField("会话", max_length=40, unique=True)
    address = models.GenericIPAddressField("地址", null=True)
    agent = models.CharField("浏览器", max_length=200, blank=True)
    created_at = models.DateTimeField("登录时间", default=timezone.now)
    seen_at = models.DateTimeField("最近访问", default=timezone.now)

    objects = SignedIn.as_manager()

    class Meta:
        verbose_name = "登录会话"
        verbose_name_plural = "登录会话"
        ordering = ["-seen_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.user} {self.address or ''}"

    @property
    def device(self) -> str:
        """Browser and system in two words, as people name them."""
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
        found = (
            next((word for mark, word in words.items() if mark in self.agent), "") for words in (browsers, systems)
        )
        return " · ".join(filter(None, found)) or "未知设备"


def remember_sign_in(request: HttpRequest, user: Any) -> None:
    """Called at sign-in, when the session has its new key."""
    session = request.session
    if not session.session_key:
        session.save()
    UserSession.objects.update_or_create(
        session_key=session.session_key,
        defaults={
            "user": user,
            "address": client_address(request),
            "agent": request.META.get("HTTP_USER_AGENT", "")[:200],
        },
    )
    session[KEY], session[SEEN] = session.session_key, int(time.time())


def keep_up(request: HttpRequest) -> None:
    """After each request: the key changes with the password, the last visit is noted now and then."""
    session = request.session
    known, now = session.get(KEY), int(time.time())
    if session.session_key is None:
        return
    if known is None:
        remember_sign_in(request, request.user)  # signed in before sessions were listed
        return
    if known == session.session_key and now - session.get(SEEN, 0) < SEEN_EVERY:
        return
    try:
        UserSession.objects.filter(session_key=known).update(
            session_key=session.session_key, seen_at=timezone.now(), address=client_address(request)
        )
    except OperationalError:  # a full disk, a held database: reading goes on, the visit is noted another time
        if request.method == "GET":
            session.modified = False  # writing what else the session wants to remember would wait as long again
        return
    session[KEY], session[SEEN] = session.session_key, now


def end_sessions(user: Any, *, keep: str | None = None, only: int | None = None) -> int:
    """Signs the person out everywhere, or at one place, and says at how many. keep: the key of the session to spare."""
    rows = UserSession.objects.filter(user=user).exclude(session_key=keep or "")
    if only is not None:
        rows = rows.filter(pk=only)
    keys = list(rows.values_list("session_key", flat=True))
    store: Any = import_module(settings.SESSION_ENGINE).SessionStore
    for key in keys:
        store(key).delete()
    rows.delete()
    return len(keys)


def forget_ended() -> int:
    """Rows whose session is gone (each day, after the expired sessions were cleared)."""
    gone = UserSession.objects.exclude(session_key__in=Session.objects.values("session_key"))
    return gone.delete()[0]
