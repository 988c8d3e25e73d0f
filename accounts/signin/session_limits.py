"""How long a sign-in lasts."""

from __future__ import annotations

import time

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase

# Session keys, in seconds since 1970: the sign-in and the last request of the user.
STARTED_AT, USED_AT = "entered", "seen"


def start_clocks(session: SessionBase) -> None:
    """Start both clocks of a sign-in."""
    session[STARTED_AT] = session[USED_AT] = int(time.time())


def expiry_reason(session: SessionBase, now: int) -> str:
    """Return why the sign-in is over, in words; empty while it lasts. Start clocks that are missing."""
    if STARTED_AT not in session:
        start_clocks(session)
    idle, hours = settings.CRM_SESSION_IDLE_MINUTES, settings.CRM_SESSION_HOURS
    if now - session[STARTED_AT] >= hours * 3600:
        return f"登录已满 {hours} 小时"
    if idle and now - session.get(USED_AT, 0) >= idle * 60:
        return f"{idle} 分钟没有操作"
    return ""
