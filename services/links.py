"""The link with which a customer gives his score: signed, for one round, used once, good for some days."""

from __future__ import annotations

from enum import Enum
from io import BytesIO
from typing import Any

import segno
from django.core import signing
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from kit.pages.public_pages import public_url

from .models import FormerLink, GivenBy, ServiceRequest, ServiceRound

SIGNER = signing.Signer(salt="services.rate")
FORM_SIGNER = signing.Signer(salt="services.rate.form")


class LinkState(Enum):
    GOOD = "good"
    USED = "used"
    CLOSED = "closed"  # otherwise than through a link
    REPLACED = "replaced"
    EXPIRED = "expired"
    FORGED = "forged"  # or unknown: never made, or of a record that is gone


def rating_url(current: ServiceRound, request: Any) -> str:
    """The link of a round as the customer opens it; empty when none was made or its days are over."""
    if not current.rating_key or is_over(current):
        return ""
    return public_url(reverse("rate", args=[SIGNER.sign(current.rating_key)]), request)


def is_over(current: ServiceRound) -> bool:
    return current.rating_until is None or current.rating_until < timezone.now()


def read_token(token: str) -> tuple[LinkState, ServiceRound | None]:
    """What a link is worth now, and its round while it is good."""
    try:
        key = SIGNER.unsign(token)
    except signing.BadSignature:
        return LinkState.FORGED, None
    rows = ServiceRound.objects.select_related("request__kind", "request__assignee")
    if (found := rows.filter(rating_key=key).first()) is not None:
        state = link_state(found)
        return state, found if state is LinkState.GOOD else None
    former = FormerLink.objects.select_related("round__request").filter(key=key).first()
    return (link_state(former.round, replaced=True), None) if former else (LinkState.FORGED, None)


def link_state(asked: ServiceRound, *, replaced: bool = False) -> LinkState:
    if asked.closed_at is not None:
        return LinkState.USED if asked.satisfaction_by == GivenBy.CUSTOMER else LinkState.CLOSED
    if asked.request.status != ServiceRequest.Status.HANDLED:
        return LinkState.CLOSED
    if replaced:
        return LinkState.REPLACED
    return LinkState.EXPIRED if is_over(asked) else LinkState.GOOD


def form_signature(token: str) -> str:
    """What the page of a link carries: a form with it was ours, whether or not the browser keeps cookies."""
    return FORM_SIGNER.signature(token)


def verify_form_signature(sent: str, token: str) -> bool:
    return constant_time_compare(sent, form_signature(token))


def qr_code(url: str) -> bytes:
    """An SVG picture; dark on white whatever the screen's colours, so that telephones read it."""
    out = BytesIO()
    segno.make(url, error="m").save(out, kind="svg", scale=5, border=3, light="white", xmldecl=False)
    return out.getvalue()
