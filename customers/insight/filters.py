"""Filters of 提前预警. Hidden filters serve links from reports."""

from __future__ import annotations

from typing import Any, cast

import django_filters
from django import forms
from django.db.models import QuerySet

from accounts.models import User
from customers.orders.models import OrderQuerySet
from customers.records.filters import CustomerName, DepartmentFilter, owner_choices
from kit.lists.filter_choices import OneOf, OneOfRecords
from kit.lists.filter_days import DaysAgo
from kit.lists.filters import ListFilter

from .alerts import AlertLevel
from .models import Alert, AlertQuerySet

OF_AMOUNTS = ("net_from", "at_risk")  # filters that tell of orders


class AlertFilter(ListFilter):
    """Filter rows of alerted(). Without 含已暂停 the user's own customers show no paused alerts; others' are marked."""

    favourites = ("customer", "level", "manager", "talked")

    customer = CustomerName(path="customer__", label="客户")
    manager = OneOfRecords(field_name="customer__manager", queryset=owner_choices, label="客户经理")
    department = DepartmentFilter(field_name="customer__manager")
    level = OneOf(field_name="alert_level", choices=AlertLevel.choices, label="灯")
    talked = DaysAgo(
        field_name="last_interaction_on", label="上次交往", over="超过 {} 天没有交往", within="近 {} 天交往过"
    )
    net_from = django_filters.NumberFilter(
        field_name="net_12m", lookup_expr="gte", label="12 个月净额 从", max_digits=17, decimal_places=2
    )
    paused = django_filters.BooleanFilter(
        method="keep_rows", label="含已暂停", widget=forms.CheckboxInput(attrs={"class": "ck"})
    )
    at_risk = django_filters.BooleanFilter(method="with_amount", label="计入风险金额", widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        request = kwargs.get("request")
        if request is not None and not request.user.has_perm(OrderQuerySet.view_permission):
            self.base_filters = {name: one for name, one in self.base_filters.items() if name not in OF_AMOUNTS}
        super().__init__(*args, **kwargs)

    class Meta:
        model = Alert
        fields: list[str] = []

    def filter_queryset(self, queryset: QuerySet[Alert]) -> QuerySet[Alert]:
        rows = cast(AlertQuerySet, super().filter_queryset(queryset))
        if self.form.cleaned_data.get("paused"):
            return rows
        return rows.without_paused(cast(User, self.request.user))

    def keep_rows(self, rows: AlertQuerySet, name: str, value: bool) -> AlertQuerySet:
        """Change nothing: filter_queryset() reads the value."""
        return rows

    def with_amount(self, rows: AlertQuerySet, name: str, value: bool) -> QuerySet[Alert]:
        return rows.filter(net_12m__gt=0) if value else rows
