"""For load balancers: alive, and ready to serve."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from crm.jobs.models import DueRun


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


@login_not_required
def readyz(request: HttpRequest) -> JsonResponse:
    try:
        executor = MigrationExecutor(connection)
        pending = bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        last = DueRun.objects.order_by("-started_at").values_list("started_at", flat=True).first()
    except DatabaseError:
        return JsonResponse({"database": "unreachable"}, status=503)
    age = int((timezone.now() - last).total_seconds()) if last else None
    state = {"database": "ok", "migrations": "pending" if pending else "ok", "schedule_age_seconds": age}
    return JsonResponse(state, status=503 if pending else 200)
