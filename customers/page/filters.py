"""Filters of the lists of customers."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet

from accounts.models import User
from accounts.users.by_department import users_of_departments
from basedata.models import DictionaryEntry
from customers.churn.models import ChurnCase, ChurnCaseQuerySet
from customers.insight.alerts import AlertLevel, customers_alerted
from customers.insight.risk import has_money_at_risk
from customers.orders.as_of import as_of_in_sql, orders_as_of
from customers.orders.models import OrderQuerySet
from customers.querysets import CustomerQuerySet
from customers.records.field_labels import entry_categories, field_choices, may_be_null, short_label
from customers.records.fields import CustomerField, Kind, in_list_order
from customers.records.filters import OWNER_AT_THAT_TIME, CustomerName, DepartmentFilter, owner_choices
from customers.records.models import Customer
from customers.records.ownership import owner_at
from customers.search.customers import has_all_words
from kit.domain.days import midnight
from kit.domain.search_words import MAX_TYPED, read_query
from kit.lists.filter_choices import OneOf, OneOfRecords
from kit.lists.filter_days import DaysAgo
from kit.lists.filters import Contains, ListFilter

FILTERED = [row for row in in_list_order() if row.filter]
ENTRY_FILTERS = entry_categories(row.name for row in FILTERED if row.kind is Kind.ENTRY)
PERMISSIONS = {  # of the filters that tell of orders, or of alerts and cases
    **dict.fromkeys(("ordered", "net_from", "net_to", "unpaid_days", "rhythm"), OrderQuerySet.view_permission),
    "at_risk": ChurnCaseQuerySet.view_permission,
}
MAX_DAYS = 36_500
BESIDE = {"manager": ("department",)}  # filters that are no field, by the one they stand behind


def field_filter(row: CustomerField) -> django_filters.Filter:
    """Return the filter of a text or a choice; other kinds, and what searches otherwise, stand in CustomerFilter."""
    label = short_label(row)
    if row.kind is Kind.TEXT:
        return Contains(field_name=row.name, label=label)
    options: dict[str, Any] = {"label": label}
    if may_be_null(row):
        options["null_label"] = "未填写"
    if row.kind is not Kind.ENTRY:  # those of the dictionary are read for each request
        options["choices"] = field_choices(row)
    return OneOf(field_name=row.name, **options)


def or_none(condition: Q, *, counts: bool) -> Q:
    """Match customers without figures, too, where their 0 counts: they were made since the last night."""
    return condition | Q(metrics=None) if counts else condition


class EntryChoices(dict[str, list[tuple[int, str]]]):
    """The entries of the dictionary by category, as (key, label)."""


def entry_choices(request: Any) -> EntryChoices:
    """Return the choices of all filters by category; a request reads them once, however often it counts."""
    return read_entries() if request is None else request.user.session_facts.of_module(EntryChoices, read_entries)


def read_entries() -> EntryChoices:
    choices = EntryChoices((category, []) for category in ENTRY_FILTERS.values())
    for entry in DictionaryEntry.objects.filter(category__in=choices):  # one query for all of them
        choices[entry.category].append((entry.pk, entry.item))
    return choices


class DaysFilter(django_filters.NumberFilter):
    field_class = forms.IntegerField


class CustomerFilter(ListFilter):
    favourites = ("name", "region", "level", "talked")

    name = CustomerName(label="名称")
    manager = OneOfRecords(queryset=owner_choices, label="客户经理", method="of_manager")
    department = DepartmentFilter(method="of_department")
    talked = DaysAgo(
        field_name="metrics__last_interaction_on", label="最近交往", over="超过 {} 天没有交往", within="近 {} 天交往过"
    )
    ordered = DaysAgo(
        field_name="metrics__last_order_on",
        label="上次下单",
        over="超过 {} 天没有下单",
        within="近 {} 天下过单",
        today=orders_as_of,
    )
    net_from = django_filters.NumberFilter(method="net_at_least", label="12 个月净额从（元）")
    net_to = django_filters.NumberFilter(method="net_at_most", label="到（元）")
    unpaid_days = DaysFilter(method="unpaid_longer", label="未回款超过（天）", min_value=0, max_value=MAX_DAYS)
    at_risk = django_filters.BooleanFilter(method="with_money_at_risk", label="计入风险金额", widget=forms.HiddenInput)
    rhythm = django_filters.ChoiceFilter(
        method="of_rhythm", choices=AlertLevel.choices, label="节奏", empty_label="全部"
    )
    incomplete = django_filters.BooleanFilter(
        method="only_incomplete", label="资料待补", widget=forms.CheckboxInput(attrs={"class": "ck"})
    )
    words = django_filters.CharFilter(method="with_words", label="搜索", max_length=MAX_TYPED, widget=forms.HiddenInput)
    normal_on = django_filters.DateFilter(method="normal_at_start", label="这一天开始时正常", widget=forms.HiddenInput)
    follow = django_filters.ChoiceFilter(
        label="归属", choices=[(OWNER_AT_THAT_TIME, "那一天的客户经理")], method="keep_rows", widget=forms.HiddenInput
    )

    class Meta:
        model = Customer
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        request = kwargs.get("request")
        if request is not None:
            hidden = {name for name, permission in PERMISSIONS.items() if not request.user.has_perm(permission)}
            self.base_filters = {name: one for name, one in self.base_filters.items() if name not in hidden}
        super().__init__(*args, **kwargs)
        asked = {name: category for name, category in ENTRY_FILTERS.items() if name in self.filters}
        choices = entry_choices(request) if asked else {}
        for name, category in asked.items():
            self.filters[name].extra["choices"] = choices[category]

    def net_at_least(self, rows: CustomerQuerySet, name: str, value: Decimal) -> QuerySet[Customer]:
        return rows.filter(or_none(Q(metrics__net_12m__gte=value), counts=value <= 0))

    def net_at_most(self, rows: CustomerQuerySet, name: str, value: Decimal) -> QuerySet[Customer]:
        return rows.filter(or_none(Q(metrics__net_12m__lte=value), counts=value >= 0))

    @classmethod
    def get_filters(cls) -> dict[str, django_filters.Filter]:
        """Add those of the table of fields, in its order; what is no field stands behind them."""
        own, filters = super().get_filters(), {}
        for row in FILTERED:
            filters[row.name] = own[row.name] if row.name in own else field_filter(row)
            filters |= {name: own[name] for name in BESIDE.get(row.name, ())}
        return {**filters, **own}

    def of_department(self, rows: QuerySet[Customer], name: str, values: tuple[str, ...]) -> QuerySet[Customer]:
        return self.of_owners(rows, users_of_departments(values))

    def of_manager(self, rows: QuerySet[Customer], name: str, values: tuple[User, ...]) -> QuerySet[Customer]:
        return self.of_owners(rows, frozenset(user.pk for user in values))

    def of_owners(self, rows: QuerySet[Customer], owners: frozenset[int]) -> QuerySet[Customer]:
        """Filter by owner: today's, or the one when the day of normal_on began."""
        data = self.form.cleaned_data
        if data.get("follow") == OWNER_AT_THAT_TIME and data.get("normal_on"):
            customers = Customer.objects.annotate(owner_then=owner_at("pk", midnight(data["normal_on"])))
            return rows.filter(pk__in=customers.filter(owner_then__in=owners).order_by().values("pk"))
        return rows.filter(manager__in=owners)

    def unpaid_longer(self, rows: QuerySet[Customer], name: str, value: int) -> QuerySet[Customer]:
        """Filter customers whose oldest unpaid order is older than so many days."""
        return rows.filter(metrics__unpaid_since__lt=orders_as_of() - timedelta(days=value))

    def with_money_at_risk(self, rows: QuerySet[Customer], name: str, value: bool) -> QuerySet[Customer]:
        return rows.filter(has_money_at_risk(orders_as_of())) if value else rows

    def of_rhythm(self, rows: QuerySet[Customer], name: str, value: str) -> QuerySet[Customer]:
        """Filter customers with an alert of this level, paused ones too."""
        if not self.request.user.has_perm("customers.view_churncase"):
            return rows.none()
        return rows.filter(customers_alerted(as_of_in_sql(), AlertLevel(value)))

    def only_incomplete(self, rows: CustomerQuerySet, name: str, value: bool) -> QuerySet[Customer]:
        return rows.incomplete() if value else rows

    def with_words(self, rows: CustomerQuerySet, name: str, value: str) -> QuerySet[Customer]:
        """Filter by what the search finds; its link leads here."""
        return rows.filter(has_all_words(self.request.user, read_query(value)))

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
