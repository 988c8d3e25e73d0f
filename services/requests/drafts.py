"""Drafts: unsaved form input, stored on the server per user, request and form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.utils import timezone

from accounts.models import User
from kit.transitions import Guard

from .models import ServiceRequest
from .notes import Draft


class DraftedForm(NamedTuple):
    """A form with drafts: the fields that are stored, and who may fill it in."""

    fields: tuple[str, ...]
    guard: Guard


DRAFTS = {
    "handle": DraftedForm(("handling",), ServiceRequest.handle),
    "feedback": DraftedForm(
        ("result", "satisfaction", "cause", "improvement", "is_adopted", "reply"), ServiceRequest.feedback
    ),
}
MAX_FIELD_LENGTH = 20_000  # characters; more than a field accepts, so that longer text can be shortened later


def save_draft(user: User, request: ServiceRequest, form: str, data: Mapping[str, str]) -> None:
    """Store the input of the form; delete the draft when all fields are empty."""
    values = {name: data[name][:MAX_FIELD_LENGTH] for name in DRAFTS[form].fields if data.get(name, "").strip()}
    key: dict[str, Any] = {"user": user, "request": request, "form": form}
    if not values:
        delete_draft(user, request, form)
        return
    Draft.objects.update_or_create(**key, defaults={"values": values, "saved_at": timezone.now()})


def find_draft(user: User, request_id: int, form: str) -> Draft | None:
    return Draft.objects.filter(user=user, request=request_id, form=form).first()


def delete_draft(user: User, request: ServiceRequest, form: str) -> None:
    Draft.objects.filter(user=user, request=request, form=form).delete()
