"""The link with which a customer gives his score: signed, for one round, used once, good for some days."""

from __future__ import annotations

from enum import Enum
from io import BytesIO
from typing import Any

import segno
from django.core import signing
from django.urls import reverse
from django.utils import timezone

from .models import ServiceRound

SIGNER = signing.Signer(salt="services.rate")


class State(Enum):
    GOOD = "good"
    USED = "used"
    EXPIRED = "expired"
    FORGED = "forged"


def rating_url(current: ServiceRound, request: Any) -> str:
    """The link of a round as the customer opens it; empty when none was made or its days are over."""
    if not current.rating_key or current.rating_until is None or current.rating_until < timezone.now():
        return ""
    return request.build_absolute_uri(reverse("rate", args=[SIGNER.sign(current.rating_key)]))


def read(token: str) -> tuple[State, ServiceRound | None]:
    """What a link is worth now, and its round while it is good. A key that is gone was replaced by a newer link."""
    try:
        key = SIGNER.unsign(token)
    except signing.BadSignature:
        return State.FORGED, None
    rows = ServiceRound.objects.select_related("request__kind", "request__assignee")
    found = rows.filter(rating_key=key).first()
    if found is None or found.closed_at is not None:
        return State.USED, None
    if found.rating_until is None or found.rating_until < timezone.now():
        return State.EXPIRED, None
    return State.GOOD, found


def qr_code(url: str) -> bytes:
    """An SVG picture; dark on white whatever the screen's colours, so that telephones read it."""
    out = BytesIO()
    segno.make(url, error="m").save(out, kind="svg", scale=5, border=3, light="white", xmldecl=False)
    return out.getvalue()
