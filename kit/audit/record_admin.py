"""Base class of all admin pages: only lookups that the page offers, only possible keys, history from the audit log."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import get_fields_from_path
from django.contrib.admin.views.main import PAGE_VAR
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from kit.audit.models import AuditEntry

MAX_SEARCH_LENGTH = 200  # each word is one more condition, and no database takes a thousand of them
PAGE_SIZE = 50


class RecordAdmin(admin.ModelAdmin):
    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """Allow offered lookups only: Django allows any on a model's own fields, so masked numbers could be guessed."""
        return any(lookup in lookups_of_filter(self.model, path) for path in self.get_list_filter(request))

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet, search_term: str
    ) -> tuple[models.QuerySet, bool]:
        return super().get_search_results(request, queryset, search_term[:MAX_SEARCH_LENGTH])

    def response_action(self, request: Any, *args: Any, **options: Any) -> HttpResponse | None:
        """Ignore selected keys that no database can hold, as Django ignores those that do not exist."""
        data = request.POST.copy()
        keys = data.getlist(ACTION_CHECKBOX_NAME)
        data.setlist(ACTION_CHECKBOX_NAME, [key for key in keys if key.isdecimal() and len(key) < 19])
        request.POST = data
        return super().response_action(request, *args, **options)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Raise Http404 for a key that does not exist; Django would redirect to the index with a message."""
        key: Any = self.model._meta.pk
        while key.is_relation:  # the key of a role is that of its group
            key = key.target_field
        is_number = object_id.isascii() and object_id.isdecimal()  # int() accepts more
        if isinstance(key, models.IntegerField) and not is_number:
            raise Http404
        try:
            record = super().get_object(request, object_id, from_field)
        except OverflowError:  # an id that no database holds
            record = None
        if record is None:
            raise Http404
        return record

    def view_on_site(self, obj: models.Model) -> str | None:
        """Return the URL of the record's page in the product, if it has one."""
        return obj.get_absolute_url() if hasattr(obj, "get_absolute_url") else None

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Show the record's events of the audit log; Django's own log holds only what was done in admin."""
        response = super().history_view(request, object_id, extra_context)
        if isinstance(response, TemplateResponse) and response.context_data:
            entries = AuditEntry.objects.about(response.context_data["object"])
            paginator = self.get_paginator(request, entries, PAGE_SIZE)
            page = paginator.get_page(request.GET.get(PAGE_VAR, 1))
            for entry in page:
                entry.mask_details()
            response.context_data |= {"history": page, "page_range": paginator.get_elided_page_range(page.number)}
        return response


def lookups_of_filter(model: type[models.Model], path: Any) -> set[str]:
    """Return the query parameters that the links of a plain filter on a field use."""
    field: Any = get_fields_from_path(model, path)[-1]
    key = f"__{field.target_field.name}" if field.is_relation else ""
    return {path, f"{path}{key}__exact", f"{path}__isnull"}
