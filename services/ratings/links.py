"""Rating links for customers: signed, for one round, used once, valid for some days."""

from __future__ import annotations

from enum import Enum
from io import BytesIO

import segno
from django.core import signing
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from kit.pages.public_pages import public_url
from services.requests.models import ServiceRequest
from services.requests.related_models import FormerLink, GivenBy, ServiceRound

SIGNER = signing.Signer(salt="services.rate")
FORM_SIGNER = signing.Signer(salt="services.rate.form")


class LinkState(Enum):
    GOOD = "good"
    USED = "used"
    CLOSED = "closed"  # in another way than through a link
    REPLACED = "replaced"
    EXPIRED = "expired"
    FORGED = "forged"  # or unknown: never made, or of a deleted record


def rating_url(current: ServiceRound, request: HttpRequest) -> str:
    """Return the absolute URL for the customer; empty when there is none or it expired."""
    if not current.rating_key or is_over(current):
        return ""
    return public_url(reverse("rate", args=[SIGNER.sign(current.rating_key)]), request)


def is_over(current: ServiceRound) -> bool:
    return current.rating_until is None or current.rating_until < timezone.now()


def read_token(token: str) -> tuple[LinkState, ServiceRound | None]:
    """Return the state of a link, and its round while the state is GOOD."""
    try:
        key = SIGNER.unsign(token)
    except signing.BadSignature:
        return LinkState.FORGED, None
    rows = ServiceRound.objects.select_related("request__kind", "request__assignee")
    if (current := rows.filter(rating_key=key).first()) is not None:
        state = link_state(current)
        return state, current if state is LinkState.GOOD else None
    former = FormerLink.objects.select_related("round__request").filter(key=key).first()
    return (link_state(former.round, replaced=True), None) if former else (LinkState.FORGED, None)


def link_state(current: ServiceRound, *, replaced: bool = False) -> LinkState:
    """Return the state of the link to this round; replaced: a newer link exists."""
    if current.closed_at is not None:
        return LinkState.USED if current.satisfaction_by == GivenBy.CUSTOMER else LinkState.CLOSED
    if current.request.status != ServiceRequest.Status.HANDLED:
        return LinkState.CLOSED
    if replaced:
        return LinkState.REPLACED
    return LinkState.EXPIRED if is_over(current) else LinkState.GOOD


def form_signature(token: str) -> str:
    """Return the signature in the rating page: it proves that a form is ours where cookies are off."""
    return FORM_SIGNER.signature(token)


def verify_form_signature(sent: str, token: str) -> bool:
    return constant_time_compare(sent, form_signature(token))


def qr_code(url: str) -> bytes:
    """Return an SVG image, dark on white in every theme, so that phones read it."""
    out = BytesIO()
    segno.make(url, error="m").save(out, kind="svg", scale=5, border=3, light="white", xmldecl=False)
    return out.getvalue()
