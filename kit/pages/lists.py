"""List pages as declarations, the former way: see list_page.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import cached_property
from django.views import View

from kit.pages.templatetags.ui import format_cell

from .actions import Action, Control, controls
from .columns import Column
from .filters import ListFilter
from .lists_export import ListExport
from .paging import MAX_COUNT, Pager, count_capped
from .query_string import QueryString
from .row_html import row_html
from .unknown_parameters import describe_repeated_names, describe_unknown_names, shorten

MAX_TAB_COUNT = 999


class RecordList(ListExport, View):
    """A page of the rows of a model the user may see, with tabs, filters, order, pages and export.

    A subclass declares model, filterset_class, columns, title and empty_text; where needed crumbs, help,
    select_related, only, default_sort, row_actions, tab_field with tab_choices, create and export_permission.
    """

    model: type[models.Model]
    filterset_class: type[ListFilter]
    columns: tuple[Column, ...]
    title: str
    crumbs: tuple[tuple[str, str], ...] = ()  # (label, URL name) of the pages above
    help: str = ""  # anchor on the help page
    select_related: tuple[str, ...] = ()
    only: tuple[str, ...] = ()  # fields to load, where the model has long texts
    default_sort: str = "-created_at"
    row_actions: tuple[Action, ...] = ()
    tab_field: str = ""  # field and query parameter of the tabs
    tab_choices: Sequence[tuple[str, str]] = ()  # (value, label), without 全部
    default_tab: str = ""
    create: tuple[str, str, str] | None = None  # (label, URL name, permission)
    empty_text: str = ""  # what to do first, while there are no rows
    template_name: str = "ui/list_page.html"
    request: Any

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if not request.user.has_perm(self.unfiltered_rows.view_permission):
            raise PermissionDenied("您的角色不能查看这个列表。")
        if (file_format := self.requested_format()) is not None:
            return self.export(file_format)
        partial = bool(self.request.htmx) and self.request.htmx.target == "list"
        context = {**self.page_context(), "partial": partial}
        response = render(request, "ui/list.html" if partial else self.template_name, context)
        response["Vary"] = "HX-Request, Cookie"
        return response

    # Rows

    unfiltered_rows = cached_property(lambda self: self.rows())

    def rows(self) -> models.QuerySet:
        rows = cast(Any, self.model._default_manager).visible_to(self.request.user)
        return rows.select_related(*self.select_related).only(*self.only)

    def filtered(self) -> tuple[ListFilter, models.QuerySet]:
        """Return the filterset and its rows of all tabs; an invalid filter leaves none."""
        filterset = self.filterset_class(self.request.GET, queryset=self.unfiltered_rows, request=self.request)
        return filterset, filterset.qs if filterset.is_valid() else self.unfiltered_rows.none()

    @property
    def tab(self) -> str:
        key = self.request.GET.get(self.tab_field, self.default_tab) if self.tab_field else ""
        return key if key in dict(self.tab_choices) else "all"

    def in_tab(self, rows: models.QuerySet, tab: str) -> models.QuerySet:
        return rows if tab == "all" else rows.filter(**{self.tab_field: tab})

    def shown_rows(self) -> models.QuerySet:
        """Return the rows of the tab, of all pages."""
        return self.in_tab(self.filtered()[1], self.tab)

    @property
    def sort(self) -> str:
        key = self.request.GET.get("sort", "")
        return key if key.removeprefix("-") in self.sorts else self.default_sort

    @property
    def sorts(self) -> set[str]:
        return {column.sort for column in self.columns if column.sort}

    def ordered(self, rows: models.QuerySet) -> models.QuerySet:
        return rows.order_by(self.sort, "-pk" if self.sort.startswith("-") else "pk")

    def misread(self) -> list[str]:
        """Return sentences about parameters this list does not know, with what it shows instead."""
        parameters, known_names = self.request.GET, {*self.filterset_class.base_filters, self.tab_field}
        sentences = [
            *describe_unknown_names(parameters, known_names),
            *describe_repeated_names(parameters, known_names),
        ]
        tab, sort = parameters.get(self.tab_field, "") if self.tab_field else "", parameters.get("sort", "")
        if tab and tab not in dict(self.tabs):
            sentences.append(f"没有「{shorten(tab)}」这一类，现在显示全部。")
        if sort and sort.removeprefix("-") not in self.sorts:
            sentences.append(f"不能按「{shorten(sort)}」排序，现在按默认的顺序。")
        return sentences

    # Page

    def page_context(self) -> dict[str, Any]:
        filterset, rows = self.filtered()
        rows_in_tab = self.in_tab(rows, self.tab)
        counts, export_count = self.count(rows, rows_in_tab)
        pager = Pager(self.query, counts[self.tab])
        page = list(self.ordered(rows_in_tab)[pager.start : pager.start + pager.size])
        return {
            "view": self,
            "title": self.title,
            "crumbs": self.crumbs,
            "help_anchor": self.help,
            "filter_form": filterset.form,
            "applied": self.applied(filterset.form),
            "tabs": self.tab_links(counts),
            "headers": self.headers(),
            "table": [self.table_row(row) for row in page],
            "pager": pager,
            "misread": [*self.misread(), *pager.misread],
            "create": self.create_link(),
            **self.export_context(counts[self.tab], export_count),
        }

    @cached_property
    def query(self) -> QueryString:
        return QueryString(self.request)

    @property
    def tabs(self) -> list[tuple[str, str]]:
        return [("all", "全部"), *self.tab_choices]

    def count(self, rows: models.QuerySet, rows_in_tab: models.QuerySet) -> tuple[dict[str, int], int]:
        """Return the rows of each tab and those of the export, counted up to the caps in one statement."""
        keys = [key for key, _ in self.tabs] if self.tab_field else [self.tab]
        caps = (MAX_COUNT + 1 if key == self.tab else MAX_TAB_COUNT + 1 for key in keys)
        capped_tabs = [(self.in_tab(rows, key), cap) for key, cap in zip(keys, caps, strict=True)]
        capped_export = [] if self.export_limit is None else [(self.exported(rows_in_tab), MAX_COUNT + 1)]
        numbers = count_capped([*capped_tabs, *capped_export])
        counts = dict(zip(keys, numbers, strict=False))
        return counts, numbers[-1] if capped_export else counts[self.tab]

    def tab_links(self, counts: dict[str, int]) -> list[dict[str, Any]]:
        link = self.query.link
        return [
            {"label": label, "url": link(**{self.tab_field: key}), "current": key == self.tab, "count": count}
            for (key, label), count in zip(self.tabs if self.tab_field else (), counts.values(), strict=False)
        ]

    def headers(self) -> list[dict[str, Any]]:
        headers = []
        for column in self.shown_columns:
            is_sorted = bool(column.sort) and self.sort.removeprefix("-") == column.sort
            descending = is_sorted and self.sort.startswith("-")
            url = self.query.link(sort=column.sort if descending else f"-{column.sort}") if column.sort else ""
            direction = ("descending" if descending else "ascending") if is_sorted else ""
            headers.append({"column": column, "url": url, "direction": direction})
        return headers

    def applied(self, form: forms.Form) -> list[dict[str, str]]:
        """Return the filters in force, each with the URL without it."""
        if not form.is_valid():
            return []
        conditions = []
        for name, value in form.cleaned_data.items():
            if value in (None, "", False) or name == self.tab_field:
                continue
            text = dict(getattr(form.fields[name], "choices", ())).get(value) or format_cell(value)
            url = self.query.link(**{name: None})
            conditions.append({"label": str(form.fields[name].label), "value": text, "url": url})
        return conditions

    def table_row(self, row: Any) -> str:
        return row_html((column.cell(row) for column in self.shown_columns), self.row_controls(row), row)

    def row_controls(self, row: Any) -> list[Control]:
        return controls(self.row_actions, row, self.request.user)

    @cached_property
    def shown_columns(self) -> list[Column]:
        return [column for column in self.columns if not column.export_only]

    def create_link(self) -> tuple[str, str] | None:
        if self.create is None:
            return None
        label, url_name, permission = self.create
        return (label, url_name) if self.request.user.has_perm(permission) else None
