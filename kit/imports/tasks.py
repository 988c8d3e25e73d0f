"""The steps that read the whole sheet: at once for a small one, in a job with progress for a large one."""

from __future__ import annotations

from django.db import transaction

from kit.domain.actor import Actor
from kit.domain.verdict import Refused
from kit.exchange.unreadable_files import UnreadableFile
from kit.jobs.models import Job, JobRefused
from kit.jobs.tasks import start_job
from kit.sql.row_locks import lock_row

from .kinds import Beat, SheetRefused
from .models import ImportRun
from .steps import check, scan_values
from .undoing import undo_run
from .writing import carry_out, give_back

ROWS_AT_ONCE = 2000  # more are read by a job, not while the user waits for the page
FUNCTION = "kit.imports.tasks.run_job"
VALUES, CHECK, WRITE, UNDO = "values", "check", "write", "undo"
LABELS = {VALUES: "导入：读取", CHECK: "导入：预览", WRITE: "导入", UNDO: "导入：撤销"}


def start(run: ImportRun, step: str, by: Actor) -> None:
    """Take a step, or start its job. Raise SheetRefused, UnreadableFile or Refused."""
    if step == WRITE:
        _begin_writing(run, by)
    if run.row_count <= ROWS_AT_ONCE:
        take_step(run, step, by)
        return
    run.job = start_job(f"{LABELS[step]}（{run.kind.label}）", FUNCTION, owner=by, run=run.pk, step=step)
    run.save(update_fields=["job"])


def _begin_writing(run: ImportRun, by: Actor) -> None:
    with transaction.atomic():
        lock_row(run)
        run.may_write(by).enforce()
        run.state, run.problem = run.State.WRITING, ""
        run.save(update_fields=["state", "problem"])


def take_step(run: ImportRun, step: str, by: Actor, beat: Beat | None = None) -> str:
    """Take one step now; return what to tell of it."""
    if step == VALUES:
        scan_values(run, by, beat)
        run.state = run.State.VALUES
        run.save()
    elif step == CHECK:
        check(run, by, beat)
    elif step == UNDO:
        return undo_run(run, by)
    else:
        _write(run, by, beat)
    return ""


def _write(run: ImportRun, by: Actor, beat: Beat | None) -> None:
    try:
        carry_out(run, by, beat)
    except (SheetRefused, UnreadableFile) as error:
        give_back(run, str(error))
        raise
    except Exception:
        give_back(run, "没有完成，什么都没有写入。请再试一次。")
        raise


def run_job(job: Job) -> str:
    """Take the job's step. Idempotent: killed half-way it leaves nothing visible, run again it does the same once."""
    run = ImportRun.objects.filter(pk=job.arguments["run"]).select_related("owner").first()
    by = job.owner
    if run is None or by is None or not by.has_perm(run.kind.permission):
        raise JobRefused("文件已不在，或您已没有导入的权限。请重新上传。")
    try:
        told = take_step(run, job.arguments["step"], by, lambda done: job.heartbeat(done, run.row_count))
    except (SheetRefused, UnreadableFile, Refused) as error:
        ImportRun.objects.filter(pk=run.pk).update(problem=str(error)[:500])
        raise JobRefused(str(error)) from error
    return told or "完成。请回到导入的页面查看。"
