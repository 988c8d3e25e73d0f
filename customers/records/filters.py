"""Filters of the customer list."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest

from accounts.models import User
from accounts.scopes.rule import VIEW, user_ids_in_scope
from accounts.users.by_department import department_choices, users_of_departments
from customers.querysets import sounds_like
from kit.lists.filter_choices import OneOf
from kit.lists.filters import Contains

from .models import Customer, Ownership

OWNER_AT_THAT_TIME = "then"  # 归属: by the owner at that time, not by today's


def owner_choices(request: HttpRequest | None) -> QuerySet[User]:
    """Return the 客户经理 inside the view, and the requested ones who own a visible customer."""
    if request is None:
        return User.objects.none()
    user = cast(User, request.user)
    if request.GET.get("follow") == OWNER_AT_THAT_TIME:
        return owners_in_view(user)
    people = user_ids_in_scope(user, "customers.view_customer", VIEW)
    owners = User.objects.account_managers().only("name", "username")
    owners = owners if people is None else owners.filter(pk__in=people)
    requested = [key for key in request.GET.getlist("manager") if key.isdecimal() and len(key) < 10]
    if not requested:
        return owners
    visible = Customer.objects.visible_to(user).filter(manager=OuterRef("pk"))
    users = User.objects.only("name", "username")
    return users.filter(Q(pk__in=owners.order_by().values("pk")) | Q(Exists(visible), pk__in=requested))


def owners_in_view(user: User) -> QuerySet[User]:
    """Return the 客户经理 inside the view, former owners of customers included."""
    people = user_ids_in_scope(user, "customers.view_customer", VIEW)
    owned = Exists(Ownership.objects.filter(manager=OuterRef("pk")))
    owners = User.objects.filter(Q(pk__in=User.objects.account_managers().order_by().values("pk")) | owned)
    return owners if people is None else owners.filter(pk__in=people)


class DepartmentFilter(OneOf):
    """Filter by today's department of the 客户经理. field_name: the path to the user."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label="部门", choices=self.visible_departments, **kwargs)

    def visible_departments(self) -> list[tuple[str, str]]:
        if (request := self.parent.request) is None:
            return []
        return department_choices(user_ids_in_scope(request.user, "customers.view_customer", VIEW), request.user)

    def filter(self, rows: QuerySet[Any], values: Collection[str]) -> QuerySet[Any]:
        return rows.filter(**{f"{self.field_name}__in": users_of_departments(values)}) if values else rows


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
