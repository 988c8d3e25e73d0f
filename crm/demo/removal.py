"""Clears the demo company away; what real people keep stays, and so do dictionary, roles and the audit trail."""

from __future__ import annotations

from functools import partial

from django.core.files.storage import default_storage
from django.db import models, transaction
from django.db.models import ProtectedError, Q

from accounts.models import Department, User
from customers.models import Attachment, ChurnCase, Customer
from kit.audit.log import log_event
from marketing.models import Opportunity
from reports.models import MonthlyReport
from services.models import ServiceRequest

from .accounts import password_file
from .trade import remove_trade


def remove() -> tuple[dict[str, int], list[str]]:
    """Deletes in one transaction; returns what went, and who stayed (disabled) because real records name him."""
    people = User.objects.filter(is_demo=True)
    with transaction.atomic():
        places = set(people.exclude(department=None).values_list("department_id", flat=True))
        opportunities = Opportunity.objects.filter(Q(assignee__in=people) | Q(assignee=None, created_by__in=people))
        customers = Customer.objects.filter(manager__in=people)
        customers.update(parent=None)
        files = dict(Attachment.objects.filter(interaction__customer__in=customers).values_list("pk", "file"))
        ChurnCase.objects.filter(customer__in=customers).delete()
        requests = ServiceRequest.objects.filter(Q(customer__in=customers) | Q(customer=None, created_by__in=people))
        remove_trade(list(customers.values_list("pk", flat=True)))
        gone = {
            "服务请求": _delete(requests),
            "销售机会": _delete(opportunities),
            "客户": _delete(customers),
            "客户管理报告": _delete(MonthlyReport.objects.filter(author__in=people)),
            "账号": _delete(people),
        }
        people.update(is_active=False)
        kept = Attachment.objects.in_bulk(files)
        transaction.on_commit(partial(_delete_files, [path for pk, path in files.items() if pk not in kept]))
        _delete_empty_departments(places)
        log_event(None, "删除", None, text="演示公司", changes={label: count for label, count in gone.items() if count})
    password_file().unlink(missing_ok=True)
    return gone, [f"{person.name}（{person.username}）" for person in people.order_by("pk")]


def _delete_files(paths: list[str]) -> None:
    for path in paths:
        default_storage.delete(path)


def _delete(rows: models.QuerySet) -> int:
    """All at once; when records of real people hold on to some, those stay and the others go."""
    count = rows.count()
    try:
        with transaction.atomic():
            rows.delete()
    except ProtectedError:
        for row in rows:
            _delete_unless_held(row)
    return count - rows.count()


def _delete_unless_held(row: models.Model) -> None:
    try:
        with transaction.atomic():
            row.delete()
    except ProtectedError:
        pass  # a record of somebody real names it


def _delete_empty_departments(places: set[int]) -> None:
    """The departments of the demo people and those above them, unless real people or departments are there."""
    parents = dict(Department.objects.order_by().values_list("pk", "parent_id"))
    while places:
        Department.objects.filter(pk__in=places, members=None, children=None).delete()
        above = {parents[pk] for pk in places}
        places = {pk for pk in above if pk is not None}
