"""HTML of the rows of list pages, built as strings: most of a page is rows, and templates take five times as long.

All values pass escape(). One of the few modules that may create a SafeString.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any, Protocol

from django.utils.safestring import SafeString

from kit.pages.templatetags.ui import icon
from kit.undo.message import new_token

DIALOG = ' hx-target="#dialog" hx-select="unset" hx-swap="innerHTML"'


class Listed(Protocol):
    """A record with a page of its own."""

    def get_absolute_url(self) -> str: ...


def row_html(cells: Iterable[str], controls: list[Any], record: Listed) -> SafeString:
    """Return a row with a last cell of actions. cells: HTML of complete <td> elements."""
    return SafeString(f'<tr>{"".join(cells)}<td class="m-full">{row_menu(controls, record)}</td></tr>')


def plain_row(cells: Iterable[str]) -> SafeString:
    """Return a row without actions. cells: HTML of complete <td> elements."""
    return SafeString(f"<tr>{''.join(cells)}</tr>")


def row_menu(controls: list[Any], record: Listed) -> str:
    """Return the first two allowed actions as links, the others under ⋯, disabled ones with the reason."""
    allowed = [control for control in controls if control.allowed]
    shown = [control for control in allowed if not control.action.in_menu][:2]
    name = escape(str(record))
    links = "".join(_link(control, name) for control in shown)
    rest = [control for control in allowed if control not in shown]
    rest += [control for control in controls if not control.allowed]
    if not links:
        links = f'<a href="{escape(record.get_absolute_url())}" aria-label="查看 {name}">查看</a>'
    return f'<div class="ra">{links}{_more(rest, name) if rest else ""}</div>'


def _more(rest: list[Any], name: str) -> str:
    entries = "".join(_entry(control) for control in rest)
    summary = f'<summary class="ib" aria-label="更多操作：{name}">{icon("dots", "s")}</summary>'
    return f'<details class="dd">{summary}<div class="menu">{entries}</div></details>'


def _entry(control: Any) -> str:
    if control.allowed:
        return _link(control, "", icon(control.action.icon, "s"))
    return f"<span>{icon('lock', 's')}{control.action.label}<small>{escape(control.reason)}</small></span>"


def _link(control: Any, name: str, icon_html: str = "") -> str:
    """Return an action's link. name: of the row, escaped, which tells the same action of two rows apart."""
    url = escape(control.url)
    if control.action.at_once:
        sends = f'form="act" formaction="{url}" name="submission" value="{new_token()}"'
        return f'<button type="submit" {sends}>{icon_html}{control.action.label}</button>'
    dialog = f' hx-get="{url}"{DIALOG}' if control.action.dialog else ""
    label = control.action.label
    named = f' aria-label="{label} {name}"' if name else ""
    return f'<a href="{url}"{named}{dialog}>{icon_html}{label}</a>'
