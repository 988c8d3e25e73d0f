"""Filters of the list of users."""

from __future__ import annotations

from typing import Any

import django_filters
from django.contrib.auth.models import Group
from django.db.models import QuerySet

from accounts.departments.models import Department, subtree_ids
from kit.pages.filters import Contains, ContainsNumber, ListFilter

from .models import User


def dictionary_entries(field: str) -> Any:
    """Return the dictionary entries that a list of a user may hold."""
    relation: Any = User._meta.get_field(field).remote_field
    return relation.model._default_manager.complex_filter(relation.limit_choices_to)


class UserFilter(ListFilter):
    username = Contains(label="用户名")
    name = Contains(label="姓名")
    department = django_filters.ModelChoiceFilter(
        queryset=lambda request: Department.objects.all(), method="below", label="部门", empty_label="全部"
    )
    groups = django_filters.ModelChoiceFilter(
        queryset=lambda request: Group.objects.order_by("name"), label="角色", empty_label="全部"
    )
    regions = django_filters.ModelChoiceFilter(
        queryset=lambda request: dictionary_entries("regions"), label="负责分区", empty_label="全部"
    )
    industries = django_filters.ModelChoiceFilter(
        queryset=lambda request: dictionary_entries("industries"), label="行业特长", empty_label="全部"
    )
    mobile = ContainsNumber(label="手机")

    class Meta:
        model = User
        fields: list[str] = []

    def below(self, rows: QuerySet, name: str, value: Department) -> QuerySet:
        """Narrow to the department with all below it."""
        return rows.filter(department__in=subtree_ids(value.pk))
