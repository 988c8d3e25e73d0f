"""What background jobs may know about a person: what an export asked for, and the files that were written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.db import models
from django.http import QueryDict

from kit.jobs.models import DueRun, Job
from kit.sql.streaming import stream_records

ERASED_HERE: dict[type[models.Model], tuple[str, ...]] = {Job: ("arguments", "result", "notes", "file", "file_name")}
PARTS = ()
IMPERSONAL: dict[type[models.Model], tuple[str, ...]] = {Job: ("kind", "function"), DueRun: ("task", "result")}


def erase_from_jobs(erase: Callable[[Any], Any]) -> int:
    """Any file may hold the person, so all go: their owners can export again. Call in the erasing's transaction.

    erase: gives a text, or the texts inside of what is given, without the person. Returns how many files went.
    """
    for job in stream_records(Job.objects.only("pk", "arguments", "result", "notes", "file_name")):
        left = {
            "arguments": erase({**job.arguments, **_decoded_query(job)}),
            "result": erase(job.result)[:500],
            "notes": erase(job.notes),
            "file_name": erase(job.file_name)[:200],
        }
        if "query" in left["arguments"]:
            left["arguments"]["query"] = urlencode(left["arguments"]["query"], doseq=True)
        if left != {name: getattr(job, name) for name in left}:
            Job.objects.filter(pk=job.pk).update(**left)
    files = list(Job.objects.exclude(file=""))
    for job in files:
        job.drop_file()
    return len(files)


def _decoded_query(job: Job) -> dict[str, Any]:
    """The conditions of an export as the person's name stands in them: an address encodes it."""
    return {"query": dict(QueryDict(job.arguments["query"]).lists())} if "query" in job.arguments else {}
