"""The strip over a list: 我的 and 全部可见, the list's views and saved ones, each a link with its number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.contrib import messages
from django.http import Http404, QueryDict
from django.urls import resolve
from django.utils.functional import cached_property

from kit.domain.modules import lent
from kit.domain.own_rows import OwnRows
from kit.pages.unknown_parameters import TRACKING_PARAMETERS, shorten

from .views import DEFAULT, SavedViews, View

if TYPE_CHECKING:
    from django.db import models

    from kit.lists.list_page import ListPage

MAX_VIEWS = 6  # that stand in the strip; the others under 其余


@dataclass
class Tab:
    """count: None where a condition is not understood, and for what stands under 其余 (rest)."""

    label: str
    url: str
    current: bool
    title: str = ""
    view: View | None = None
    count: int | None = None
    rest: bool = False


class ViewStrip:
    """The tabs of one list as one user sees them. A list inside a record has none: its rows are few."""

    def __init__(self, page: ListPage) -> None:
        self.page, self.request, self.query = page, page.request, page.query
        self.path, self.user = page.request.path, page.request.user

    @cached_property
    def list_name(self) -> str:
        """The URL name under which views of this list are kept; empty inside a record."""
        match = resolve(self.path)
        return "" if match.kwargs else match.view_name

    @cached_property
    def own_rows(self) -> OwnRows:
        if not (self.list_name and self.page.offers_own):
            return OwnRows.NONE
        return own_rows_of(self.page.own.unfiltered, self.user)

    @property
    def is_mine(self) -> bool:
        return self.own_rows is not OwnRows.NONE and self.request.GET.get("mine") == "1"

    @cached_property
    def saved(self) -> SavedViews | None:
        """Where views of this list are saved, if at all."""
        return next(iter(lent(SavedViews)), None) if self.list_name else None

    @cached_property
    def views(self) -> list[View]:
        shipped = [view for view in self.page.shipped_views if self.user.has_perms(view.permissions)]
        return [*shipped, *(self.saved.read(self.user, self.list_name) if self.saved else ())]

    @property
    def key(self) -> str:
        return str(self.request.GET.get("view", ""))

    @cached_property
    def view(self) -> View | None:
        """The view that the URL names; raise Http404 for a saved one that is not the reader's to use."""
        view = next((view for view in self.views if view.key == self.key), None) if self.key else None
        if view is None and self.key.isdecimal():
            raise Http404
        return view

    @property
    def is_default(self) -> bool:
        return bool(self.saved and self.view and self.saved.default_of(self.user, self.list_name) == self.view.key)

    @property
    def parameters(self) -> list[str]:
        """The names of parameters that are the strip's and the chooser's."""
        return ["view", "columns", "choosing", *(["mine"] if self.own_rows is not OwnRows.NONE else [])]

    # What is saved under a name

    @cached_property
    def conditions(self) -> str:
        """The query string of what is shown: known conditions, state, order and columns."""
        tabs, known = self.page.tabs, {*self.page.own.filterset.base_filters, "sort", "columns", "mine"}
        state = tabs.field if tabs else ""
        pairs = [(name, value) for name, value in self.query.pairs if name in known and name != state and value]
        return urlencode([(state, self.page.tab), *pairs] if state else pairs)

    @property
    def is_changed(self) -> bool:
        """Whether other conditions are shown than those of the view."""
        return self.view is not None and sorted(self.view.conditions) != sorted(parse_qsl(self.conditions))

    # Tabs and their numbers

    @cached_property
    def tabs(self) -> list[Tab]:
        tabs = [self._scope_tab("全部可见", None)]
        if self.own_rows is not OwnRows.NONE:
            tabs.insert(0, self._scope_tab("我的", "1"))
        views = self.views if self.list_name else []
        others = [view for view in views if view is not self.view]
        shown = others[: MAX_VIEWS - 1 if self.view else MAX_VIEWS]
        tabs += [self._view_tab(view, rest=view not in shown and view is not self.view) for view in views]
        return tabs

    def _scope_tab(self, label: str, mine: str | None) -> Tab:
        """Return a tab that keeps the conditions; from a view it leads to the list without any."""
        plain = f"{self.path}?mine={mine}" if mine else self.path
        url = plain if self.view else self.query.link(mine=mine, view=None)
        return Tab(label, url, self.view is None and self.is_mine == bool(mine))

    def _view_tab(self, view: View, *, rest: bool) -> Tab:
        title = f"{view.shared_by} 共享" if view.shared_by else "已共享给本部门和下级" if view.is_shared else ""
        return Tab(view.label, view.url(self.path, mine=self.is_mine), view is self.view, title, view, rest=rest)

    def counted(self, rows_of: Callable[[QueryDict], models.QuerySet[Any] | None]) -> list[tuple[Tab, Any]]:
        """Return the tabs that need a number, each with the rows that its link leads to."""
        counted = []
        for tab in self.tabs:
            if tab.rest or (tab.current and tab.view is None):
                continue
            rows = rows_of(QueryDict(urlsplit(tab.url).query))
            if rows is not None:
                counted.append((tab, rows))
        return counted

    def take_numbers(self, counted: Sequence[tuple[Tab, Any]], numbers: Sequence[int], *, here: int) -> None:
        """Take over the numbers of the counted tabs. here: that of the list as it is open."""
        for tab in self.tabs:
            tab.count = here if tab.current and tab.view is None else None
        for (tab, _), number in zip(counted, numbers, strict=True):
            tab.count = number

    @property
    def rest(self) -> list[Tab]:
        return [tab for tab in self.tabs if tab.rest]


