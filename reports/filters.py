"""Filters that several reports share: 年份 from the data, 部门 and 客户经理 inside the viewer's scope."""

from __future__ import annotations

from typing import Any, TypeVar

from django import forms
from django.db.models import QuerySet
from django.utils import timezone

from accounts.departments import department_choices, department_user_ids
from accounts.models import User
from accounts.scopes import VIEW, user_ids_in_scope

from .forms import ALL, ReportForm
from .periods import Period, year_period

EVERYONE = [("", "全部")]
Rows = TypeVar("Rows", bound=QuerySet[Any])


class ScopeForm(ReportForm):
    """scope: the permission whose view scope offers people and departments."""

    scope = "customers.view_customer"
    year = forms.ChoiceField(label="年份")
    department = forms.ChoiceField(label="部门")
    manager = forms.ChoiceField(label="客户经理")

    def default_values(self) -> dict[str, str]:
        return {"year": str(timezone.localdate().year)}

    def prepare(self) -> None:
        people = user_ids_in_scope(self.user, self.scope, VIEW)
        managers = self.managers(people).only("name", "username")
        choices: dict[str, list[tuple[str, str]]] = {
            "year": [(ALL, "全部"), *((str(year), f"{year} 年") for year in self.years())],
            "department": EVERYONE + department_choices(people, self.user),
            "manager": EVERYONE + [(str(person.pk), person.name) for person in managers],
        }
        for name in choices.keys() & self.fields.keys():
            self.fields[name].choices = choices[name]  # type: ignore[attr-defined]

    def managers(self, people: frozenset[int] | None) -> QuerySet[User]:
        """Return the 客户经理 to choose from. people: those in view, None: everybody."""
        account_managers = User.objects.account_managers()
        return account_managers if people is None else account_managers.filter(pk__in=people)

    def years(self) -> list[int]:
        """Return the years of the data in view, newest first."""
        raise NotImplementedError


def chosen_period(values: dict[str, Any], years: list[int]) -> Period:
    """Return the chosen year, or the days from the first to the last year of the data."""
    year = values["year"]
    if year and year != ALL:
        return year_period(int(year))
    return Period(year_period(min(years)).first, year_period(max(years)).last)


def chosen_people(values: dict[str, Any]) -> frozenset[int] | None:
    """Return the chosen person and those of the chosen department; None: nobody is chosen."""
    people = frozenset([int(values["manager"])]) if values["manager"] else None
    if not values["department"]:
        return people
    members = department_user_ids(values["department"])
    return members if people is None else people & members


def filter_by_person(rows: Rows, field: str, values: dict[str, Any]) -> Rows:
    """Filter rows by the chosen person and department. field: path from a row to a user."""
    if values["manager"]:
        rows = rows.filter(**{field: values["manager"]})
    if values["department"]:
        rows = rows.filter(**{f"{field}__in": department_user_ids(values["department"])})
    return rows
