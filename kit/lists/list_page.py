"""List pages as declarations: model, filters, columns; tabs, order, pages, bulk work and export are parts of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from django.views import View

from kit.pages.buttons import Button, Control, controls
from kit.pages.export_requests import apply_posted_conditions, effect_refusal, requested_format
from kit.pages.page import visible_rows
from kit.pages.query_string import QueryString
from kit.sql.counts import Summed, count_capped
from kit.transitions import Guard

from .bulk import BulkAction, checkbox_cell, open_bulk_actions
from .columns import Column, sort_headers, sortable
from .filter_drawing import describe_conditions, filter_line
from .filters import ListFilter
from .list_export import ListExport
from .list_rows import ListRows, applied, misread
from .list_tabs import ALL, MAX_TAB_COUNT, Tabs
from .list_views.column_choice import ColumnChoice
from .list_views.strip import ViewStrip, elsewhere
from .list_views.views import View as ListView
from .paging import MAX_COUNT, Pager, count_and_sum
from .row_html import row_html


class ListPage(View):
    """The rows of a model the user may see. A subclass declares model, filterset_class, columns, title, empty_text."""

    model: type[models.Model]
    filterset_class: type[ListFilter]
    columns: tuple[Column, ...]
    title: str
    crumbs: tuple[tuple[str, str], ...] = ()  # (label, URL name) of the pages above
    help: str = ""  # anchor on the help page
    select_related: tuple[str, ...] = ()
    only: tuple[str, ...] = ()  # fields to load, where the model has long texts
    default_sort: str = "-created_at"
    row_buttons: tuple[Button, ...] = ()
    bulk_actions: tuple[BulkAction, ...] = ()
    tabs: Tabs | None = None
    shipped_views: tuple[ListView, ...] = ()
    offers_own: bool = True  # whether 我的 says anything here
    new: NewLink | None = None
    open_permission: str = ""  # where another one than that of its rows opens the list
    export_permission: str = ""
    empty_text: str = ""  # what to do first, while there are no rows
    template_name: str = "ui/list_page.html"
    belongs_to: Any = None  # the record whose parts these are
    request: Any

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        refusal = effect_refusal(request) if requested_format(request) is not None else None
        return refusal or super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if not self.may_open:
            raise PermissionDenied("您的角色不能查看这个列表。")
        if (file_format := requested_format(request)) is not None:
            return self.export.answer(file_format)
        if url := self.choice.sent() or elsewhere(self.strip):
            return redirect(url)
        return render_list(self)

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Answer an export as GET does, with the form's conditions as its query string."""
        if requested_format(request) is None:
            return self.http_method_not_allowed(request)
        apply_posted_conditions(request)
        return self.get(request, **kwargs)

    # What a list may say otherwise. Rows are Any here: the subclass knows its model and queryset.

    def rows(self) -> Any:
        return visible_rows(self.model, self.request.user, self.select_related).only(*self.only)

    def rows_for_file(self, rows: Any) -> Any:
        """Return the rows with what only the file's columns need."""
        return rows

    def ordered(self, rows: Any) -> Any:
        return rows.order_by(self.sort, "-pk" if self.sort.startswith("-") else "pk")

    def page_rows(self, start: int, size: int) -> list[Any]:
        return list(self.ordered(self.own.drawn())[start : start + size])

    def row_controls(self, row: Any) -> list[Control]:
        return controls(self.row_buttons, row, self.request.user)

    def count_rows(self) -> RowCounts:
        return count_list(self)

    def summed(self) -> tuple[models.QuerySet[Any], str] | None:
        """Return rows and the field of them that is added up, in the statement that counts."""
        return None

    def totals(self, count: int, total: Decimal | None) -> str:
        """Return count, up to MAX_COUNT + 1, and total, the sum of summed() or None above, as a sentence."""
        return ""

    def context(self) -> dict[str, Any]:
        """Return what the list's own template shows besides."""
        return {}

    # The same for all lists

    @cached_property
    def query(self) -> QueryString:
        return QueryString(self.request)

    @cached_property
    def export(self) -> ListExport:
        return ListExport(self)

    @cached_property
    def strip(self) -> ViewStrip:
        return ViewStrip(self)

    @cached_property
    def choice(self) -> ColumnChoice:
        return ColumnChoice(self)

    @cached_property
    def own(self) -> ListRows:
        return ListRows(self)

    @property
    def may_open(self) -> bool:
        return self.request.user.has_perm(self.open_permission or self.own.unfiltered.view_permission)

    @property
    def tab(self) -> str:
        return self.tabs.chosen(self.request.GET) if self.tabs else ALL

    def shown_rows(self) -> models.QuerySet[Any]:
        return self.own.in_tab(self.tab)  # of all pages

    @property
    def shown_columns(self) -> list[Column]:
        """The columns shown where the URL names none."""
        return [column for column in self.columns if not column.export_only]

    @property
    def sort(self) -> str:
        key = self.request.GET.get("sort", "")
        return key if key.removeprefix("-") in sortable(self.columns) else self.default_sort


