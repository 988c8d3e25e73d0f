"""The page before an export: what the file will hold, a reason where one is required, and a button that posts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

MAX_REASON_LENGTH = 200  # characters
DOWNLOAD_NOTE = "文件下载到您的设备，本页不变；下载完了请返回。"
BACKGROUND_NOTE = "在后台写成文件，完成后在任务页下载。"
FORMAT_LABELS = {"xlsx": "Excel（xlsx）", "csv": "CSV", "json": "JSON"}


def is_reason_invalid(reason: str, total: int) -> bool:
    """Tell whether the reason is missing though required, or longer than MAX_REASON_LENGTH."""
    return len(reason) > MAX_REASON_LENGTH or (total > settings.CRM_EXPORT_REASON_ROWS and not reason)


class Query(Protocol):
    """The query string of the list or report."""

    @property
    def conditions(self) -> str: ...

    def link(self, **changes: Any) -> str: ...


class Describable(Protocol):
    """A list or report that is exported, as far as the question says what it is."""

    @property
    def request(self) -> Any: ...

    @property
    def title(self) -> str: ...

    @property
    def crumbs(self) -> Sequence[tuple[str, str]]: ...

    @property
    def belongs_to(self) -> Any: ...  # the record whose parts are exported, or None

    @property
    def query(self) -> Query: ...

    def describe_conditions(self) -> list[str]: ...


class Exportable(Describable, Protocol):
    """A list that is exported: its columns, and its rows as its user may export them."""

    @property
    def columns(self) -> Sequence[Any]: ...

    @property
    def is_open(self) -> bool: ...

    def file_rows(self) -> Any: ...

    def objections(self) -> list[str]: ...


@dataclass(frozen=True)
class ExportQuestion:
    """facts: (label, text) about the file; formats: one button each; note: where to find the file."""

    title: str
    facts: Sequence[tuple[str, str]]
    back_url: str
    formats: Sequence[str] = ("xlsx",)
    note: str = DOWNLOAD_NOTE
    conditions: str = ""
    with_reason: bool = False
    paused: str = ""  # why the export is refused for now
    crumbs: Sequence[tuple[str, str]] = ()
    help_anchor: str = "export"

    def ask(self, request: HttpRequest) -> HttpResponse:
        """Render the page; with an error message when a reason was posted that is wrong."""
        reason = request.POST.get("reason", "").strip()
        context = asdict(self) | {
            "buttons": [(value, FORMAT_LABELS[value]) for value in self.formats],
            "asked": "reason" in request.POST and not self.paused,
            "typed": reason,
            "over": max(0, len(reason) - MAX_REASON_LENGTH),
            "longest": MAX_REASON_LENGTH,
            "limit": settings.CRM_EXPORT_REASON_ROWS,
        }
        return render(request, "exchange/question.html", context)


def build_export_question(page: Describable, file_format: str, total: int, *, paused: str = "") -> ExportQuestion:
    """Return the question about a list or report."""
    condition_text = "；".join(page.describe_conditions()) or "没有条件，全部"
    parent = [("属于", str(page.belongs_to))] if page.belongs_to else []
    return ExportQuestion(
        title=f"导出{page.title}",
        facts=[*parent, ("条件", condition_text), ("行数", f"将导出 {total} 行"), ("格式", FORMAT_LABELS[file_format])],
        back_url=page.query.link(reason=None),
        formats=(file_format,),
        note=DOWNLOAD_NOTE if total <= settings.CRM_EXPORT_DIRECT_ROWS else BACKGROUND_NOTE,
        conditions=page.query.conditions,
        with_reason=total > settings.CRM_EXPORT_REASON_ROWS or "reason" in page.request.POST,
        paused=paused,
        crumbs=page.crumbs,
    )
