"""Background jobs in Django admin, read only."""

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django_tasks_db.admin import DBTaskResultAdmin
from django_tasks_db.models import DBTaskResult

from kit.audit.record_admin import RecordAdmin

from .models import Job


@admin.register(Job)
class JobAdmin(RecordAdmin):
    list_display = ("kind", "owner", "status", "done", "total", "attempts", "created_at")
    list_filter = ("status",)
    list_select_related = ("owner",)
    # Without file and arguments: the data of a job belongs to its owner.
    fields = readonly_fields = (
        "kind", "owner", "status", "attempts", "done", "total", "result",
        "created_at", "started_at", "heartbeat_at", "finished_at",
    )  # fmt: skip
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return False


admin.site.unregister(DBTaskResult)


@admin.register(DBTaskResult)
class TaskAdmin(RecordAdmin, DBTaskResultAdmin):
    """The task queue below the jobs; it has no rows in the audit log, hence no history."""

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        raise Http404
