"""Filters of the two lists of 营销管理; parameters carry the field's name."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet

from accounts.models import User
from accounts.scopes import VIEW, people_in_scope
from crm.ui.filters import Contains, DateFrom, DateTo, ListFilter

from .models import Opportunity


def assignees(request: Any) -> QuerySet[User]:
    """Who may be named in 指派给: the 客户经理 inside one's view."""
    if request is None:
        return User.objects.none()
    people = people_in_scope(request.user, "marketing.view_opportunity", VIEW)
    managers = User.objects.account_managers().only("name", "username")
    return managers if people is None else managers.filter(pk__in=people)


class OpportunityFilter(ListFilter):
    customer_name = Contains(label="客户名称")
    summary = Contains(label="概要")
    contact_name = Contains(label="联系人")
    assignee = django_filters.ModelChoiceFilter(queryset=assignees, label="指派给", empty_label="全部")
    created_from = DateFrom(field_name="created_at", label="创建时间起")
    created_to = DateTo(field_name="created_at", label="创建时间止")

    class Meta:
        model = Opportunity
        fields: list[str] = []


class DevelopmentFilter(ListFilter):
    customer_name = Contains(label="客户名称")
    summary = Contains(label="概要")
    contact_name = Contains(label="联系人")
    mine = django_filters.BooleanFilter(
        method="only_mine", label="只看指派给我的", widget=forms.CheckboxInput(attrs={"class": "ck"})
    )

    class Meta:
        model = Opportunity
        fields: list[str] = []

    def only_mine(self, rows: QuerySet, name: str, value: bool) -> QuerySet:
        return rows.filter(assignee=self.request.user) if value else rows
