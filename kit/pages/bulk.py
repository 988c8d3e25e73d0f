"""Lists whose rows are chosen with a tick and taken to one page together."""

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
    """bulk_actions: (label, URL name, permission); the page named receives the chosen rows as ?ids=1&ids=2."""

    bulk_actions: tuple[tuple[str, str, str], ...] = ()

    @cached_property
    def bulk(self) -> list[tuple[str, str]]:
        """(label, address) of those the person holds the right to."""
        user = self.request.user
        return [(label, reverse(name)) for label, name, permission in self.bulk_actions if user.has_perm(permission)]

    def table_row(self, row: Any) -> str:
        cells = [column.cell(row) for column in self.shown_columns]
        if self.bulk:
            cells.insert(0, format_html_fast(CHECKBOX_CELL, row.pk, row))
        return row_html(cells, self.row_controls(row), row)

    def page_context(self) -> dict[str, Any]:
        return {**super().page_context(), "bulk": self.bulk}
