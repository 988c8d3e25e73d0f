"""Sessions in the database that survive a full disk: reading goes on where nothing can be written."""

from __future__ import annotations

import logging

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.db import OperationalError

logger = logging.getLogger("crm.sessions")


class SessionStore(db.SessionStore):
    def save(self, must_create: bool = False) -> None:
        """Save the session. A new one must be written; changes of an old one may be lost."""
        try:
            super().save(must_create=must_create)
        except (OperationalError, UpdateError) as error:
            reason = error.__context__ if isinstance(error, UpdateError) else error
            if must_create or not isinstance(reason, OperationalError):  # the row is gone: the session was ended
                raise
            logger.warning("session not saved: %s", reason)
