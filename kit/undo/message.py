"""How a message on the screen carries what takes its change back: by its extra tags, until the next page."""

from __future__ import annotations

from uuid import uuid4

from kit.domain.urls import record_url

from .models import UndoEntry

TAG = "undo-"


def undo_tag(entry: UndoEntry | None) -> str:
    """Return the extra tags of a message; empty where nothing can be taken back."""
    return f"{TAG}{entry.pk}" if entry else ""


def before_undo(text: object) -> str:
    """Return a message as it stands before 撤销: 已删除 · 撤销."""
    return str(text).removesuffix("。")


def undo_url(tags: str) -> str:
    """Return the URL that takes back what a message tells of; empty for other messages. tags: its extra tags."""
    key = (tags or "").removeprefix(TAG)
    return record_url("undo", int(key)) if key != tags and key.isdecimal() else ""


def new_token() -> str:
    """Return the token of a button that posts without a form of its own, by which it is carried out once."""
    return str(uuid4())
