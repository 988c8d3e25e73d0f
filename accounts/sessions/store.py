"""Sessions in the database that survive a full disk: reading goes on where nothing can be written."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.db import OperationalError

from kit.sql.turns import without_waiting

logger = logging.getLogger("crm.sessions")


class SessionStore(db.SessionStore):
    noted = False  # something stands in it that may be lost, until the session is saved for another reason

    def note(self, key: str, value: Any) -> None:
        """Remember what needs no saving of its own: see save_notes()."""
        modified = self.modified
        self[key] = value
        self.modified, self.noted = modified, True

    def save_notes(self) -> None:
        """Save what was noted, unless that would mean to wait for another writer; the next request notes it again."""
        try:
            with without_waiting():
                super().save()
        except (OperationalError, UpdateError) as error:
            logger.debug("notes of a session not saved: %s", error)

    def save(self, must_create: bool = False) -> None:
        """Save the session. A new one must be written; changes of an old one may be lost."""
        try:
            super().save(must_create=must_create)
        except (OperationalError, UpdateError) as error:
            reason = error.__context__ if isinstance(error, UpdateError) else error
            if must_create or not isinstance(reason, OperationalError):  # the row is gone: the session was ended
                raise
            logger.warning("session not saved: %s", reason)
