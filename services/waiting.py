"""Service requests to assign, to handle and to feed back: counted in the menu and on the home page."""

from __future__ import annotations

from django.db.models import Model, QuerySet
from django.db.models.functions import Now

from accounts.models import User
from accounts.scopes.querysets import RowScope
from kit.domain.modules import Waiting

from .requests.models import ServiceRequest
from .requests.querysets import ServiceRequestQuerySet

NOW = Now()  # the database's clock: the statement stays the same from one second to the next


def count_work(user: User) -> dict[str, QuerySet[Model]]:
    """Return requests to assign, to handle and to feed back, and the late ones of the first two."""
    rows: dict[str, QuerySet[Model]] = {}
    if user.has_perm("services.assign_servicerequest"):
        rows |= {"dispatch": to_assign(user), "dispatch_due": to_assign(user).overdue(NOW)}
    if user.has_perm("services.handle_servicerequest"):
        to_handle = ServiceRequest.objects.to_handle(user)
        rows |= {"handling": to_handle, "handling_due": to_handle.overdue(NOW)}
        rows["feedback"] = ServiceRequest.objects.to_feed_back(user)
    return rows


def decisive_scopes(user: User) -> list[RowScope]:
    return [ServiceRequest.objects.view_scope(user), ServiceRequest.objects.edit_scope(user)]


def list_work(user: User) -> list[QuerySet[Model]]:
    """Return requests to handle and to feed back; for a supervisor those to assign and those that came back twice."""
    rows: list[QuerySet[Model]] = []
    if user.has_perm("services.handle_servicerequest"):
        rows += [ServiceRequest.objects.to_handle(user), ServiceRequest.objects.to_feed_back(user)]
    if user.has_perm("services.assign_servicerequest"):
        rows += [to_assign(user), ServiceRequest.objects.editable_by(user).to_decide()]
    return rows


def list_late_work(user: User) -> list[QuerySet[Model]]:
    """Return requests to handle or to assign that are overdue."""
    rows: list[QuerySet[Model]] = []
    if user.has_perm("services.handle_servicerequest"):
        rows.append(ServiceRequest.objects.to_handle(user).overdue())
    if user.has_perm("services.assign_servicerequest"):
        rows.append(to_assign(user).overdue())
    return rows


def to_assign(user: User) -> ServiceRequestQuerySet:
    """Return the new requests that the user may assign."""
    return ServiceRequest.objects.editable_by(user).filter(status=ServiceRequest.Status.NEW)


WAITING = Waiting(count_work, decisive_scopes, list_work, list_late_work)
