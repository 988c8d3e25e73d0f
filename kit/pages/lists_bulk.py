"""List pages with a checkbox per row and actions on the selected rows."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.functional import cached_property

from .html import format_html_fast
from .lists import RecordList
from .row_html import row_html

CHECKBOX_CELL = (
    '<td class="m-h"><input class="ck" type="checkbox" name="ids" value="{}" form="bulk" aria-label="选择 {}"></td>'
)


class BulkList(RecordList):
    """A RecordList with actions on several rows. A subclass declares bulk_actions.

    The page of an action receives the keys of the selected rows as ?ids=1&ids=2.
    """

    bulk_actions: tuple[tuple[str, str, str], ...] = ()  # (label, URL name, permission)

    @cached_property
    def bulk(self) -> list[tuple[str, str]]:
        """Return (label, URL) of the actions the user has the permission for."""
        user = self.request.user
        return [(label, reverse(name)) for label, name, permission in self.bulk_actions if user.has_perm(permission)]

    def table_row(self, row: Any) -> str:
        cells = [column.cell(row) for column in self.shown_columns]
        if self.bulk:
            cells.insert(0, format_html_fast(CHECKBOX_CELL, row.pk, row))
        return row_html(cells, self.row_controls(row), row)

    def page_context(self) -> dict[str, Any]:
        return {**super().page_context(), "bulk": self.bulk}
