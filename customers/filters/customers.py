"""Filters of the customer list."""

from __future__ import annotations

from datetime import date
from typing import Any, cast

import django_filters
from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest

from accounts.departments import department_choices, department_user_ids
from accounts.models import User
from accounts.scopes import VIEW, user_ids_in_scope
from basedata.models import DictionaryEntry
from kit.domain.days import midnight
from kit.pages.filters import Contains, ListFilter

from ..models import ChurnCase, Customer, Ownership
from ..models.customer import STAR_CHOICES
from ..models.keepers import owner_at
from ..models.rows import sounds_like

OWNER_AT_THAT_TIME = "then"  # 归属: by the owner at that time, not by today's


def owner_choices(request: HttpRequest | None) -> QuerySet[User]:
    """Return the 客户经理 inside the view, and the requested one when they own a visible customer."""
    if request is None:
        return User.objects.none()
    user = cast(User, request.user)
    if request.GET.get("follow") == OWNER_AT_THAT_TIME:
        return owners_in_view(user)
    people = user_ids_in_scope(user, "customers.view_customer", VIEW)
    owners = User.objects.account_managers().only("name", "username")
    owners = owners if people is None else owners.filter(pk__in=people)
    requested = request.GET.get("manager", "")
    if not (requested.isdecimal() and len(requested) < 10):
        return owners
    visible = Customer.objects.visible_to(user).filter(manager=OuterRef("pk"))
    users = User.objects.only("name", "username")
    return users.filter(Q(pk__in=owners.order_by().values("pk")) | Q(Exists(visible), pk=requested))


def owners_in_view(user: User) -> QuerySet[User]:
    """Return the 客户经理 inside the view, former owners of customers included."""
    people = user_ids_in_scope(user, "customers.view_customer", VIEW)
    owned = Exists(Ownership.objects.filter(manager=OuterRef("pk")))
    owners = User.objects.filter(Q(pk__in=User.objects.account_managers().order_by().values("pk")) | owned)
    return owners if people is None else owners.filter(pk__in=people)


class DepartmentFilter(django_filters.ChoiceFilter):
    """Filter by today's department of the 客户经理. field_name: the path to the user."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label="部门", empty_label="全部", choices=self.visible_departments, **kwargs)

    def visible_departments(self) -> list[tuple[str, str]]:
        if (request := self.parent.request) is None:
            return []
        return department_choices(user_ids_in_scope(request.user, "customers.view_customer", VIEW), request.user)

    def filter(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        return rows.filter(**{f"{self.field_name}__in": department_user_ids(value)}) if value else rows


class CustomerName(Contains):
    """Filter by a part of the name, or its beginning in pinyin or initials. path: to the customer, as customer__."""

    def __init__(self, *, path: str = "", **kwargs: Any) -> None:
        self.path = path
        super().__init__(field_name=f"{path}name", **kwargs)

    def filter(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        return rows.filter(name_condition(value, self.path)) if value else rows


def name_condition(text: str, path: str = "") -> Q:
    """Match customers by a part of the name, or its beginning in pinyin or initials."""
    parts, sounds = Q(**{f"{path}name__contains_text": text}), sounds_like(text, path)
    return parts | sounds if sounds else parts


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
