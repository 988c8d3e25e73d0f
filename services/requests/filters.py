"""Filters of the lists of 服务管理; each query parameter has its field's name."""

from __future__ import annotations

from typing import cast

import django_filters
from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest

from accounts.models import User
from accounts.users.by_department import department_choices, department_user_ids
from basedata.models import DictionaryEntry
from customers.records.filters import name_condition
from kit.lists.filter_choices import OneOfRecords
from kit.lists.filter_days import DaysAgo
from kit.lists.filters import Contains, DateFrom, DateTo, ListFilter

from .models import ServiceRequest
from .querysets import ServiceRequestQuerySet
from .related_models import GivenBy

HIDDEN = forms.HiddenInput
NO_CAUSE = "none"  # parameter value of links that mean complaints without 投诉原因


def department_options() -> list[tuple[str, str]]:
    return department_choices(None)


def assignees(request: HttpRequest | None) -> QuerySet[User]:
    """Return the assignees of the requests that the user sees."""
    if request is None:
        return User.objects.none()
    user = cast(User, request.user)  # every page of the product asks for signing in
    rows = ServiceRequest.objects.visible_to(user).filter(assignee=OuterRef("pk"))
    return User.objects.filter(Exists(rows))


class OwnerDepartmentFilter(django_filters.ChoiceFilter):
    """Filter by the present department of the user in the field."""

    def filter(self, rows: QuerySet, value: str) -> QuerySet:
        return rows.filter(**{f"{self.field_name}__in": department_user_ids(value)}) if value else rows


class WholeNumberFilter(django_filters.NumberFilter):
    field_class = forms.IntegerField


class RequestFilter(ListFilter):
    favourites = ("customer", "summary", "kind", "created")

    customer = Contains(label="客户", method="of_customer")
    summary = Contains(label="概要")
    kind = OneOfRecords(queryset=lambda request: DictionaryEntry.objects.of("服务类型"), label="服务类型")
    created = DaysAgo(field_name="created_at", label="创建", over="{} 天以前创建", within="近 {} 天创建")
    created_from = DateFrom(field_name="created_at", label="创建日期从")
    created_to = DateTo(field_name="created_at", label="到")

    class Meta:
        model = ServiceRequest
        fields: list[str] = []

    def of_customer(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """Filter by the name of the customer, or of an organisation that is not a customer yet."""
        return rows.filter(name_condition(value, "customer__") | Q(organisation__contains_text=value))


class OverdueFilter(django_filters.BooleanFilter):
    """只看逾期."""

    def __init__(self) -> None:
        super().__init__(label="只看逾期", widget=forms.CheckboxInput(attrs={"class": "ck"}))

    def filter(self, rows: ServiceRequestQuerySet, value: bool) -> ServiceRequestQuerySet:
        return rows.overdue(Now()) if value else rows


class LateFilter(RequestFilter):
    """RequestFilter with 只看逾期."""

    favourites = ("customer", "kind", "created", "overdue")

    overdue = OverdueFilter()


class ArchiveFilter(RequestFilter):
    """The filter of 服务归档; the hidden fields are parameters of links from reports."""

    favourites = LateFilter.favourites

    overdue = OverdueFilter()
    open = django_filters.BooleanFilter(method="only_open", label="未结", widget=HIDDEN)
    number = Contains(label="编号")
    department = OwnerDepartmentFilter(field_name="keeper", label="部门", choices=department_options, widget=HIDDEN)
    assignee = django_filters.ModelChoiceFilter(queryset=assignees, label="分配给", widget=HIDDEN)
    unassigned = django_filters.BooleanFilter(
        field_name="assignee", lookup_expr="isnull", label="尚未分配", widget=HIDDEN
    )
    rated = django_filters.BooleanFilter(
        field_name="satisfaction", lookup_expr="isnull", exclude=True, label="已评价", widget=HIDDEN
    )
    rated_by = django_filters.ChoiceFilter(
        field_name="satisfaction_by", choices=GivenBy.choices, label="评价人", widget=HIDDEN
    )
    stars_from = WholeNumberFilter(
        field_name="satisfaction", lookup_expr="gte", min_value=1, max_value=5, label="满意度不低于", widget=HIDDEN
    )
    handled = django_filters.BooleanFilter(
        field_name="minutes_to_handle", lookup_expr="isnull", exclude=True, label="已处理完", widget=HIDDEN
    )
    returns_from = WholeNumberFilter(
        field_name="returns", lookup_expr="gte", min_value=1, max_value=999, label="退回次数不少于", widget=HIDDEN
    )
    cause = django_filters.ModelChoiceFilter(
        queryset=DictionaryEntry.objects.of("投诉原因"),
        label="投诉原因",
        null_label="未填写",
        null_value=NO_CAUSE,
        widget=HIDDEN,
    )
    of_customer_number = django_filters.CharFilter(
        field_name="customer__number", max_length=20, label="客户编号", widget=HIDDEN
    )
    organisation = django_filters.CharFilter(max_length=100, label="单位名称", widget=HIDDEN)

    def only_open(self, rows: ServiceRequestQuerySet, name: str, value: bool) -> ServiceRequestQuerySet:
        return rows.open() if value else rows
