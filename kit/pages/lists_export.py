"""Export of a list page: which rows, permission, counts shown."""

from __future__ import annotations

from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpResponse
from django.utils.functional import cached_property

from kit.exchange.exports import respond_with_export

from .export_requests import ExportsByPost
from .paging import MAX_COUNT, format_count
from .unknown_parameters import list_objections, refuse_export


class ListExport(ExportsByPost):
    """The exporting part of a RecordList. A subclass declares export_permission; without it nothing is exported."""

    model: type[models.Model]
    export_permission: str = ""
    shown_rows: Any  # this and the following are RecordList's
    filtered: Any
    applied: Any
    tabs: Any
    tab: Any
    misread: Any
    ordered: Any
    unfiltered_rows: Any
    query: Any

    @property
    def can_export(self) -> bool:
        return bool(self.export_permission) and self.request.user.has_perm(self.export_permission)

    def export(self, file_format: str) -> HttpResponse:
        """Answer an export request: the question, the file, or a redirect to the job that writes it."""
        if not self.can_export:
            raise PermissionDenied("您的角色不能导出。")
        if sentences := self.objections():
            return refuse_export(self.request, sentences)
        return respond_with_export(cast(Any, self), file_format)

    def objections(self) -> list[str]:
        """Return sentences about parameters that were not understood: a file could not show them."""
        return [*self.misread(), *list_objections(self.filtered()[0].form)]

    @cached_property
    def export_limit(self) -> models.Q | None:
        """Return the condition of rows the user may export, None for all the list shows."""
        limit = getattr(self.model._default_manager, "export_limit", None)
        return limit(self.request.user, self.export_permission) if limit and self.can_export else None

    def exported(self, rows: models.QuerySet) -> models.QuerySet:
        """Return those of the rows that the user may export."""
        return rows if self.export_limit is None else rows.filter(self.export_limit)

    def export_rows(self) -> models.QuerySet:
        """Return all rows of the file, in the list's order."""
        return self.ordered(self.exported(self.shown_rows()))

    def export_context(self, listed: int, count: int) -> dict[str, Any]:
        """Return the context of ui/export.html. listed, count: rows of the list and of the file, each up to the cap."""
        return {
            "can_export": self.can_export,
            "export_count": count,
            "export_words": format_count(count),
            "export_narrowed": count < listed or (count > MAX_COUNT and self.export_limit is not None),
            "export_conditions": self.query.conditions,
        }

    def file_rows(self) -> models.QuerySet:
        return self.export_rows()

    @property
    def is_open(self) -> bool:
        return self.can_export and self.request.user.has_perm(self.unfiltered_rows.view_permission)

    def describe_conditions(self) -> list[str]:
        """Return the tab and the filters in force, each as text."""
        conditions = [dict(self.tabs)[self.tab]] if self.tab != "all" else []
        filters = self.applied(self.filtered()[0].form)
        return conditions + [f"{entry['label']} {entry['value']}" for entry in filters]
