"""The mirror run by the scheduler and by the button of its page, from the configured source."""

from __future__ import annotations

from django.conf import settings

from basedata.models import SyncRun
from kit.jobs.models import Job, JobRefused

from .engine import SyncBusy, sync
from .sources import SourceRefused


def scheduled() -> str:
    try:
        return in_words(sync(settings.CRM_SYNC_SOURCE))
    except (SyncBusy, SourceRefused) as error:
        return str(error)


def run(job: Job) -> str:
    if not settings.CRM_SYNC_SOURCE:
        raise JobRefused("还没有设置 CRM_SYNC_SOURCE，不知道从哪里同步。")
    try:
        found = sync(settings.CRM_SYNC_SOURCE, by=job.owner)
        job.notes = found.notes
        return in_words(found)
    except (SyncBusy, SourceRefused) as error:
        raise JobRefused(str(error)) from None


def in_words(found: SyncRun) -> str:
    total = {name: sum(counts[name] for counts in found.counts.values()) for name in ("added", "changed", "refused")}
    words = f"新增 {total['added']} 行，更新 {total['changed']} 行，拒绝 {total['refused']} 行。"
    return f"{words}读取说明 {len(found.notes)} 条，见同步记录。" if found.notes else words
