"""Filters of the lists of 服务管理; parameters carry the field's name."""

from __future__ import annotations

import django_filters
from django import forms
from django.db.models import Q, QuerySet

from basedata.models import DictionaryEntry
from crm.ui.filters import Contains, DateFrom, DateTo, ListFilter

from .models import ServiceRequest


class RequestFilter(ListFilter):
    customer = Contains(label="客户", method="of_customer")
    summary = Contains(label="概要")
    kind = django_filters.ModelChoiceFilter(
        queryset=lambda request: DictionaryEntry.objects.of("服务类型"), label="服务类型", empty_label="全部"
    )
    created_from = DateFrom(field_name="created_at", label="创建日期从")
    created_to = DateTo(field_name="created_at", label="到")

    class Meta:
        model = ServiceRequest
        fields: list[str] = []

    def of_customer(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """Customers by name, and organisations that are none yet."""
        return rows.filter(Q(customer__name__icontains=value) | Q(organisation__icontains=value))


class LateFilter(RequestFilter):
    """With 只看逾期, where work waits."""

    overdue = django_filters.BooleanFilter(
        method="only_overdue", label="只看逾期", widget=forms.CheckboxInput(attrs={"class": "ck"})
    )

    def only_overdue(self, rows: QuerySet, name: str, value: bool) -> QuerySet:
        return rows.overdue() if value else rows


class ArchiveFilter(LateFilter):
    number = Contains(label="编号")
