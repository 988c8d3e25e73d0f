"""Jobs of bulk pages: what a page does not change itself, batch by batch, by the page as its owner opens it now."""

from __future__ import annotations

from itertools import islice
from typing import Any

from django.http import QueryDict

from kit.domain.verdict import Refused
from kit.exchange.exports import resolve_list
from kit.jobs.models import Job, JobRefused
from kit.sql.turns import in_turn

from .page import BulkPage, Outcome
from .selection import Chosen, describe_left_out

BATCH = 100
MAX_NOTES = 100  # sentences about rows left out


def run_bulk(job: Job) -> str:
    """Run the job. What a batch changed, its progress and its notes are saved together: run again, it goes on there."""
    page, form = open_page(job)
    rows = iter(job.arguments["rows"][job.done :])
    changed = job.arguments.get("changed", 0)
    while batch := dict(islice(rows, BATCH)):
        with in_turn():
            outcome = page.act_on(batch, form)
            changed += len(outcome.done)
            save_progress(job, len(batch), changed, outcome)
    left = len(job.arguments["rows"]) - changed
    also = f"，{left:,} 条没有{page.verb}，原因见下" if left else ""
    return f"已{page.verb} {changed:,} {page.unit}{page.done_also}{also}。"


def open_page(job: Job) -> tuple[BulkPage, Any]:
    """Return the page and its valid form. Raise JobRefused when the owner may not act any more."""
    assert job.owner is not None, "the system acts on no selection"
    page: BulkPage = resolve_list(job.arguments["path"], "", job.owner)
    page.request.method, page.request.POST = "POST", QueryDict(job.arguments["data"])
    try:
        page.verdict(None).enforce()
    except Refused as refused:
        raise JobRefused(f"{refused}，没有改动。") from refused
    form = page.make_form(Chosen([]), page.request.POST)
    if not form.is_valid():
        raise JobRefused("没有改动：" + "".join(text for texts in form.errors.values() for text in texts))
    return page, form


def save_progress(job: Job, count: int, changed: int, outcome: Outcome) -> None:
    job.notes = [*job.notes, *describe_left_out(outcome.left_out, outcome.unseen)][:MAX_NOTES]
    job.arguments["changed"] = changed
    job.save(update_fields=["notes", "arguments"])
    job.heartbeat(job.done + count, len(job.arguments["rows"]))
