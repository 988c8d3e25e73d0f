"""The rows of one list, all that the user sees, those that meet the conditions, those of a tab; and the conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.http import QueryDict
from django.utils.functional import cached_property

from kit.domain.own_rows import OwnRows

from .columns import sortable
from .filter_choices import holds_several
from .filter_drawing import Condition, applied_conditions
from .filters import ListFilter
from .list_tabs import describe_misread
from .list_views.strip import describe_misread_views

if TYPE_CHECKING:
    from .list_page import ListPage


class ListRows:
    def __init__(self, page: ListPage) -> None:
        self.page, self.request = page, page.request

    @cached_property
    def unfiltered(self) -> Any:  # a scoped queryset, which names the permission to view it
        return self.page.rows()

    @cached_property
    def filterset(self) -> ListFilter:
        rows = self.of_scope(self.request.GET)
        return self.page.filterset_class(self.request.GET, queryset=rows, request=self.request)

    @cached_property
    def filtered(self) -> models.QuerySet[Any]:
        """The rows of all tabs; an invalid filter leaves none."""
        return self.filterset.qs if self.filterset.is_valid() else self.unfiltered.none()

    def of_scope(self, parameters: QueryDict) -> Any:
        """Return the unfiltered rows, those of 我的 where the parameters ask for them."""
        is_mine = self.page.strip.own_rows is not OwnRows.NONE and parameters.get("mine") == "1"
        return self.unfiltered.mine(self.request.user) if is_mine else self.unfiltered

    def in_tab(self, key: str) -> models.QuerySet[Any]:
        return self.page.tabs.rows(self.filtered, key) if self.page.tabs else self.filtered

    def drawn(self) -> Any:
        """Return the shown rows with what the chosen columns need."""
        rows = self.page.shown_rows()
        return self.page.rows_for_file(rows) if self.page.choice.reads_file_rows else rows

    def asked(self, parameters: QueryDict) -> models.QuerySet[Any] | None:
        """Return the rows of another query of the list, to be counted; None where a condition is not understood."""
        rows = self.of_scope(parameters)
        filterset = self.page.filterset_class(parameters, queryset=rows, request=self.request, for_count=True)
        if not filterset.is_valid():
            return None
        tabs = self.page.tabs
        return tabs.rows(filterset.qs, tabs.chosen(parameters)) if tabs else filterset.qs


def misread(page: ListPage) -> list[str]:
    """Return sentences about parameters the list does not know, with what it shows instead."""
    filters = page.own.filterset.base_filters
    known, several = [*filters, *page.strip.parameters], holds_several(filters)
    sentences = describe_misread(page.request.GET, known, several, page.tabs, sortable(page.columns))
    return [*sentences, *describe_misread_views(page.strip), *page.choice.misread()]


def applied(page: ListPage) -> list[Condition]:
    """Return the conditions in force, but for the tab."""
    except_for = page.tabs.field if page.tabs else ""
    return applied_conditions(page.own.filterset.form, page.query, except_for=except_for)
