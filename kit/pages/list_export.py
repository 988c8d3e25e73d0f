"""What of a list leaves in a file: which of its rows, and how many the page says it will be."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpResponse
from django.utils.functional import cached_property

from kit.exchange.exports import deliver

from .export_requests import ExportsByPost
from .paging import MAX_COUNT, format_count
from .unknown_parameters import list_objections, refuse_export


class ListExport(ExportsByPost):
    """The exporting half of a RecordList."""

    model: type[models.Model]
    export_permission: str = ""
    shown_rows: Any
    filtered: Any
    applied: Any
    tabs: Any
    tab: Any
    misread: Any
    ordered: Any
    link: Any

    @property
    def can_export(self) -> bool:
        return bool(self.export_permission) and self.request.user.has_perm(self.export_permission)

    def export(self, file_format: str) -> HttpResponse:
        """The filtered rows with all columns, or first the question."""
        if not self.can_export:
            raise PermissionDenied("您的角色不能导出。")
        if sentences := self.objections():
            return refuse_export(self.request, sentences)
        return deliver(self, file_format)

    def objections(self) -> list[str]:
        """Why the rows of this address are not those that were asked for; a file would not show it."""
        return [*self.misread(), *list_objections(self.filtered()[0].form)]

    @cached_property
    def export_limit(self) -> models.Q | None:
        """What narrows the rows of the list to those the person may export; None: all of them leave."""
        limit = getattr(self.model._default_manager, "export_limit", None)
        return limit(self.request.user, self.export_permission) if limit and self.can_export else None

    def exported(self, rows: models.QuerySet) -> models.QuerySet:
        return rows if self.export_limit is None else rows.filter(self.export_limit)

    def export_rows(self) -> models.QuerySet:
        return self.ordered(self.exported(self.shown_rows()))

    def export_context(self, listed: int, count: int) -> dict[str, Any]:
        """What ui/export.html needs, both counted up to the cap; narrowed: the file holds less than the list."""
        return {
            "can_export": self.can_export,
            "export_count": count,
            "export_words": format_count(count),
            "export_narrowed": count < listed or (count > MAX_COUNT and self.export_limit is not None),
            "export_conditions": self.link().partition("?")[2],
        }

    def conditions_in_words(self) -> list[str]:
        """What narrows the rows, as the page shows it: the tab and each filter."""
        conditions = [dict(self.tabs)[self.tab]] if self.tab != "all" else []
        filters = self.applied(self.filtered()[0].form)
        return conditions + [f"{entry['label']} {entry['value']}" for entry in filters]
