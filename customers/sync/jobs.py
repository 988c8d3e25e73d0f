"""The sync of the configured source, run by the schedule and by the button of its page."""

from __future__ import annotations

from django.conf import settings

from basedata.models import SyncRun
from kit.jobs.models import Job, JobRefused

from .engine import SyncBusy, sync
from .sources import SourceRefused


def scheduled() -> str:
    try:
        return describe_run(sync(settings.CRM_SYNC_SOURCE))
    except (SyncBusy, SourceRefused) as error:
        return str(error)


def run(job: Job) -> str:
    if not settings.CRM_SYNC_SOURCE:
        raise JobRefused("还没有设置同步来源，不知道从哪里同步。")
    try:
        sync_run = sync(settings.CRM_SYNC_SOURCE, by=job.owner)
        job.notes = sync_run.notes
        return describe_run(sync_run)
    except (SyncBusy, SourceRefused) as error:
        raise JobRefused(str(error)) from None


def describe_run(run: SyncRun) -> str:
    total = {name: sum(counts[name] for counts in run.counts.values()) for name in ("added", "changed", "refused")}
    text = f"新增 {total['added']} 行，更新 {total['changed']} 行，拒绝 {total['refused']} 行。"
    return f"{text}读取说明 {len(run.notes)} 条，见同步记录。" if run.notes else text
