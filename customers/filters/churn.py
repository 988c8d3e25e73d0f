"""Filters of 客户流失管理; the state is the list's tab."""

from __future__ import annotations

import django_filters
from django import forms
from django.db.models import QuerySet

from crm.ui.filters import Contains, ListFilter

from ..models import ChurnCase
from .customers import managers


class ChurnFilter(ListFilter):
    customer = Contains(field_name="customer__name", label="客户")
    manager = django_filters.ModelChoiceFilter(
        field_name="customer__manager", queryset=managers, label="客户经理", empty_label="全部"
    )
    mine = django_filters.BooleanFilter(
        method="only_mine", label="只看我的客户", widget=forms.CheckboxInput(attrs={"class": "ck"})
    )

    class Meta:
        model = ChurnCase
        fields: list[str] = []

    def only_mine(self, rows: QuerySet, name: str, value: bool) -> QuerySet:
        return rows.filter(customer__manager=self.request.user) if value else rows
