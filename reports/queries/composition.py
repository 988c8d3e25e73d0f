"""客户构成: how many customers are in which group, now and at the end of last month."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, Max, Sum
from django.utils import timezone

from accounts.departments import exact_department_choice
from accounts.models import Department, User
from accounts.scopes import VIEW, user_ids_in_scope
from basedata.models import DictionaryEntry
from customers.models import ChurnChange, Customer
from reports.versioned_cache import remembered, statement

from ..models import CompositionSnapshot

NONE = "null"  # the group 未填写, and what the customer list calls it
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
KEPT = ("level", "credit", "satisfaction", "region", "industry")  # people's figures follow from any of them


@dataclass
class Group:
    """A row: value is what the customer list's filter takes."""

    value: str
    label: str
    customers: int = 0
    then: int | None = None
    now: int = 0  # of people in view only, which is what `then` counts
    share: Any = None
    place: int | None = None

    @property
    def change(self) -> int | None:
        return None if self.then is None else self.now - self.then


class Groups:
    """The groups of one basis; a row's key leads to its group."""

    def __init__(self, key: str, people: frozenset[int] | None) -> None:
        self.key, self.basis = key, BASES[key]
        self.homes: dict[int, int | None] = {}
        self.found = {group.value: group for group in self.standing(people)}

    def standing(self, people: frozenset[int] | None) -> list[Group]:
        """The groups that are listed even when they hold nobody, in their order."""
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
        self.homes = dict(User.objects.values_list("pk", "department"))
        self.names: dict[int | None, str] = {pk: name for pk, (name, _) in departments.items()}
        homes = dict.fromkeys(person.department_id for person in managers)
        return [self.department(home) for home in sorted(homes, key=lambda home: (home is None, home))]

    def department(self, home: int | None) -> Group:
        return Group(exact_department_choice(home, self.above), self.names.get(home, "没有部门"))

    def at(self, value: Any) -> Group:
        """The group of a customer's value; a person or department not standing yet is added."""
        if self.key == "department":
            group = self.department(self.homes.get(value))
        elif self.key == "manager":
            group = Group(str(value), "")
        else:
            group = Group(NONE if value is None else str(value), "")
        return self.found.setdefault(group.value, group)


def composition(user: User, key: str, status: str) -> list[Group]:
    """Customers in the viewer's view by group, with the figures of the last month's end where there are any."""
    people = user_ids_in_scope(user, "customers.view_customer", VIEW)
    groups = Groups(key, people)
    rows = Customer.objects.visible_to(user).order_by()
    rows = rows.filter(status=status) if status else rows
    for value, customers in counts(user, rows, groups.basis.field):
        groups.at(value).customers += customers
    then = then_counts(groups, people, status)
    if then is not None:
        inside = rows.none() if people is None else rows.filter(manager__in=people)
        for value, customers in counts(user, inside, groups.basis.field):
            groups.at(value).now += customers
        for group in groups.found.values():
            group.then = then.get(group.value, 0)
            group.now = group.customers if people is None else group.now
    name_people(groups)
    return list(groups.found.values())


def counts(user: User, rows: Any, field: str) -> list[tuple[Any, int]]:
    """How many customers have each value; counted once until a customer is written."""
    key = ("customers", field, statement(rows))
    return remembered(user, key, lambda: list(rows.values_list(field).annotate(Count("pk"))), ChurnChange.stamp)


def name_people(groups: Groups) -> None:
    nameless = [group for group in groups.found.values() if not group.label]
    named = User.objects.in_bulk([int(group.value) for group in nameless if group.value != NONE]) if nameless else {}
    for group in nameless:
        group.label = str(named.get(int(group.value), "未知")) if group.value != NONE else "未填写"


def last_month_end(today: date) -> date:
    return today.replace(day=1) - timedelta(days=1)


def then_counts(groups: Groups, people: frozenset[int] | None, status: str) -> dict[str, int] | None:
    """{group: customers} at the end of last month; None when it was not written down."""
    on = last_month_end(timezone.localdate())
    rows = CompositionSnapshot.objects.filter(on=on)
    if not rows.exists():
        return None
    by_people = groups.key in ("manager", "department")
    rows = rows.filter(basis="level" if by_people else groups.key)
    rows = rows.filter(status=status) if status else rows
    rows = rows if people is None else rows.filter(manager__in=people)
    found: dict[str, int] = {}
    for value, customers in rows.values_list("manager" if by_people else "group").annotate(Sum("customers")):
        group = groups.at(value if by_people else value or None)
        found[group.value] = found.get(group.value, 0) + customers
    return found


def latest_snapshot() -> date | None:
    return CompositionSnapshot.objects.aggregate(on=Max("on"))["on"]


def take_snapshot(today: date | None = None) -> str:
    """Writes down the groups of last month's end; run every day, it works once and in a month's first days only."""
    today = today or timezone.localdate()
    on = last_month_end(today)
    if today.day > LAST_DAY_TO_TAKE or CompositionSnapshot.objects.filter(on=on).exists():
        return "无需记录"
    return f"已记录 {on} 的客户构成 {write_down(on, Customer.objects.current())} 行"


def write_down(on: date, customers: Any) -> int:
    """Keeps how these customers stand as a month's end; returns the number of rows."""
    rows = [
        CompositionSnapshot(
            on=on, basis=key, group=str(value or ""), manager_id=manager, status=status, customers=count
        )
        for key in KEPT
        for value, manager, status, count in customers.order_by()
        .values_list(BASES[key].field, "manager", "status")
        .annotate(Count("pk"))
    ]
    CompositionSnapshot.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)
    return len(rows)
