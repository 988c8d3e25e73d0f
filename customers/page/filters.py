"""Filters of the lists of customers."""

from __future__ import annotations

from datetime import date
from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet

from accounts.models import User
from accounts.users.by_department import department_user_ids
from basedata.models import DictionaryEntry
from customers.churn.models import ChurnCase
from customers.records.filters import OWNER_AT_THAT_TIME, CustomerName, DepartmentFilter, owner_choices
from customers.records.models import STAR_CHOICES, Customer
from customers.records.ownership import owner_at
from kit.domain.days import midnight
from kit.pages.filters import Contains, ListFilter


class CustomerFilter(ListFilter):
    number = Contains(label="客户编号")
    name = CustomerName(label="名称")
    region = django_filters.ChoiceFilter(label="地区", empty_label="全部", null_label="未填写")
    manager = django_filters.ModelChoiceFilter(
        queryset=owner_choices, label="客户经理", empty_label="全部", method="of_manager"
    )
    department = DepartmentFilter(method="of_department")
    level = django_filters.ChoiceFilter(label="客户等级", empty_label="全部", null_label="未填写")
    industry = django_filters.ChoiceFilter(label="行业", empty_label="全部", null_label="未填写")
    satisfaction = django_filters.ChoiceFilter(
        label="满意度", empty_label="全部", null_label="未填写", choices=STAR_CHOICES[::-1]
    )
    credit = django_filters.ChoiceFilter(
        label="信用度", empty_label="全部", null_label="未填写", choices=STAR_CHOICES[::-1]
    )
    normal_on = django_filters.DateFilter(method="normal_at_start", label="这一天开始时正常", widget=forms.HiddenInput)
    follow = django_filters.ChoiceFilter(
        label="归属", choices=[(OWNER_AT_THAT_TIME, "那一天的客户经理")], method="keep_rows", widget=forms.HiddenInput
    )

    class Meta:
        model = Customer
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = {"地区": "region", "客户等级": "level", "行业": "industry"}
        choices: dict[str, list[tuple[int, str]]] = {name: [] for name in names.values()}
        for entry in DictionaryEntry.objects.filter(category__in=names):  # one query for all three
            choices[names[entry.category]].append((entry.pk, entry.item))
        for name, options in choices.items():
            self.filters[name].extra["choices"] = options

    def of_department(self, rows: QuerySet[Customer], name: str, value: str) -> QuerySet[Customer]:
        return self.of_owners(rows, department_user_ids(value))

    def of_manager(self, rows: QuerySet[Customer], name: str, value: User) -> QuerySet[Customer]:
        return self.of_owners(rows, frozenset({value.pk}))

    def of_owners(self, rows: QuerySet[Customer], owners: frozenset[int]) -> QuerySet[Customer]:
        """Filter by owner: today's, or the one when the day of normal_on began."""
        data = self.form.cleaned_data
        if data.get("follow") == OWNER_AT_THAT_TIME and data.get("normal_on"):
            customers = Customer.objects.annotate(owner_then=owner_at("pk", midnight(data["normal_on"])))
            return rows.filter(pk__in=customers.filter(owner_then__in=owners).order_by().values("pk"))
        return rows.filter(manager__in=owners)

    def keep_rows(self, rows: QuerySet[Customer], name: str, value: str) -> QuerySet[Customer]:
        """Change nothing: of_owners() reads the value."""
        return rows

    def normal_at_start(self, rows: QuerySet[Customer], name: str, value: date) -> QuerySet[Customer]:
        """Filter customers that existed and were not lost when the day began: the base of 客户流失分析."""
        start = midnight(value)
        lost = ChurnCase.objects.visible_to(self.request.user).lost_at(start)
        return rows.filter(created_at__lt=start).exclude(pk__in=lost.order_by().values("customer"))


class DeletedCustomerFilter(ListFilter):
    number = Contains(label="客户编号")
    name = CustomerName(label="名称")

    class Meta:
        model = Customer
        fields: list[str] = []
