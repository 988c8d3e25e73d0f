"""客户构成: how many customers are in which group, now and at the end of last month."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Max, QuerySet, Sum
from django.utils import timezone

from accounts.models import Department, User
from accounts.scopes.rule import VIEW, user_ids_in_scope
from accounts.users.by_department import exact_department_choice
from basedata.models import DictionaryEntry
from customers.models import ChurnChange, Customer
from customers.orders.versioned_cache import cached, sql_key
from customers.querysets import CustomerQuerySet
from reports.figure_cells import shares

from ..models import CompositionSnapshot

NONE = "null"  # the group 未填写, and its value in the customer list's filter
LAST_DAY_TO_TAKE = 3  # of the month after: later, the customers would no longer be those of the month's end


@dataclass(frozen=True)
class Basis:
    """One 报表方式. field: of Customer; category: of the dictionary, "" for scores and people."""

    label: str
    head: str
    field: str
    category: str = ""


BASES = {
    "level": Basis("按等级", "客户等级", "level", "客户等级"),
    "credit": Basis("按信用度", "信用度", "credit"),
    "satisfaction": Basis("按满意度", "满意度", "satisfaction"),
    "region": Basis("按地区", "地区", "region", "地区"),
    "industry": Basis("按行业", "行业", "industry", "行业"),
    "manager": Basis("按客户经理", "客户经理", "manager"),
    "department": Basis("按部门", "部门", "manager"),
}
STORED_BASES = ("level", "credit", "satisfaction", "region", "industry")  # people's figures follow from any of them


@dataclass
class Group:
    """A row. value: of the customer list's filter."""

    value: str
    label: str
    customers: int = 0
    last_month: int | None = None
    now: int = 0  # of people in scope only, as `last_month` counts
    share: Decimal | None = None
    place: int | None = None

    @property
    def change(self) -> int | None:
        return None if self.last_month is None else self.now - self.last_month


class Groups:
    """The groups of one basis; a row's key leads to its group."""

    def __init__(self, key: str, people: frozenset[int] | None) -> None:
        self.key, self.basis = key, BASES[key]
        self.department_by_user: dict[int, int | None] = {}
        self.by_value = {group.value: group for group in self.listed_groups(people)}

    def listed_groups(self, people: frozenset[int] | None) -> list[Group]:
        """Return the groups that are listed even without customers, in their order."""
        if self.basis.category:
            entries = DictionaryEntry.objects.of(self.basis.category)
            return [*(Group(str(entry.pk), entry.item) for entry in entries), Group(NONE, "未填写")]
        if self.key in ("credit", "satisfaction"):
            return [*(Group(str(score), f"{score} 星") for score in range(5, 0, -1)), Group(NONE, "未填写")]
        managers = User.objects.account_managers()
        managers = managers if people is None else managers.filter(pk__in=people)
        return self.of_people(managers)

    def of_people(self, managers: Iterable[User]) -> list[Group]:
        if self.key == "manager":
            return [Group(str(person.pk), str(person)) for person in managers]
        departments = {pk: (name, above) for pk, name, above in Department.objects.values_list("pk", "name", "parent")}
        self.above = {above for _, above in departments.values()}
        self.department_by_user = dict(User.objects.values_list("pk", "department"))
        self.names: dict[int | None, str] = {pk: name for pk, (name, _) in departments.items()}
        departments_of_managers = dict.fromkeys(person.department_id for person in managers)
        return [
            self.department(home) for home in sorted(departments_of_managers, key=lambda home: (home is None, home))
        ]

    def department(self, home: int | None) -> Group:
        return Group(exact_department_choice(home, self.above), self.names.get(home, "没有部门"))

    def group_of(self, value: Any) -> Group:
        """Return the group of a customer's value; add that of a person or department not listed yet."""
        if self.key == "department":
            group = self.department(self.department_by_user.get(value))
        elif self.key == "manager":
            group = Group(str(value), "")
        else:
            group = Group(NONE if value is None else str(value), "")
        return self.by_value.setdefault(group.value, group)


def composition(user: User, key: str, status: str) -> list[Group]:
    """Return customers in view by group, with the figures of the last month's end where there are any."""
    people = user_ids_in_scope(user, "customers.view_customer", VIEW)
    groups = Groups(key, people)
    rows = Customer.objects.visible_to(user).order_by()
    rows = rows.filter(status=status) if status else rows
    for value, customers in counts(user, rows, groups.basis.field):
        groups.group_of(value).customers += customers
    last_month = counts_at_month_end(groups, people, status)
    if last_month is not None:
        in_scope = rows.none() if people is None else rows.filter(manager__in=people)
        for value, customers in counts(user, in_scope, groups.basis.field):
            groups.group_of(value).now += customers
        for group in groups.by_value.values():
            group.last_month = last_month.get(group.value, 0)
            group.now = group.customers if people is None else group.now
    name_people(groups)
    return list(groups.by_value.values())


