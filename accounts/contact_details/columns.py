"""Contact details on pages and in files, with the link that opens a masked one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.db import models

from accounts.users.models import User
from kit.domain.phone_links import dial_url, mail_url
from kit.domain.text import DASH
from kit.lists.columns import Column
from kit.pages.html import format_html_fast

from .masking import HasContactDetails


@dataclass
class DetailColumn(Column):
    """A column with a contact detail, drawn as its viewer sees it.

    below: the detail under the value in the cell. refused: the field that says that a contact asked not to be called:
    marked on pages, and such numbers are left out of files.
    """

    below: str = ""
    refused: str = ""

    def get(self, row: HasContactDetails, viewer: Any = None) -> Any:
        if self.value not in row.detail_fields:
            return super().get(row)
        return "" if self.refused and getattr(row, self.refused) else row.detail(self.value, viewer)

    def cell(self, row: Any, viewer: Any = None) -> str:
        if not self.below:
            return format_html_fast("{}{}</td>", self.opening, detail_html(row, str(self.value), viewer))
        detail = detail_html(row, self.below, viewer) if getattr(row, self.below) else ""
        mark = DO_NOT_CONTACT_MARK if self.refused and getattr(row, self.refused) else ""
        name = self.get(row, viewer) or DASH
        return format_html_fast(
            '{}{}{}<small class="sm nw in hide-m">{}</small></td>', self.opening, name, mark, detail
        )


DO_NOT_CONTACT_MARK = format_html_fast(' <span class="st red">{}</span>', "请勿联系")
OPEN_HTML = """<span class="masked">{} <a href="{}" {}="{}" {} aria-label="{}">显示</a></span>"""
IN_DIALOG = format_html_fast('hx-target="{}" hx-select="unset" hx-swap="innerHTML"', "#dialog")  # as other row links


def detail_html(row: Any, name: str, viewer: User, token: str = "") -> str:
    """Return a detail as HTML; a masked one with its link. token: the CSRF token, by which htmx opens it in place."""
    if not getattr(row, name):
        return DASH
    if row.shows_details_to(viewer):
        return detail_link(row, name)
    value = row.detail(name, viewer)
    if not row.can_open_detail(viewer):
        return value
    url, label = row.get_detail_url(name), row._meta.get_field(name).verbose_name
    method, attributes = ("hx-post", in_place_attributes(token)) if token else ("hx-get", IN_DIALOG)
    return format_html_fast(OPEN_HTML, value, url, method, url, attributes, f"显示完整的{label}")


def detail_link(row: Any, name: str) -> str:
    """Return a detail that its reader sees in full: a number to ring, an address to write to, else the text."""
    value, url = getattr(row, name), ""
    if row.may_be_contacted and name in row.number_indexed:
        url = dial_url(value)
    elif row.may_be_contacted and isinstance(row._meta.get_field(name), models.EmailField):
        url = mail_url(value)
    return format_html_fast('<a class="tel" href="{}">{}</a>', url, value) if url else value


def in_place_attributes(token: str) -> str:
    headers = json.dumps({"X-CSRFToken": token})
    return format_html_fast('hx-target="{}" hx-swap="{}" hx-headers="{}"', "closest .masked", "outerHTML", headers)
