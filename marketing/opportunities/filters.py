"""Filters of the two lists of 营销管理; each query parameter has its field's name."""

from __future__ import annotations

from datetime import date
from typing import Any

import django_filters
from django import forms
from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import User
from accounts.scopes.rule import VIEW, user_ids_in_scope
from accounts.users.by_department import department_choices, department_user_ids
from customers.models import Customer
from kit.lists.filter_choices import OneOfRecords
from kit.lists.filter_days import DaysAgo
from kit.lists.filters import Contains, DateFrom, DateTo, ListFilter

from .forecasts import forecast_to_close_in
from .models import Opportunity
from .querysets import OpportunityQuerySet


def assignees(request: Any) -> QuerySet[User]:
    """Return the account managers within the user's view scope, as choices of 指派给."""
    if request is None:
        return User.objects.none()
    people = user_ids_in_scope(request.user, "marketing.view_opportunity", VIEW)
    managers = User.objects.account_managers().only("name", "username")
    return managers if people is None else managers.filter(pk__in=people)


HIDDEN = forms.HiddenInput
UNFILLED = "未填写"  # parameter value of links that mean rows without a value


def owners(request: Any) -> QuerySet[User]:
    """Return the owners of the opportunities that the user sees."""
    if request is None:
        return User.objects.none()
    rows = Opportunity.objects.visible_to(request.user).owned_by(OuterRef("pk"))
    return User.objects.filter(Exists(rows))


class OwnerDepartmentFilter(django_filters.ChoiceFilter):
    """Filter by the owner's present department."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label="部门", choices=self.department_options, **kwargs)

    def department_options(self) -> list[tuple[str, str]]:
        """Return all departments: a user's own opportunity may have its owner in another one."""
        return department_choices(None)

    def filter(self, rows: OpportunityQuerySet, value: str) -> OpportunityQuerySet:
        return rows.filter(rows.of_people(department_user_ids(value))) if value else rows


class OpportunityFilter(ListFilter):
    """The filter of 销售机会管理; the hidden fields are parameters of links from reports."""

    favourites = ("customer_name", "assignee", "created", "summary")

    customer_name = Contains(label="客户名称")
    summary = Contains(label="概要")
    contact_name = Contains(label="联系人")
    assignee = OneOfRecords(queryset=assignees, label="指派给")
    created = DaysAgo(field_name="created_at", label="创建", over="{} 天以前创建", within="近 {} 天创建")
    created_from = DateFrom(field_name="created_at", label="创建时间起")
    created_to = DateTo(field_name="created_at", label="创建时间止")
    unplanned = django_filters.BooleanFilter(
        method="only_unplanned", label="没有计划", widget=forms.CheckboxInput(attrs={"class": "ck"})
    )
    closed_from = DateFrom(field_name="closed_at", label="结束时间起", widget=HIDDEN)
    closed_to = DateTo(field_name="closed_at", label="结束时间止", widget=HIDDEN)
    open = django_filters.BooleanFilter(method="only_open", label="进行中", widget=HIDDEN)
    of_customer_number = django_filters.CharFilter(method="of_customer", max_length=20, label="客户编号", widget=HIDDEN)
    own = django_filters.BooleanFilter(method="only_own", label="只看我的", widget=HIDDEN)
    keeper = django_filters.ModelChoiceFilter(method="of_owner", queryset=owners, label="归属", widget=HIDDEN)
    department = OwnerDepartmentFilter(widget=HIDDEN)
    source = django_filters.CharFilter(method="of_source", max_length=50, label="机会来源", widget=HIDDEN)
    introducer = django_filters.CharFilter(method="of_introducer", max_length=20, label="老客户介绍", widget=HIDDEN)
    forecast = django_filters.DateFilter(method="forecast_for", label="月初预计当月成交", widget=HIDDEN)
    total = django_filters.BooleanFilter(method="unfiltered", label="显示合计", widget=HIDDEN)

    class Meta:
        model = Opportunity
        fields: list[str] = []

    def only_unplanned(self, rows: OpportunityQuerySet, name: str, value: bool) -> OpportunityQuerySet:
        return rows.unplanned() if value else rows

    def only_open(self, rows: OpportunityQuerySet, name: str, value: bool) -> OpportunityQuerySet:
        return rows.open() if value else rows

    def of_customer(self, rows: OpportunityQuerySet, name: str, value: str) -> OpportunityQuerySet:
        customer = Customer.objects.visible_to(self.request.user).filter(number=value).first()
        return rows.of_customer(customer) if customer else rows.none()

    def only_own(self, rows: OpportunityQuerySet, name: str, value: bool) -> OpportunityQuerySet:
        return rows.filter(rows.belonging_to(self.request.user)) if value else rows

    def of_owner(self, rows: OpportunityQuerySet, name: str, value: User) -> OpportunityQuerySet:
        return rows.owned_by(value.pk)

    def of_source(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.filter(source="" if value == UNFILLED else value)

    def of_introducer(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """Filter by the number of the customer that introduced the opportunity."""
        return rows.filter(introduced_by=None) if value == UNFILLED else rows.filter(introduced_by__number=value)

    def forecast_for(self, rows: QuerySet, name: str, value: date) -> QuerySet:
        return forecast_to_close_in(rows, value.replace(day=1))

    def unfiltered(self, rows: QuerySet, name: str, value: bool) -> QuerySet:
        """Return all rows: the parameter only makes the page show its sums."""
        return rows
