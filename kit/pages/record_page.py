"""The page of one record."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views import View

from .page import render_page, visible_rows


class RecordPage(View):
    """A page of one row the user may see, else 404. A subclass declares model, title, template_name and context()."""

    model: type[models.Model]
    template_name: str
    title: str = ""
    crumbs: tuple[tuple[str, str], ...] = ()
    help: str = ""
    select_related: tuple[str, ...] = ()
    request: Any

    def rows(self) -> Any:  # the subclass knows its model and queryset
        return visible_rows(self.model, self.request.user, self.select_related)

    def get_record(self) -> Any:
        return get_object_or_404(self.rows(), pk=self.kwargs["pk"])

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        record = self.get_record()
        return render_page(self, record=record, **self.context(record))

    def context(self, record: Any) -> dict[str, Any]:
        return {}
