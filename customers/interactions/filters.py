"""Filters of the contacts and interactions of one customer."""

from __future__ import annotations

import django_filters
from django.db.models import Q, QuerySet

from basedata.models import DictionaryEntry
from kit.lists.filter_choices import OneOfRecords
from kit.lists.filter_days import DaysAgo
from kit.lists.filters import ListFilter

from .models import Interaction


class InteractionFilter(ListFilter):
    kind = OneOfRecords(queryset=DictionaryEntry.objects.of("交往方式"), label="方式")
    ago = DaysAgo(field_name="on", label="日期", over="{} 天以前", within="近 {} 天")
    text = django_filters.CharFilter(label="内容包含", max_length=100, method="containing")

    class Meta:
        model = Interaction
        fields: list[str] = []

    def containing(self, rows: QuerySet[Interaction], name: str, value: str) -> QuerySet[Interaction]:
        return rows.filter(
            Q(summary__contains_text=value)
            | Q(details__contains_text=value)
            | Q(note__contains_text=value)
            | Q(place__contains_text=value)
        )
