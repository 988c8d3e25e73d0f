"""Filters that several reports share: 年份 from the data, 部门 and person inside the viewer's scope."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import timezone

from accounts.departments import department_choices, department_user_ids
from accounts.models import User
from accounts.scopes import VIEW, user_ids_in_scope

from .forms import ALL, ReportForm
from .periods import Period, year_period

EVERYONE = [("", "全部")]


class ScopeForm(ReportForm):
    """scope: the right whose view scope offers people and departments."""

    scope = "customers.view_customer"
    year = forms.ChoiceField(label="年份")
    department = forms.ChoiceField(label="部门")
    manager = forms.ChoiceField(label="客户经理")

    def standing(self) -> dict[str, str]:
        return {"year": str(timezone.localdate().year)}

    def prepare(self) -> None:
        people = user_ids_in_scope(self.user, self.scope, VIEW)
        managers = self.managers(people).only("name", "username")
        offered: dict[str, list[tuple[str, str]]] = {
            "year": [(ALL, "全部"), *((str(year), f"{year} 年") for year in self.years())],
            "department": EVERYONE + department_choices(people, self.user),
            "manager": EVERYONE + [(str(person.pk), person.name) for person in managers],
        }
        for name in offered.keys() & self.fields.keys():
            self.fields[name].choices = offered[name]  # type: ignore[attr-defined]

    def managers(self, people: frozenset[int] | None) -> QuerySet[User]:
        """The 客户经理 to choose from. people: those in view, None: everybody."""
        found = User.objects.account_managers()
        return found if people is None else found.filter(pk__in=people)

    def years(self) -> list[int]:
        """Newest first, from the data the viewer sees."""
        raise NotImplementedError


def period_of(values: dict[str, Any], years: list[int]) -> Period:
    """The chosen year, or from the first to the last one of the data."""
    asked = values["year"]
    if asked and asked != ALL:
        return year_period(int(asked))
    return Period(year_period(min(years)).first, year_period(max(years)).last)


def chosen_people(values: dict[str, Any]) -> frozenset[int] | None:
    """The chosen person and those of the chosen department; None: nobody is chosen."""
    people = frozenset([int(values["manager"])]) if values["manager"] else None
    if not values["department"]:
        return people
    members = department_user_ids(values["department"])
    return members if people is None else people & members


def of_people(rows: QuerySet, field: str, values: dict[str, Any]) -> Any:
    """The rows whose person (a path to a user) is the chosen one, and of the chosen department."""
    if values["manager"]:
        rows = rows.filter(**{field: values["manager"]})
    if values["department"]:
        rows = rows.filter(**{f"{field}__in": department_user_ids(values["department"])})
    return rows
