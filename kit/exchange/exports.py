"""Exports of list pages: small ones in the response, large ones by a background job that resolves the same URL."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.core.files.base import File
from django.core.files.temp import NamedTemporaryFile
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import resolve
from django.utils import timezone

from kit.audit.export_conditions import CONDITIONS_LABEL, EXPORT_VERB, decode_conditions
from kit.audit.log import log_event
from kit.audit.models import AuditEntry
from kit.audit.verification import ERASURE_VERB
from kit.domain.actor import Actor
from kit.domain.file_names import cut_file_name
from kit.jobs.models import Job, JobRefused, count_open_jobs
from kit.jobs.tasks import start_job
from kit.sql.streaming import stream_records

from .export_question import Exportable, build_export_question, is_reason_invalid
from .writers import WRITERS

EXPORT_FUNCTION = "kit.exchange.exports.run_export"
CONTENT_TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}


def respond_with_export(export: Exportable, file_format: str) -> HttpResponse:
    """Answer a POST with the file or a redirect to the job that will write it, a GET with the export question."""
    request = export.request
    if file_format not in WRITERS:
        messages.error(request, "只能导出为 xlsx 或 csv。")
        return redirect(export.query.link(reason=None))
    limit = settings.CRM_EXPORT_MAX_ROWS
    total = export.file_rows().order_by().values("pk")[: limit + 1].count()
    if total > limit:
        messages.error(request, f"超过 {limit} 行，不能一次导出。请加筛选条件缩小范围。")
        return redirect(export.query.link(reason=None))
    reason = request.POST.get("reason", "").strip()
    if request.method != "POST" or is_reason_invalid(reason, total):
        return build_export_question(export, file_format, total).ask(request)
    name = cut_file_name(f"{export.title}-{timezone.localtime():%Y%m%d-%H%M}.{file_format}")
    if total > settings.CRM_EXPORT_DIRECT_ROWS:
        return start_background_export(export, file_format, name=name, reason=reason, total=total)
    buffer = io.BytesIO()
    headers, rows = build_table(export)
    count = WRITERS[file_format](buffer, headers, rows, title=export.title)
    log_export(request.user, export.title, count, encode_conditions(request.GET), reason)
    return file_response(buffer.getvalue(), name, CONTENT_TYPES[file_format])


def start_background_export(
    export: Exportable, file_format: str, *, name: str, reason: str, total: int
) -> HttpResponse:
    """Start the job and redirect to it; show the question again while the user has too many unfinished exports."""
    request, max_open = export.request, settings.CRM_EXPORTS_AT_ONCE
    with transaction.atomic():
        if count_open_jobs(request.user, EXPORT_FUNCTION) >= max_open:
            refusal = f"您已有 {max_open} 个导出还没有完成，没有再开始新的。请等其中一个完成后再导出。"
            return build_export_question(export, file_format, total, paused=refusal).ask(request)
        job = start_job(
            f"导出{export.title}",
            EXPORT_FUNCTION,
            owner=request.user,
            path=request.path,
            query=encode_conditions(request.GET),
            reason=reason,
            format=file_format,
            name=name,
            total=total,
        )
    messages.success(request, f"共 {total} 行，正在后台导出，完成后在这里下载。")
    return redirect("job_detail", job.pk)


def encode_conditions(query: QueryDict) -> str:
    """Return the query string of the list, without the parameters of the export itself."""
    params = query.copy()
    for name in ("export", "reason"):
        params.pop(name, None)
    return params.urlencode()


def log_export(by: Actor | None, title: str, count: int, query: str, reason: str) -> None:
    """Log who exported what, how many rows, and why."""
    facts = {"行数": count, CONDITIONS_LABEL: decode_conditions(query), **({"原因": reason} if reason else {})}
    log_event(by, EXPORT_VERB, text=title, changes=facts)


def file_response(content: bytes, name: str, content_type: str) -> HttpResponse:
    response = HttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return response


def build_table(export: Exportable) -> tuple[list[str], Iterator[list[Any]]]:
    """Return headers and rows of a list's columns; rows are read in chunks."""
    rows, viewer, columns = stream_records(export.file_rows(), 1000), export.request.user, export.columns
    return [column.file_header for column in columns], ([c.get(row, viewer) for c in columns] for row in rows)


def run_export(job: Job) -> str:
    """Run the job: resolve the list's URL as its owner sees it now, and write the file."""
    export = resolve_export(job)
    if job.file:
        job.drop_file()  # left by a worker that died
    file_format, total = job.arguments["format"], job.arguments["total"]
    headers, rows = build_table(export)
    with NamedTemporaryFile(suffix=f".{file_format}") as target:
        count = WRITERS[file_format](target, headers, _with_heartbeat(job, rows, total), title=export.title)
        target.flush()
        target.seek(0)
        store_file(job, f"{job.pk}.{file_format}", File(target))
    job.file_name = job.arguments["name"]
    log_export(job.owner, export.title, count, job.arguments["query"], job.arguments.get("reason", ""))
    return f"已导出 {count} 行。"


def store_file(job: Job, name: str, content: File) -> None:
    """Save the file in the job; delete it again if personal data was erased since the job started.

    A later erasure deletes the files of all jobs; an earlier one may have come after the rows were read.
    """
    job.file.save(name, content, save=False)
    job.save(update_fields=["file"])
    if job.started_at and AuditEntry.objects.filter(verb=ERASURE_VERB, at__gte=job.started_at).exists():
        job.drop_file()
        raise JobRefused("导出期间有人的个人信息被抹去，文件没有保留。请重新导出。")


def resolve_export(job: Job) -> Exportable:
    """Return the list that a job exports. Raise JobRefused when its owner may not export it now."""
    assert job.owner is not None, "the system exports nothing"
    page = resolve_list(job.arguments["path"], job.arguments["query"], job.owner)
    export: Exportable = page.export
    if not export.is_open:
        raise JobRefused("您已没有导出的权限，请与管理员联系。")
    if objections := export.objections():  # a user chosen in a filter may be out of scope by now
        raise JobRefused("没有导出：" + "".join(objections) + "请回到列表重新导出。")
    return export


def _with_heartbeat(job: Job, rows: Iterator[list[Any]], total: int) -> Iterator[list[Any]]:
    for done, row in enumerate(rows):
        if done % 1000 == 0:
            job.heartbeat(done, total)
        yield row


def resolve_list(path: str, query: str, owner: Actor) -> Any:
    """Return the list page at a URL, set up as for a GET request of this user."""
    match = resolve(path)
    request = HttpRequest()
    request.method, request.path, request.path_info = "GET", path, path
    request.GET = QueryDict(query)
    request.user = get_user_model().objects.get(pk=owner.pk)  # type: ignore[assignment]
    view: Any = match.func
    page = view.view_class(**view.view_initkwargs)
    page.setup(request, *match.args, **match.kwargs)
    return page
