"""Export of a list page: which rows, permission, counts shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property

from kit.exchange.exports import respond_with_export
from kit.pages.query_string import QueryString
from kit.pages.unknown_parameters import list_objections, refuse_export

from .columns import Column
from .filter_drawing import describe_conditions
from .list_rows import applied, misread
from .list_tabs import ALL
from .paging import MAX_COUNT, format_count

if TYPE_CHECKING:
    from .list_page import ListPage


class ListExport:
    """The export of a ListPage: what kit.exchange needs of a list. Without a permission nothing is exported."""

    def __init__(self, page: ListPage) -> None:
        self.page = page
        self.request: HttpRequest = page.request
        self.query: QueryString = page.query
        self.title: str = page.title
        self.crumbs: tuple[tuple[str, str], ...] = page.crumbs
        self.columns: Sequence[Column] = page.choice.for_file
        self.belongs_to: Any = page.belongs_to

    @property
    def is_allowed(self) -> bool:
        permission, user = self.page.export_permission, self.page.request.user
        return bool(permission) and user.has_perm(permission)

    @property
    def is_open(self) -> bool:
        """Whether the user may export and still open the list itself: a job asks it for its owner."""
        return self.is_allowed and self.page.may_open

    def answer(self, file_format: str) -> HttpResponse:
        """Answer an export request: the question, the file, or a redirect to the job that writes it."""
        if not self.is_allowed:
            raise PermissionDenied("您的角色不能导出。")
        if sentences := self.objections():
            return refuse_export(self.request, sentences)
        return respond_with_export(self, file_format)

    def objections(self) -> list[str]:
        """Return sentences about parameters that were not understood: a file could not show them."""
        return [*misread(self.page), *list_objections(self.page.own.filterset.form)]

    @cached_property
    def limit(self) -> models.Q | None:
        """Return the condition of rows the user may export, None for all the list shows."""
        limit = getattr(self.page.model._default_manager, "export_limit", None)
        return limit(self.request.user, self.page.export_permission) if limit and self.is_allowed else None

    def within_limit(self, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Return those of the rows that the user may export."""
        return rows if self.limit is None else rows.filter(self.limit)

    def file_rows(self) -> models.QuerySet[Any]:
        """Return all rows of the file, in the list's order."""
        return self.page.rows_for_file(self.page.ordered(self.within_limit(self.page.shown_rows())))

    def context(self, listed: int, count: int) -> dict[str, Any]:
        """Return the context of ui/export.html. listed, count: rows of the list and of the file, each up to the cap."""
        return {
            "can_export": self.is_allowed,
            "export_count": count,
            "export_words": format_count(count),
            "export_narrowed": count < listed or (count > MAX_COUNT and self.limit is not None),
            "export_conditions": self.query.conditions,
            "export_columns": len(self.columns) if self.page.choice.chosen else 0,
        }

    def describe_conditions(self) -> list[str]:
        """Return the tab and the filters in force, each as text."""
        page = self.page
        tab = [page.tabs.labels[page.tab]] if page.tabs and page.tab != ALL else []
        mine = ["我的"] if page.strip.is_mine else []
        return [*mine, *tab, *describe_conditions(applied(page))]
