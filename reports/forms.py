"""Filters of reports: forms bound to the query string, with choices inside the viewer's scope."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

from django import forms
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from accounts.scopes.rule import VIEW, user_ids_in_scope
from accounts.users.by_department import department_choices
from kit.lists.filter_drawing import render_options
from kit.pages.forms import apply_field_defaults
from kit.pages.templatetags.ui import format_cell
from kit.pages.unknown_parameters import refuse_ignored_values

from .periods import Period, year_period
from .queries.people import ChosenPeople

ALL = "all"
EVERYONE = [("", "全部")]


class ReportForm(forms.Form):
    """A form whose fields are all optional. defaults: values of fields absent from the URL; override prepare() to fill
    choices (self.user is the viewer)."""

    defaults: ClassVar[dict[str, str]] = {}

    def __init__(self, data: Mapping[str, str], *, user: User) -> None:
        self.user = user
        super().__init__(self.default_values() | {name: data[name] for name in data}, label_suffix="")
        self.prepare()
        for name, field in self.fields.items():
            field.required = False
            apply_field_defaults(field).options = partial(render_options, self, name)  # type: ignore[attr-defined]  # for templates

    def clean(self) -> None:
        refuse_ignored_values(self)

    def default_values(self) -> dict[str, str]:
        """Return the values of fields that are absent from the URL."""
        return self.defaults

    def prepare(self) -> None:
        """Fill choices."""

    def conditions(self, without: str = "") -> list[tuple[str, str, str]]:
        """Return (name, label, text) of every filter that narrows the report, for page, print, file and snapshot.

        without: the field that is drawn as tabs.
        """
        return [
            (name, str(self.fields[name].label), self.describe_value(name))
            for name, value in self.cleaned_data.items()
            if value not in (None, "", False, ALL) and name != without
        ]

    def describe_value(self, name: str) -> str:
        """Return the value of a filter as the page shows it, a choice by its label."""
        value, choices = self.cleaned_data[name], self.choices_of(name)
        if not choices:
            return format_cell(value)
        labels = {str(key): str(label) for key, label in choices}
        return labels.get(str(getattr(value, "pk", value)), str(value))

    def choices_of(self, name: str) -> list[tuple[str, str]]:
        """Return (value, label) of a choice field; nothing of another one."""
        return list(getattr(self.fields[name], "choices", ()))


class ScopeForm(ReportForm):
    """年份 from the data, 部门 and 客户经理 inside the viewer's scope, which several reports share.

    scope: the permission whose view scope offers people and departments.
    """

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
            self.fields[name].choices = choices[name]  # type: ignore[attr-defined]  # a ChoiceField, as above

    def managers(self, people: frozenset[int] | None) -> QuerySet[User]:
        """Return the 客户经理 to choose from. people: those in view, None: everybody."""
        account_managers = User.objects.account_managers()
        return account_managers if people is None else account_managers.filter(pk__in=people)

    def years(self) -> list[int]:
        """Return the years of the data in view, newest first."""
        raise NotImplementedError

    def period(self) -> Period:
        """Return the chosen year, or the days from the first to the last year of the data."""
        year = self.cleaned_data["year"]
        if year and year != ALL:
            return year_period(int(year))
        years = [int(key) for key, _ in self.choices_of("year")[1:]]
        return Period(year_period(min(years)).first, year_period(max(years)).last)

    def people(self) -> ChosenPeople:
        return ChosenPeople(self.cleaned_data.get("department", ""), self.cleaned_data.get("manager", ""))
