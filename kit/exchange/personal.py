"""Personal data in background jobs: conditions of exports, and the files that were written."""

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
    """Erase a person from the rows of jobs and delete all files; return how many. Call in the erasure's transaction.

    Any file may name the person, and its owner can export again. erase: returns a text, or the texts inside a dict or
    list, without the person.
    """
    for job in stream_records(Job.objects.only("pk", "arguments", "result", "notes", "file_name")):
        values = {
            "arguments": erase({**job.arguments, **_decoded_query(job)}),
            "result": erase(job.result)[:500],
            "notes": erase(job.notes),
            "file_name": erase(job.file_name)[:200],
        }
        if "query" in values["arguments"]:
            values["arguments"]["query"] = urlencode(values["arguments"]["query"], doseq=True)
        if values != {name: getattr(job, name) for name in values}:
            Job.objects.filter(pk=job.pk).update(**values)
    files = list(Job.objects.exclude(file=""))
    for job in files:
        job.drop_file()
    return len(files)


def _decoded_query(job: Job) -> dict[str, Any]:
    """Return the decoded query of an export: in the query string names are percent-encoded."""
    return {"query": dict(QueryDict(job.arguments["query"]).lists())} if "query" in job.arguments else {}
