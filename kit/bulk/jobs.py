"""Jobs of bulk pages: what a page does not change itself, batch by batch, by the page as its owner opens it now."""

from __future__ import annotations

from itertools import islice
from typing import Any

from django.http import QueryDict

from kit.domain.left_out import describe_left_out
from kit.domain.verdict import Refused, refuse_if
from kit.exchange.exports import resolve_list
from kit.jobs.models import Job, JobRefused
from kit.sql.turns import in_turn

from .page import BulkPage, Outcome
from .selection import Chosen

BATCH = 100
MAX_NOTES = 100  # sentences about rows left out


def run_bulk(job: Job) -> str:
    """Run the job. What a batch changed, its progress and its notes are saved together: run again, it goes on there."""
    page = open_page(job)
    rows = iter(job.arguments["rows"][job.done :])
    changed = job.arguments.get("changed", 0)
    try:
        form = confirmed_form(page)
        while batch := dict(islice(rows, BATCH)):
            with in_turn():
                outcome = page.act_on(batch, form, job, changed)
                save_progress(job, len(batch), changed + len(outcome.done), outcome)
            changed += len(outcome.done)
    except Refused as refused:
        so_far = f"已{page.verb} {changed:,} {page.unit}，其余" if changed else ""
        raise JobRefused(f"{str(refused).removesuffix('。')}，{so_far}没有改动。") from refused
    left = len(job.arguments["rows"]) - changed
    also = f"，{left:,} 条没有{page.verb}，原因见下" if left else ""
    return f"已{page.verb} {changed:,} {page.unit}{page.done_also}{also}。"


def open_page(job: Job) -> BulkPage:
    """Return the page as its owner sends it now."""
    assert job.owner is not None, "the system acts on no selection"
    page: BulkPage = resolve_list(job.arguments["path"], "", job.owner)
    page.request.method, page.request.POST = "POST", QueryDict(job.arguments["data"])
    return page


def confirmed_form(page: BulkPage) -> Any:
    """Return the page's valid form. Raise Refused when its owner may not act any more, or not with these values."""
    page.verdict(None).enforce()
    form = page.make_form(Chosen([]), page.request.POST)
    refuse_if(not form.is_valid(), "".join(text for texts in form.errors.values() for text in texts)).enforce()
    return form


def save_progress(job: Job, count: int, changed: int, outcome: Outcome) -> None:
    job.notes = [*job.notes, *describe_left_out(outcome.left_out, outcome.unseen)][:MAX_NOTES]
    job.arguments["changed"] = changed
    job.save(update_fields=["notes", "arguments"])
    job.heartbeat(job.done + count, len(job.arguments["rows"]))
