"""Removal of the demo company; records of real users, dictionary, roles and audit log stay."""

from __future__ import annotations

from functools import partial

from django.core.files.storage import default_storage
from django.db import models, transaction
from django.db.models import ProtectedError, Q

from accounts.list_views.models import SavedView
from accounts.models import Department, User
from customers.models import Attachment, ChurnCase, Customer, RhythmBase, RiskMonth
from kit.audit.log import log_event
from kit.undo.models import UndoEntry
from marketing.models import Opportunity
from reports.models import MonthlyReport
from services.models import ServiceRequest

from .accounts import password_file
from .insight import remove_insight
from .trade import remove_trade


def remove() -> tuple[dict[str, int], list[str]]:
    """Delete in one transaction; return counts, and users only disabled because real records refer to them."""
    people = User.objects.filter(is_demo=True)
    with transaction.atomic():
        department_ids = set(people.exclude(department=None).values_list("department_id", flat=True))
        opportunities = Opportunity.objects.filter(Q(assignee__in=people) | Q(assignee=None, created_by__in=people))
        customers = Customer.objects.filter(manager__in=people)
        customers.update(parent=None)
        files = dict(Attachment.objects.filter(interaction__customer__in=customers).values_list("pk", "file"))
        ChurnCase.objects.filter(customer__in=customers).delete()
        requests = ServiceRequest.objects.filter(Q(customer__in=customers) | Q(customer=None, created_by__in=people))
        remove_trade(list(customers.values_list("pk", flat=True)))
        _remove_computed(people)
        counts = {
            "服务请求": _delete(requests),
            "销售机会": _delete(opportunities),
            "客户": _delete(customers.exclude(merged_into=None)) + _delete(customers),
            "客户管理报告": _delete(MonthlyReport.objects.filter(author__in=people)),
            "账号": _delete(people),
        }
        people.update(is_active=False)
        remaining = Attachment.objects.in_bulk(files)
        transaction.on_commit(partial(_delete_files, [path for pk, path in files.items() if pk not in remaining]))
        _delete_empty_departments(department_ids)
        log_event(
            None, "删除", None, text="演示公司", changes={label: count for label, count in counts.items() if count}
        )
    password_file().unlink(missing_ok=True)
    return counts, [f"{person.name}（{person.username}）" for person in people.order_by("pk")]


def _remove_computed(people: models.QuerySet[User]) -> None:
    """Delete what was computed of invented orders; the next night run makes it again of real ones."""
    UndoEntry.objects.filter(by__in=people).delete()
    SavedView.objects.filter(owner__in=people).delete()
    RiskMonth.objects.filter(manager__in=people).delete()
    RhythmBase.objects.all().delete()
    remove_insight()


def _delete_files(paths: list[str]) -> None:
    for path in paths:
        default_storage.delete(path)


def _delete(rows: models.QuerySet) -> int:
    """Delete rows at once; those protected by records of real users stay. Return the number deleted."""
    count = rows.count()
    try:
        with transaction.atomic():
            rows.delete()
    except ProtectedError:
        for row in rows:
            _delete_unless_protected(row)
    return count - rows.count()


def _delete_unless_protected(row: models.Model) -> None:
    try:
        with transaction.atomic():
            row.delete()
    except ProtectedError:
        pass  # a record of a real user refers to it


def _delete_empty_departments(places: set[int]) -> None:
    """Delete the departments of demo users and those above them, unless others belong to them."""
    parents = dict(Department.objects.order_by().values_list("pk", "parent_id"))
    while places:
        Department.objects.filter(pk__in=places, members=None, children=None).delete()
        above = {parents[pk] for pk in places}
        places = {pk for pk in above if pk is not None}