def describe_misread_views(strip: ViewStrip) -> list[str]:
    """Return sentences about a switch or a view that nobody knows."""
    sentences, mine, key = [], strip.request.GET.get("mine", ""), strip.key
    if mine not in ("", "1") and strip.own_rows is not OwnRows.NONE:
        sentences.append(f"「我的」不能是「{shorten(mine)}」，现在显示全部可见的。")
    if key and not key.isdecimal() and key not in (DEFAULT, *(view.key for view in strip.views)):
        sentences.append(f"没有「{shorten(key)}」这个视图，现在只按其余的条件显示。")
    if is_name_alone(strip):  # the page itself leads to the view; a file and work on all rows would take too many
        sentences.append("地址里只有视图的名称，没有它的条件，请先打开这个视图。")
    return sentences


def own_rows_of(rows: Any, user: Any) -> OwnRows:
    """Return whether these rows may be narrowed to the user's own. rows: a queryset; not each knows whose they are."""
    ask = getattr(rows, "own_rows_of", None)
    return ask(user) if ask else OwnRows.NONE


def is_name_alone(strip: ViewStrip) -> bool:
    """Whether the URL names a view and nothing else: its conditions are meant, and are not there."""
    others = {*strip.request.GET} - {"view", "export", "reason"}
    if strip.key == DEFAULT or not all(map(TRACKING_PARAMETERS.fullmatch, others)):
        return strip.key == DEFAULT
    return bool(strip.view and strip.view.conditions)


def elsewhere(strip: ViewStrip) -> str:
    """Return the URL that this request is short for, empty where it says all."""
    if strip.key == DEFAULT:
        return default_url(strip)
    return strip.view.url(strip.path) if is_name_alone(strip) and strip.view else ""


def default_url(strip: ViewStrip) -> str:
    mine = strip.own_rows is OwnRows.FIRST
    chosen = strip.saved.default_of(strip.user, strip.list_name) if strip.saved else ""
    for view in strip.views:
        if view.key == chosen:
            return view.url(strip.path, mine=mine)
    if chosen:
        messages.info(strip.request, "您设为默认的视图已经不在了，现在显示原来的列表。")
    return f"{strip.path}?mine=1" if mine else strip.path