class NewLink(NamedTuple):
    """The button for a new record, shown to whom the creation permits it. label: where it is not the creation's."""

    do: Guard
    url_name: str
    label: str = ""

    def link_for(self, user: Any) -> tuple[str, str] | None:
        return (self.label or self.do.label, self.url_name) if user.has_perm(self.do.permission) else None


def render_list(page: ListPage) -> HttpResponse:
    """Return the page, or the list alone where htmx asks for it."""
    partial = bool(page.request.htmx) and page.request.htmx.target == "list"
    context = {**list_context(page), **page.context(), "partial": partial}
    response = render(page.request, "ui/list.html" if partial else page.template_name, context)
    response["Vary"] = "HX-Request, Cookie"
    return response


def list_context(page: ListPage) -> dict[str, Any]:
    """Return the context of ui/list.html."""
    filterset, user = page.own.filterset, page.request.user
    form, conditions = filterset.form, applied(page)
    counts, export_count, total = page.count_rows()
    pager = Pager(page.query, counts[page.tab])
    rows = page.page_rows(pager.start, pager.size)
    bulk = open_bulk_actions(page.bulk_actions, user)
    return {
        "view": page,
        "title": page.title,
        "crumbs": page.crumbs,
        "help_anchor": page.help,
        "filter_form": form,
        "filters": filter_line(form, filterset.favourites, conditions),
        "applied": conditions,
        "conditions": describe_conditions(conditions),
        "tabs": page.tabs.links(page.query, page.tab, counts) if page.tabs else [],
        "headers": sort_headers(page.choice.shown, page.sort, page.query),
        "table": draw_rows(page, rows, selectable=bool(bulk)),
        "pager": pager,
        "misread": [*misread(page), *pager.misread],
        "bulk": bulk,
        "create": page.new.link_for(user) if page.new else None,
        "totals": page.totals(counts[page.tab], total),
        **page.export.context(counts[page.tab], export_count),
    }


def draw_rows(page: ListPage, rows: list[Any], *, selectable: bool) -> list[SafeString]:
    """Return the rows as HTML. selectable: with a checkbox for the actions on several."""
    columns, user = page.choice.shown, page.request.user
    drawn = []
    for row in rows:
        cells = [column.cell(row, user) for column in columns]
        drawn.append(row_html([checkbox_cell(row), *cells] if selectable else cells, page.row_controls(row), row))
    return drawn


class RowCounts(NamedTuple):
    """Rows of each tab and of the export, counted up to the caps at least; the sum of summed(), where it is known."""

    of_tabs: dict[str, int]
    of_export: int
    total: Decimal | None = None


def count_list(page: ListPage) -> RowCounts:
    """Return the rows of each tab and those of the export, counted up to the caps, and the sum, in one statement."""
    keys = list(page.tabs.labels) if page.tabs else [ALL]
    caps = (MAX_COUNT + 1 if key == page.tab else MAX_TAB_COUNT + 1 for key in keys)
    capped_tabs = [(page.own.in_tab(key), cap) for key, cap in zip(keys, caps, strict=True)]
    export = [] if page.export.limit is None else [(page.export.within_limit(page.shown_rows()), MAX_COUNT + 1)]
    views = page.strip.counted(page.own.asked)
    added_up = page.summed()
    summed = Summed(*added_up, place=keys.index(page.tab), cap=MAX_COUNT) if added_up else None
    counted = [*capped_tabs, *export, *((rows, MAX_TAB_COUNT + 1) for _, rows in views)]
    numbers, total = count_and_sum(counted, summed)
    counts = dict(zip(keys, numbers, strict=False))
    page.strip.take_numbers(views, numbers[len(numbers) - len(views) :], here=counts[page.tab])
    return RowCounts(counts, numbers[len(keys)] if export else counts[page.tab], total)


def count_views(page: ListPage, here: int) -> None:
    """Count the views of a list that knows the number of its own rows."""
    views = page.strip.counted(page.own.asked)
    page.strip.take_numbers(views, count_capped((rows, MAX_TAB_COUNT + 1) for _, rows in views), here=here)
