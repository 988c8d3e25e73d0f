"""What the palette offers: records, what can be done, pages and help; nothing typed, what was opened last."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve, reverse
from django.views import View

from accounts.models import User
from customers.search.reasons import mark_name, names_word
from kit.domain.folding import clean_text
from kit.domain.marks import holds
from kit.domain.modules import Action, HitGroup, modules
from kit.domain.search_words import MAX_TYPED, SearchQuery, read_query
from kit.domain.urls import page_url
from kit.pages.record_page import RecordPage

from .help import help_sections
from .navigation import open_pages
from .search import find_groups, find_lists

MOST, RECENT = 3, 5  # of a heading; opened last


class Option(NamedTuple):
    """One line of the palette. title, why: text, or HTML with marks."""

    url: str
    icon: str
    title: str
    why: str = ""


class Palette(View):
    """The lines as a fragment. Everything it leads to is on /search/ and in the menu as well."""

    def get(self, request: HttpRequest) -> HttpResponse:
        user = cast(User, request.user)
        typed = clean_text(request.GET.get("q", "")).strip()[:MAX_TYPED]
        query = read_query(typed)
        if query:
            groups = list(_found(user, query))
        else:
            groups = [("最近打开", _opened(request)), ("操作", [_option(action) for action in _actions(user)])]
        context = {"groups": [(heading, options) for heading, options in groups if options], "q": typed}
        return render(request, "palette_options.html", context)


def _found(user: User, query: SearchQuery) -> Iterator[tuple[str, list[Option]]]:
    """Yield (heading, options), at most MOST each."""
    groups = find_groups(user, query, MOST)
    for heading in dict.fromkeys(group.heading for group in groups):
        yield heading, [option for group in groups if group.heading == heading for option in _records(group)][:MOST]
    steps = [step for group in groups for hit in group.hits for step in hit.steps]
    steps += [group.narrow for group in groups if group.narrow]
    actions = [Option(step.url, step.icon, step.label) for step in steps]
    actions += [_option(action) for action in _actions(user) if _all_in(action.label, query)]
    yield "操作", actions[:MOST]
    yield "页面与帮助", [*_pages(user, query), *_help(query)][:MOST]


def _records(group: HitGroup) -> list[Option]:
    return [Option(hit.address, group.icon, hit.title, hit.why) for hit in group.hits]


def _actions(user: User) -> list[Action]:
    return [action for module in modules() for action in module.actions if user.has_perm(action.permission)]


def _option(action: Action) -> Option:
    return Option(page_url(action.url_name), action.icon, action.label)


def _all_in(label: str, query: SearchQuery) -> bool:
    return all(names_word(label, word) for word in query.words)


def _pages(user: User, query: SearchQuery) -> list[Option]:
    """Return the pages of the menu whose name has the words, and lists that they name."""
    pages = [(section, item) for section, item in open_pages(user) if _all_in(item.label, query)]
    options = [
        Option(page_url(item.url_name), "file-spreadsheet", mark_name(item.label, query), section)
        for section, item in pages
    ]
    return options + [Option(url, "filter", words, "列表") for words, url in find_lists(user, query.typed)]


def _help(query: SearchQuery) -> list[Option]:
    """Return the sections of the help that have the words, those with them in the heading first."""
    found = [part for part in help_sections() if all(holds(part.text, word) for word in query.words)]
    found.sort(key=lambda part: not _all_in(part.title, query))
    return [Option(f"{reverse('help')}#{part.anchor}", "help", mark_name(part.title, query), "帮助") for part in found]


def _opened(request: HttpRequest) -> list[Option]:
    """Return the records whose URLs the browser remembers, of those the user still sees."""
    options = (_record_at(request, path) for path in request.GET.getlist("opened")[:RECENT])
    return [option for option in options if option]


def _record_at(request: HttpRequest, path: str) -> Option | None:
    try:
        match = resolve(path)
        view_class = getattr(match.func, "view_class", None)
        if not (isinstance(view_class, type) and issubclass(view_class, RecordPage)):
            return None
        page = view_class()
        page.setup(request, *match.args, **match.kwargs)
        record = page.get_record()
    except (Resolver404, Http404):
        return None
    return Option(path, "history", str(record), str(record._meta.verbose_name))