@dataclass(frozen=True)
class CompositionFigures:
    """All that the report shows. month_end: the day that the groups are compared with, with or without a snapshot."""

    groups: list[Group]
    total: Group
    month_end: date

    @property
    def largest(self) -> Group:
        return max(self.groups, key=lambda group: group.customers)

    @property
    def missing(self) -> Group | None:
        """Return the group of customers without a value."""
        return next((group for group in self.groups if group.label == "未填写"), None)


def composition_figures(user: User, key: str, status: str) -> CompositionFigures | None:
    """Return the figures of customers in view; None when there are none, and were none at the last month's end.

    key: of BASES; status: of the customers that count, "" for any.
    """
    groups = composition(user, key, status)
    percentages = shares([group.customers for group in groups])
    for place, (group, share) in enumerate(zip(groups, percentages, strict=True), start=1):
        group.place, group.share = place, share
    total = total_of(groups)
    if not total.customers and not any(group.last_month for group in groups):
        return None
    return CompositionFigures(groups, total, last_month_end(timezone.localdate()))


def total_of(groups: list[Group]) -> Group:
    total = Group("", "合计", sum(group.customers for group in groups))
    total.share = sum((group.share or Decimal(0) for group in groups), Decimal(0))
    if groups and groups[0].last_month is not None:
        total.last_month, total.now = sum(group.last_month or 0 for group in groups), sum(group.now for group in groups)
    return total


def counts(user: User, rows: CustomerQuerySet, field: str) -> list[tuple[Any, int]]:
    """Return [(value, number of customers)], cached until a customer is written."""
    key = ("customers", field, sql_key(rows))
    return cached(user, key, lambda: list(rows.values_list(field).annotate(Count("pk"))), ChurnChange.stamp)


def name_people(groups: Groups) -> None:
    unlabelled = [group for group in groups.by_value.values() if not group.label]
    people = (
        User.objects.in_bulk([int(group.value) for group in unlabelled if group.value != NONE]) if unlabelled else {}
    )
    for group in unlabelled:
        group.label = str(people.get(int(group.value), "未知")) if group.value != NONE else "未填写"


def last_month_end(today: date) -> date:
    return today.replace(day=1) - timedelta(days=1)


def counts_at_month_end(groups: Groups, people: frozenset[int] | None, status: str) -> dict[str, int] | None:
    """Return {group: customers} at the end of last month; None without a snapshot."""
    on = last_month_end(timezone.localdate())
    rows = CompositionSnapshot.objects.filter(on=on)
    if not rows.exists():
        return None
    by_people = groups.key in ("manager", "department")
    rows = rows.filter(basis="level" if by_people else groups.key)
    rows = rows.filter(status=status) if status else rows
    rows = rows if people is None else rows.filter(manager__in=people)
    by_value: dict[str, int] = {}
    for value, customers in rows.values_list("manager" if by_people else "group").annotate(Sum("customers")):
        group = groups.group_of(value if by_people else value or None)
        by_value[group.value] = by_value.get(group.value, 0) + customers
    return by_value


def latest_snapshot() -> date | None:
    return CompositionSnapshot.objects.aggregate(on=Max("on"))["on"]


def take_snapshot(today: date | None = None) -> str:
    """Store the groups of last month's end. Run daily; it works once and in a month's first days only."""
    today = today or timezone.localdate()
    on = last_month_end(today)
    if today.day > LAST_DAY_TO_TAKE or CompositionSnapshot.objects.filter(on=on).exists():
        return "无需记录"
    return f"已记录 {on} 的客户构成 {store_snapshot(on, Customer.objects.current())} 行"


def store_snapshot(on: date, customers: QuerySet[Customer]) -> int:
    """Store these customers by group as a month's end; return the number of rows."""
    rows = [
        CompositionSnapshot(
            on=on, basis=key, group=str(value or ""), manager_id=manager, status=status, customers=count
        )
        for key in STORED_BASES
        for value, manager, status, count in customers.order_by()
        .values_list(BASES[key].field, "manager", "status")
        .annotate(Count("pk"))
    ]
    CompositionSnapshot.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)
    return len(rows)
