"""Filters of 数据字典."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet

from kit.lists.filter_choices import OneOf
from kit.lists.filters import Contains, ListFilter

from .models import DictionaryEntry


class DictionaryFilter(ListFilter):
    category = OneOf(label="类别")
    item = Contains(label="条目")
    value = Contains(label="值")
    is_editable = django_filters.ChoiceFilter(
        label="是否可编辑", empty_label="全部", choices=(("true", "是"), ("false", "否")), method="only_editable"
    )

    class Meta:
        model = DictionaryEntry
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "category" in self.filters:  # a number of rows reads none where no category is asked for
            categories = DictionaryEntry.objects.categories()
            self.filters["category"].extra["choices"] = [(category, category) for category in categories]

    def only_editable(self, rows: QuerySet[DictionaryEntry], name: str, value: str) -> QuerySet[DictionaryEntry]:
        return rows.filter(is_editable=value == "true")
