"""For load balancers: alive, and ready to serve."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from crm.version import VERSION
from kit.jobs.models import DueRun, Job


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


@login_not_required
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 503 while pages cannot be served; the ages say whether schedule, churn scan and workers keep up."""
    try:
        executor = MigrationExecutor(connection)
        pending = bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        ages = {
            "schedule_age_seconds": _age(DueRun.objects.order_by("-started_at").values_list("started_at", flat=True)),
            "churn_scan_age_seconds": _age(
                DueRun.objects.filter(task="churn.scan").order_by("-started_at").values_list("started_at", flat=True)
            ),
            "oldest_waiting_job_seconds": _age(
                Job.objects.filter(status=Job.Status.QUEUED).order_by("created_at").values_list("created_at", flat=True)
            ),
        }
    except DatabaseError:
        return JsonResponse({"version": VERSION, "database": "unreachable"}, status=503)
    state = {"version": VERSION, "database": "ok", "migrations": "pending" if pending else "ok", **ages}
    return JsonResponse(state, status=503 if pending else 200)


def _age(times: QuerySet[Any, datetime | None]) -> int | None:
    """Return the seconds since the first of these times; None when there is none."""
    first = times.first()
    return int((timezone.now() - first).total_seconds()) if first else None
