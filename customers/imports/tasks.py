"""Check and import large tables of customers in a job, all rows or none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.files.temp import NamedTemporaryFile

from accounts.models import User
from kit.audit.log import log_event
from kit.domain.file_names import cut_file_name
from kit.exchange.readers import UnreadableFile, read_table
from kit.exchange.writers import write_xlsx
from kit.jobs.models import Job, JobRefused
from kit.jobs.tasks import start_job

from .arrivals import withdraw_stale_imports
from .importing import FILLED_TEXT, CustomerImport
from .models import ImportFile
from .results import CellError, ImportRefused
from .table_form import CustomerImportForm, column_key

PREVIEWED_ROWS = 2000  # larger tables are checked by the job, not while the user waits for the page
ADDED_HEADERS = ("行号", "原因与改法")  # in the workbook of refused rows, before its own columns
FUNCTION = "customers.imports.tasks.run"


def is_large(path: Path) -> bool:
    rows = read_table(path, CustomerImportForm().knows_column)
    return sum(1 for _, _ in zip(range(PREVIEWED_ROWS + 1), rows, strict=False)) > PREVIEWED_ROWS


def start(upload: ImportFile) -> Job:
    return start_job("导入客户", FUNCTION, owner=upload.owner, upload=upload.pk)


def run(job: Job) -> str:
    """Import the job's upload. Idempotent: killed half-way it leaves nothing visible, run again it adds nothing."""
    upload = ImportFile.objects.select_related("manager", "owner").filter(pk=job.arguments["upload"]).first()
    by: User | None = job.owner
    if upload is None or by is None or not by.has_perm("customers.import_customer"):
        raise JobRefused("文件已不在，或您已没有导入的权限。请重新上传。")
    withdraw_stale_imports()  # rows of a run whose worker was killed
    task = CustomerImport(manager=upload.manager, by=by)
    try:
        task.read(Path(upload.file.path), beat=job.heartbeat)
        job.notes = task.notes
        if task.errors:
            return attach_refused_rows(job, upload, task)
        added = task.write(beat=job.heartbeat)
    except (ImportRefused, UnreadableFile) as error:
        raise JobRefused(str(error)) from error
    ImportFile.objects.filter(pk=upload.pk).update(added=added, imported_at=upload.imported_at or job.started_at)
    log_event(by, "导入", text=f"客户：{upload.name}", changes={"新增客户": added, **task.outcome})
    text = f"已新增客户 {added} 个，{'，'.join(describe_outcome(task))}。"
    if task.remarks:
        attach_workbook(
            job, cut_file_name(f"已有的客户-{Path(upload.name).stem}.xlsx"), partial(write_remarks, task=task)
        )
        text += f"{len(task.remarks)} 行是已有的客户，请下载核对。"
    return text


def describe_outcome(task: CustomerImport) -> list[str]:
    """Return what became of the rows of existing customers, one sentence per outcome."""
    return [f"{n} 个{what}" if what == FILLED_TEXT else f"{what} {n} 行" for what, n in task.outcome.items()]


def attach_workbook(job: Job, name: str, write: Callable[[Any], Any]) -> None:
    with NamedTemporaryFile(suffix=".xlsx") as target:
        write(target)
        target.flush()
        target.seek(0)
        job.file.save(f"{job.pk}.xlsx", File(target), save=False)
    job.file_name = name


def attach_refused_rows(job: Job, upload: ImportFile, task: CustomerImport) -> str:
    """Attach the refused rows with their reasons as a workbook; return the job's result text."""
    attach_workbook(job, refused_file_name(upload), partial(write_refused, upload=upload, task=task))
    return f"{len(task.refused_lines)} 行有错误，什么都没有写入。请下载错误行，改正后重新导入。"


def refused_file_name(upload: ImportFile) -> str:
    return cut_file_name(f"错误行-{Path(upload.name).stem}.xlsx")


def write_remarks(target: Any, task: CustomerImport) -> int:
    """Write the rows of existing customers that have a remark; return how many."""
    rows = ([remark.line, remark.name, remark.words] for remark in task.remarks)
    return write_xlsx(target, ["行号", "名称", "结果"], rows, title="已有的客户")


def write_refused(target: Any, upload: ImportFile, task: CustomerImport) -> int:
    """Write the refused rows as in the file, preceded by line and reasons; return how many."""
    rows = read_refused_rows(upload, task)
    headers = [name for name in rows[0][1] if name not in ADDED_HEADERS] if rows else []
    fields = {name: task.form.columns.get(column_key(name), "") for name in headers}
    labels = [task.reading.header_for_refused(fields[name], name) for name in headers]
    table = (
        [
            line,
            join_errors(errors),
            *(task.reading.cell_for_refused(fields[name], cells.get(name, "")) for name in headers),
        ]
        for line, cells, errors in rows
    )
    return write_xlsx(target, [*ADDED_HEADERS, *labels], table, title="错误行")


def join_errors(errors: Iterable[CellError]) -> str:
    return "；".join(f"{error.column}：{error.reason}" for error in errors)


def read_refused_rows(upload: ImportFile, task: CustomerImport) -> list[tuple[int, dict[str, str], list[CellError]]]:
    """Return (line, cells, errors) of every refused row."""
    by_line: dict[int, list[CellError]] = {}
    for error in task.errors:
        by_line.setdefault(error.line, []).append(error)
    table = read_table(Path(upload.file.path), task.form.knows_column)
    return [(line, cells, by_line[line]) for line, cells in table if line in by_line]


def list_errors(upload: ImportFile, task: CustomerImport, limit: int) -> Iterator[dict[str, Any]]:
    """Yield one entry per refused cell: line, name of the customer, column, value, reason."""
    for line, cells, errors in read_refused_rows(upload, task)[:limit]:
        values = {task.form.columns.get(column_key(header), ""): text for header, text in cells.items()}
        name = values.get("name", "")
        for error in errors:
            field = task.form.columns.get(column_key(error.column))
            value = values.get(field, "") if field else ""
            yield {"line": line, "name": name, "column": error.column, "value": value, "reason": error.reason}
