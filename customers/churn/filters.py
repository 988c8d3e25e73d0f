"""Filters of 客户流失管理; the status is the list's tab. Hidden filters serve links from reports."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

import django_filters
from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import User
from accounts.users.by_department import users_of_departments
from basedata.models import DictionaryEntry
from customers.orders.models import OrderQuerySet
from customers.records.filters import OWNER_AT_THAT_TIME, CustomerName, DepartmentFilter, owner_choices
from kit.domain.days import midnight
from kit.lists.filter_choices import OneOfRecords
from kit.lists.filters import DateFrom, DateTo, ListFilter

from .effect import case_effects
from .models import ChurnCase, ChurnCaseQuerySet, ChurnMeasure

HIDDEN = forms.HiddenInput
UNFILLED = "null"  # in links: cases without a value


def entries_of(category: str) -> QuerySet[DictionaryEntry]:
    return DictionaryEntry.objects.of(category)


class SelectedEntries(NamedTuple):
    """Dictionary entries named by a link."""

    keys: tuple[str, ...]
    names: str

    def __str__(self) -> str:
        return self.names


class EntriesField(forms.CharField):
    """Comma-separated keys of dictionary entries."""

    def __init__(self, category: str, **kwargs: Any) -> None:
        self.category = category
        super().__init__(max_length=500, **kwargs)

    def clean(self, value: Any) -> SelectedEntries | None:
        keys = [key for key in super().clean(value).split(",") if key]
        if not keys:
            return None
        names = {UNFILLED: "未填写"} | {str(entry.pk): entry.item for entry in entries_of(self.category)}
        if not names.keys() >= set(keys):
            raise forms.ValidationError("没有这个选项。")
        return SelectedEntries(tuple(keys), "、".join(names[key] for key in keys))


class EntriesFilter(django_filters.Filter):
    """Filter rows with one of the entries."""

    field_class = EntriesField

    def filter(self, rows: QuerySet[Any], value: SelectedEntries | None) -> QuerySet[Any]:
        if value is None:
            return rows
        condition = Q(**{f"{self.field_name}__in": [key for key in value.keys if key != UNFILLED]})
        return rows.filter(condition | Q(**{self.field_name: None}) if UNFILLED in value.keys else condition)


OF_AMOUNTS = ("at_risk",)  # filters that tell of orders


class ChurnFilter(ListFilter):
    favourites = ("customer", "manager", "department")

    customer = CustomerName(path="customer__", label="客户")
    manager = OneOfRecords(queryset=owner_choices, label="客户经理", method="of_manager")
    department = DepartmentFilter(method="of_department")
    follow = django_filters.ChoiceFilter(
        label="归属",
        empty_label="今天的客户经理",
        choices=[(OWNER_AT_THAT_TIME, "确认流失时的客户经理")],
        method="keep_rows",
    )
    confirmed_from = DateFrom(field_name="confirmed_at", label="确认流失从")
    confirmed_to = DateTo(field_name="confirmed_at", label="到")
    opened_from = DateFrom(field_name="opened_at", label="预警从", widget=HIDDEN)
    opened_to = DateTo(field_name="opened_at", label="预警到", widget=HIDDEN)
    closed_from = DateFrom(field_name="closed_at", label="结束从", widget=HIDDEN)
    closed_to = DateTo(field_name="closed_at", label="结束到", widget=HIDDEN)
    lost = django_filters.BooleanFilter(
        field_name="confirmed_at", lookup_expr="isnull", exclude=True, label="曾确认流失", widget=HIDDEN
    )
    at_risk = django_filters.BooleanFilter(method="with_amount", label="计入风险金额", widget=HIDDEN)
    counted = django_filters.BooleanFilter(method="without_merged", label="不含已合并的", widget=HIDDEN)
    review_due = django_filters.BooleanFilter(method="only_to_review", label="应复核", widget=HIDDEN)
    measured = django_filters.BooleanFilter(method="with_any_measure", label="有暂缓措施", widget=HIDDEN)
    lost_kind = EntriesFilter(category="流失原因", label="流失原因", widget=HIDDEN)
    competitor = EntriesFilter(category="竞争对手", label="竞争对手", widget=HIDDEN)
    measure_from = django_filters.DateFilter(method="keep_rows", label="措施从", widget=HIDDEN)
    measure_to = django_filters.DateFilter(method="keep_rows", label="措施到", widget=HIDDEN)
    bought = django_filters.BooleanFilter(method="keep_rows", label="措施后 90 天内下单", widget=HIDDEN)
    waiting = django_filters.BooleanFilter(method="keep_rows", label="还在 90 天内", widget=HIDDEN)
    measure_kind = django_filters.ModelChoiceFilter(
        queryset=lambda request: entries_of("暂缓措施"), method="with_measure", label="暂缓措施", widget=HIDDEN
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        request = kwargs.get("request")
        if request is not None and not request.user.has_perm(OrderQuerySet.view_permission):
            self.base_filters = {name: one for name, one in self.base_filters.items() if name not in OF_AMOUNTS}
        super().__init__(*args, **kwargs)

    class Meta:
        model = ChurnCase
        fields: list[str] = []

    def of_department(self, rows: ChurnCaseQuerySet, name: str, values: tuple[str, ...]) -> QuerySet[ChurnCase]:
        return self.of_owners(rows, users_of_departments(values))

    def of_manager(self, rows: ChurnCaseQuerySet, name: str, values: tuple[User, ...]) -> QuerySet[ChurnCase]:
        return self.of_owners(rows, frozenset(user.pk for user in values))

    def of_owners(self, rows: ChurnCaseQuerySet, owners: frozenset[int]) -> QuerySet[ChurnCase]:
        """Filter by owner: today's, or the one at the confirmation (today's where there was none)."""
        if self.form.cleaned_data.get("follow") == OWNER_AT_THAT_TIME:
            return rows.owned_then_by(owners)
        return rows.filter(customer__manager__in=owners)

    def without_merged(self, rows: ChurnCaseQuerySet, name: str, value: bool) -> QuerySet[ChurnCase]:
        return rows.counted() if value else rows

    def with_amount(self, rows: ChurnCaseQuerySet, name: str, value: bool) -> QuerySet[ChurnCase]:
        """Filter cases of customers with positive revenue of 12 months: links of 风险金额 lead to them."""
        return rows.filter(customer__metrics__net_12m__gt=0) if value else rows

    def only_to_review(self, rows: ChurnCaseQuerySet, name: str, value: bool) -> QuerySet[ChurnCase]:
        return rows.to_review(timezone.localdate()) if value else rows

    def with_any_measure(self, rows: ChurnCaseQuerySet, name: str, value: bool) -> QuerySet[ChurnCase]:
        return rows.filter(Exists(ChurnMeasure.objects.filter(case=OuterRef("pk")))) if value else rows

    def keep_rows(self, rows: ChurnCaseQuerySet, name: str, value: object) -> QuerySet[ChurnCase]:
        """Change nothing: with_measure() and of_owners() read the value."""
        return rows

    def with_measure(self, rows: ChurnCaseQuerySet, name: str, value: DictionaryEntry) -> QuerySet[ChurnCase]:
        """Filter cases with a measure of this kind in the given days and, if given, with this effect on purchases.

        Hidden filters that are not in the URL have no form field.
        """
        data = self.form.cleaned_data
        measures = ChurnMeasure.objects.filter(kind=value)
        if data.get("measure_from"):
            measures = measures.filter(at__gte=midnight(data.get("measure_from")))
        if data.get("measure_to"):
            measures = measures.filter(at__lt=midnight(data.get("measure_to") + timedelta(days=1)))
        if data.get("bought") or data.get("waiting"):
            effects = case_effects(measures.filter(case__in=rows), timezone.localdate())
            wanted = True if data.get("bought") else None
            return rows.filter(pk__in=[case for case, bought in effects.items() if bought is wanted])
        return rows.filter(pk__in=measures.order_by().values("case"))
