"""What every page of the product has: a title, the pages above it, help, a template."""

from __future__ import annotations

from typing import Any, Protocol, cast

from django.db import models
from django.http import HttpResponse
from django.shortcuts import render


class Page(Protocol):
    """A view with a head. crumbs: (label, URL name) of the pages above; help: anchor on the help page."""

    request: Any
    title: str
    help: str
    template_name: str

    @property
    def crumbs(self) -> tuple[tuple[str, str], ...]: ...


def render_page(page: Page, status: int = 200, template: str = "", **context: Any) -> HttpResponse:
    """Return the page's template, or another, with its head and the context."""
    head = {"view": page, "title": page.title, "crumbs": page.crumbs, "help_anchor": page.help}
    return render(page.request, template or page.template_name, {**head, **context}, status=status)


def visible_rows(model: type[models.Model], user: Any, select_related: tuple[str, ...] = ()) -> Any:
    """Return the rows of the model that the user may see, as its own queryset: a page of another row is 404."""
    rows = cast(Any, model._default_manager).visible_to(user)
    return rows.select_related(*select_related)
