"""Filters of the customer list."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet

from accounts.models import User
from accounts.scopes import VIEW, people_in_scope
from basedata.models import DictionaryEntry
from crm.ui.filters import Contains, ListFilter

from ..models import Customer


def managers(request: Any) -> QuerySet[User]:
    """The 客户经理 inside one's view."""
    if request is None:
        return User.objects.none()
    people = people_in_scope(request.user, "customers.view_customer", VIEW)
    found = User.objects.account_managers().only("name", "username")
    return found if people is None else found.filter(pk__in=people)


class CustomerFilter(ListFilter):
    number = Contains(label="客户编号")
    name = Contains(label="名称")
    region = django_filters.ChoiceFilter(label="地区", empty_label="全部")
    manager = django_filters.ModelChoiceFilter(queryset=managers, label="客户经理", empty_label="全部")
    level = django_filters.ChoiceFilter(label="客户等级", empty_label="全部")
    industry = django_filters.ChoiceFilter(label="行业", empty_label="全部")

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


class DeletedCustomerFilter(ListFilter):
    number = Contains(label="客户编号")
    name = Contains(label="名称")

    class Meta:
        model = Customer
        fields: list[str] = []
