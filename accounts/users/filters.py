"""Filters of the list of users."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet

from accounts.departments.models import Department, subtree_ids
from kit.lists.filter_choices import OneOfRecords
from kit.lists.filters import Contains, ContainsNumber, ListFilter

from .models import User


def dictionary_entries(field: str) -> Any:
    """Return the dictionary entries that a list of a user may hold."""
    relation: Any = User._meta.get_field(field).remote_field
    return relation.model._default_manager.complex_filter(relation.limit_choices_to)


class UserFilter(ListFilter):
    favourites = ("username", "name", "department", "groups")

    username = Contains(label="用户名")
    name = Contains(label="姓名")
    department = OneOfRecords(queryset=lambda request: Department.objects.all(), method="below", label="部门")
    groups = OneOfRecords(queryset=lambda request: Group.objects.order_by("name"), method="linked", label="角色")
    regions = OneOfRecords(queryset=lambda request: dictionary_entries("regions"), method="linked", label="负责分区")
    industries = OneOfRecords(
        queryset=lambda request: dictionary_entries("industries"), method="linked", label="行业特长"
    )
    mobile = ContainsNumber(label="手机")

    class Meta:
        model = User
        fields: list[str] = []

    def below(self, rows: QuerySet, name: str, values: tuple[Department, ...]) -> QuerySet:
        """Narrow to the departments with all below them."""
        return rows.filter(department__in={pk for value in values for pk in subtree_ids(value.pk)})

    def linked(self, rows: QuerySet, name: str, values: tuple[Model, ...]) -> QuerySet:
        """Narrow to users with one of the records, each once."""
        return rows.filter(pk__in=User.objects.filter(**{f"{name}__in": values}).order_by().values("pk"))
