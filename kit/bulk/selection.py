"""Which rows a bulk page acts on: those ticked on a list, or all that the list's filter finds.

The filter travels, not the keys: the bulk page asks the list itself again, as the user sees it now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import unquote_plus, urlsplit

from django.core import signing
from django.core.exceptions import BadRequest, ValidationError
from django.http import HttpRequest, QueryDict
from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme

from kit.domain.left_out import LeftOut, describe_left_out, quote_names
from kit.domain.text import refuse_control_characters
from kit.domain.verdict import Kind, Refused, Verdict
from kit.exchange.exports import resolve_list
from kit.lists.list_page import ListPage
from kit.lists.list_rows import misread
from kit.pages.text_gate import clean_query
from kit.pages.unknown_parameters import list_objections

MAX_SELECTED = 10_000
MAX_DIRECT = 500  # rows that a page changes itself; more are a job's
SALT = "opened together"


@dataclass
class Chosen:
    """The selected rows: those that the user may act on, and the others. unseen: how many are outside the view."""

    rows: list[Any]
    left_out: list[LeftOut] = field(default_factory=list)
    unseen: int = 0

    @property
    def stamp(self) -> str:
        """Return key and version of each row, signed: what the user confirms."""
        return signing.dumps({str(row.pk): row.version for row in self.rows}, salt=SALT, compress=True)

    @property
    def left_out_count(self) -> int:
        return len(self.left_out) + self.unseen

    @property
    def reasons(self) -> list[str]:
        return describe_left_out(self.left_out, self.unseen)


def read_stamp(text: str) -> dict[int, int]:
    """Return {key: version} as the form was opened with; raise Refused when it is missing or forged."""
    try:
        return {int(key): version for key, version in signing.loads(text, salt=SALT).items()}
    except signing.BadSignature as error:
        text = "页面已过期，没有保存。您选择的内容还在，请核对后再次保存。"
        raise Refused(Verdict(Kind.STATE, text)) from error


def compare_stamp(rows: list[Any], opened: Mapping[int, int]) -> None:
    """Raise Refused unless the rows are those that were confirmed, in the same versions."""
    changed = [str(row) for row in rows if row.pk in opened and opened[row.pk] != row.version]
    if changed:
        text = f"{quote_names(changed)}在您打开后被别人修改过，没有一条改动。下面是现在的内容，请核对后再次保存。"
        raise Refused(Verdict(Kind.STATE, text))
    if {row.pk for row in rows} != set(opened):
        text = f"选中的内容有变化：您打开时 {len(opened)} 条，现在 {len(rows)} 条，没有一条改动。请核对后再次保存。"
        raise Refused(Verdict(Kind.STATE, text))


class Selection:
    """What a request selects. list: URL of the list it was made on; all=1: every row of it, else the keys in ids."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.data = request.POST if request.method == "POST" else request.GET

    @property
    def is_whole(self) -> bool:
        return self.data.get("all") == "1" and self.list_page is not None

    @cached_property
    def keys(self) -> set[int]:
        ticked = self.data.getlist("ids")
        return {int(key) for key in ticked if key.isascii() and key.isdecimal() and len(key) < 19}

    @cached_property
    def list_page(self) -> ListPage | None:
        """Return the list, set up as the user would open it; None for an URL of no list here with this bulk action."""
        url = self.data.get("list", "")
        parts = split_url(url)
        if not url_has_allowed_host_and_scheme(url, None):  # the page leads back there
            return None
        try:
            view = getattr(resolve(parts.path).func, "view_class", None)
            own_name = resolve(self.request.path).view_name
        except Resolver404:
            return None
        if not (isinstance(view, type) and issubclass(view, ListPage)):
            return None
        if own_name not in {action.url_name for action in view.bulk_actions}:
            return None
        page: ListPage = resolve_list(parts.path, parts.query, self.request.user)  # type: ignore[arg-type]
        clean_query(page.request)
        return page if page.may_open else None

    def objections(self) -> list[str]:
        """Return sentences about conditions of the list that it does not understand: it would select too much."""
        page = self.list_page
        return [*misread(page), *list_objections(page.own.filterset.form)] if self.is_whole and page else []

    @property
    def list_url(self) -> str:
        """Return the URL of the list with its conditions, empty without one."""
        return self.data.get("list", "") if self.list_page is not None else ""

    def inputs(self) -> list[tuple[str, str]]:
        """Return the hidden inputs that make the same selection again."""
        chosen = [("all", "1")] if self.is_whole else [("ids", str(key)) for key in sorted(self.keys)]
        return [*([("list", self.list_url)] if self.list_url else []), *chosen]

    def narrow(self, rows: Any) -> Any:
        """Return those of the rows that are selected."""
        if not self.is_whole or self.list_page is None:
            return rows.filter(pk__in=self.keys)
        return rows.filter(pk__in=self.list_page.shown_rows().order_by().values("pk"))

    def count(self) -> int:
        """Return how many rows are selected, counted up to one beyond the limit."""
        if not self.is_whole or self.list_page is None:
            return len(self.keys)
        return int(self.list_page.shown_rows().order_by().values("pk")[: MAX_SELECTED + 1].count())


def split_url(url: str) -> Any:
    """Return the parts of a list's URL; raise BadRequest for control characters, encoded ones too."""
    try:
        refuse_control_characters(unquote_plus(url, errors="surrogateescape"))
        parts = urlsplit(url)
        QueryDict(parts.query)
    except (ValidationError, ValueError) as error:
        raise BadRequest from error
    return parts
