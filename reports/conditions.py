"""What a report is narrowed to: its tabs, the active filters with links that drop them, and what it does not know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kit.pages.query_string import QueryString
from kit.pages.unknown_parameters import describe_repeated_names, describe_unknown_names, shorten

from .forms import ALL, ReportForm
from .report_parts import Report
from .table_drawing import chosen_sort


@dataclass(frozen=True)
class Conditions:
    """tab_field: the choice field of the form that is drawn as tabs, if there is one."""

    form: ReportForm
    tab_field: str
    query: QueryString

    @property
    def tab(self) -> str:
        return str(self.form[self.tab_field].value()) if self.tab_field else ""

    def tabs(self) -> list[dict[str, Any]]:
        """Return the choices of tab_field as links."""
        if not self.tab_field:
            return []
        now = self.form.cleaned_data.get(self.tab_field) if self.form.is_valid() else None
        return [
            {"label": label, "url": self.query.link(**{self.tab_field: key, "sort": None}), "current": key == now}
            for key, label in self.form.choices_of(self.tab_field)
        ]

    def applied(self) -> list[dict[str, str]]:
        """Return the active filters, each with the URL without it."""
        if not self.form.is_valid():
            return []
        default_values, link = self.form.default_values(), self.query.link
        return [
            {"label": label, "value": words, "url": link(**{name: ALL if name in default_values else None})}
            for name, label, words in self.form.conditions(without=self.tab_field)
        ]

    def filters(self) -> list[tuple[str, str]]:
        """Return (label, text) of the active filters of a valid form."""
        return [(label, words) for _, label, words in self.form.conditions(without=self.tab_field)]

    def describe(self) -> list[str]:
        """Return the chosen tab and the active filters as texts."""
        tab = [str(one["label"]) for one in self.tabs() if one["current"]]
        return tab + [f"{label} {words}" for label, words in self.filters()]

    def misread(self, report: Report) -> list[str]:
        """Return sentences about parameters the report does not know, with what is shown instead."""
        params, fields, sort = self.query.request.GET, self.form.fields, chosen_sort(self.query)
        sentences = [*describe_unknown_names(params, fields), *describe_repeated_names(params, fields)]
        if self.tab_field in self.form.errors:
            sentences.append(f"没有「{shorten(str(params.get(self.tab_field, '')))}」这一类，请重新选择。")
        paged = [table for table in report.tables if table.paged]
        if sort and paged and not any(table.sorting(sort) for table in paged):
            sentences.append(f"不能按「{shorten(sort)}」排序，现在按默认的顺序。")
        return sentences
