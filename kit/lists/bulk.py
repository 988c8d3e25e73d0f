"""Actions on several rows of a list: a checkbox per row, a button per action."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from django.urls import reverse

from kit.pages.html import format_html_fast

CHECKBOX_CELL = (
    '<td class="pick"><input class="ck" type="checkbox" name="ids" value="{}" form="bulk" aria-label="选择 {}"></td>'
)


class BulkAction(NamedTuple):
    """A button over the list; its page receives the list's URL, and ?ids=1&ids=2 or ?all=1, see kit/bulk."""

    label: str
    url_name: str
    permission: str
    unit: str = "条"  # 移交 4 家


def open_bulk_actions(actions: Iterable[BulkAction], user: Any) -> list[tuple[str, str, str]]:
    """Return (label, URL, unit) of the actions the user has the permission for."""
    return [
        (action.label, reverse(action.url_name), action.unit) for action in actions if user.has_perm(action.permission)
    ]


def checkbox_cell(row: Any) -> str:
    """Return the cell that selects a row."""
    return format_html_fast(CHECKBOX_CELL, row.pk, row)
