"""Personal data about a contact in service requests; see customers/personal.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import models

from accounts.models import Notification
from customers.models import Contact
from customers.personal import PersonalDataSource, notifications_about

from .requests.models import ServiceRequest
from .requests.notes import Draft, ServiceNote
from .requests.related_models import FormerLink, ServiceRound


def requests_of(contact: Contact) -> models.QuerySet[ServiceRequest]:
    return ServiceRequest.objects.filter(customer=contact.customer).order_by("pk")


def _rows_of(
    model: type[ServiceRound] | type[ServiceNote] | type[Draft],
) -> Callable[[Contact], models.QuerySet[Any]]:
    return lambda contact: model._default_manager.filter(request__in=requests_of(contact)).order_by("pk")


REQUEST_TEXTS = ("summary", "content", "improvement", "reply")
PARTS = (
    PersonalDataSource(
        "服务请求",
        ServiceRequest,
        requests_of,
        REQUEST_TEXTS,
        ("number", *REQUEST_TEXTS, "created_at"),
        linked=lambda row, contact: row.contact_id == contact.pk,
    ),
    PersonalDataSource(
        "服务处理",
        ServiceRound,
        _rows_of(ServiceRound),
        ("handling", "result", "comment"),
        ("number", "handling", "result", "comment", "handled_at"),
    ),
    PersonalDataSource("服务备注", ServiceNote, _rows_of(ServiceNote), ("text",), ("at", "text")),
    PersonalDataSource("服务草稿", Draft, _rows_of(Draft), ("values",), ("user",)),  # its user's own until saved
    PersonalDataSource(
        "服务通知",
        Notification,
        lambda contact: Notification.objects.filter(notifications_about(requests_of(contact))),
        ("text",),
        ("created_at", "text"),
    ),
)
IMPERSONAL: dict[type[models.Model], tuple[str, ...]] = {
    ServiceRequest: ("number", "organisation"),
    ServiceRound: ("rating_key",),
    FormerLink: ("key",),
    Draft: ("form",),
}
