"""Drafts: unsaved form input, stored on the server per user, request and form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from accounts.models import User

from .models import Draft, ServiceRequest

FORMS = {  # form: (fields that are stored, guard of the form)
    "handle": (("handling",), "can_handle"),
    "feedback": (("result", "satisfaction", "cause", "improvement", "is_adopted", "reply"), "can_feedback"),
}
MAX_FIELD_LENGTH = 20_000  # characters; more than a field accepts, so that longer text can be shortened later


def save_draft(user: User, request: ServiceRequest, form: str, data: Mapping[str, str]) -> None:
    """Store the input of the form; delete the draft when all fields are empty."""
    fields = FORMS[form][0]
    values = {name: data[name][:MAX_FIELD_LENGTH] for name in fields if data.get(name, "").strip()}
    key: dict[str, Any] = {"user": user, "request": request, "form": form}
    if not values:
        delete_draft(user, request, form)
        return
    Draft.objects.update_or_create(**key, defaults={"values": values, "saved_at": timezone.now()})


def find_draft(user: User, request: ServiceRequest, form: str) -> Draft | None:
    return Draft.objects.filter(user=user, request=request, form=form).first()


def delete_draft(user: User, request: ServiceRequest, form: str) -> None:
    Draft.objects.filter(user=user, request=request, form=form).delete()
