"""What all lists and pages of Django admin have in common: they answer only the questions they themselves ask."""

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

MAX_SEARCH_LENGTH = 200  # each word is one more condition, and a database takes no thousand of them
PAGE_SIZE = 50


class RecordAdmin(admin.ModelAdmin):
    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """Django lets an address ask anything of a model's own fields, masked numbers letter by letter included."""
        return any(lookup in lookups_of_filter(self.model, path) for path in self.get_list_filter(request))

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        return super().get_search_results(request, queryset, search_term[:MAX_SEARCH_LENGTH])

    def response_action(self, request: Any, *args: Any, **options: Any) -> HttpResponse | None:
        """Ticked rows whose key no database keeps are left out, as those that do not exist."""
        sent = request.POST.copy()
        ticked = sent.getlist(ACTION_CHECKBOX_NAME)
        sent.setlist(ACTION_CHECKBOX_NAME, [key for key in ticked if key.isdecimal() and len(key) < 19])
        request.POST = sent
        return super().response_action(request, *args, **options)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Django leads to the index with a message; an address of nothing is not found, like everywhere else."""
        key: Any = self.model._meta.pk
        while key.is_relation:  # a role's is that of its group
            key = key.target_field
        plain = object_id.isascii() and object_id.isdecimal()  # Python reads more as a number
        if isinstance(key, models.IntegerField) and not plain:
            raise Http404
        try:
            found = super().get_object(request, object_id, from_field)
        except OverflowError:  # an id no database holds
            found = None
        if found is None:
            raise Http404
        return found

    def view_on_site(self, obj: Any) -> str | None:
        """Straight to the record's own page, where it has one."""
        return obj.get_absolute_url() if hasattr(obj, "get_absolute_url") else None

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """The record's rows in the audit trail, newest first; Django's own log knows only what was done here."""
        answer = super().history_view(request, object_id, extra_context)
        if isinstance(answer, TemplateResponse) and answer.context_data:
            trail = AuditEntry.objects.about(answer.context_data["object"])
            paginator = self.get_paginator(request, trail, PAGE_SIZE)
            page = paginator.get_page(request.GET.get(PAGE_VAR, 1))
            for entry in page:
                entry.mask_details()
            answer.context_data |= {"history": page, "page_range": paginator.get_elided_page_range(page.number)}
        return answer


def lookups_of_filter(model: Any, path: Any) -> set[str]:
    """What the links of a plain filter on a field put into the address."""
    field: Any = get_fields_from_path(model, path)[-1]
    key = f"__{field.target_field.name}" if field.is_relation else ""
    return {path, f"{path}{key}__exact", f"{path}__isnull"}
