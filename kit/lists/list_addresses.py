"""Lists by their URL name, and how the menu opens each for a user."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.urls import NoReverseMatch, resolve

from kit.domain.modules import lent
from kit.domain.own_rows import OwnRows
from kit.domain.urls import page_url

from .list_page import ListPage
from .list_views.strip import own_rows_of
from .list_views.views import DEFAULT, SavedViews


@lru_cache(maxsize=128)  # the name may come from a URL
def list_page_at(url_name: str) -> type[ListPage] | None:
    """Return the page class of a list that stands alone, None for another page."""
    try:
        page: Any = getattr(resolve(page_url(url_name)).func, "view_class", None)
    except NoReverseMatch:
        return None
    return page if isinstance(page, type) and issubclass(page, ListPage) else None


def menu_url(url_name: str, user: Any) -> str:
    """Return where the menu leads: a list opens with the view the user chose, else with 我的 for who has no others."""
    page, url = list_page_at(url_name), page_url(url_name)
    if page is None:
        return url
    if any(saved.default_of(user, url_name) for saved in lent(SavedViews)):
        return f"{url}?view={DEFAULT}"
    is_mine = page.offers_own and own_rows_of(page.model._default_manager.all(), user) is OwnRows.FIRST
    return f"{url}?mine=1" if is_mine else url
