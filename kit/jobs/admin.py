"""The queue of background jobs in Django admin: read, not written."""

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
    # Without file and arguments: what a job works on is its owner's.
    fields = readonly_fields = (
        "kind", "owner", "status", "attempts", "done", "total", "result",
        "created_at", "started_at", "heartbeat_at", "finished_at",
    )  # fmt: skip
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


admin.site.unregister(DBTaskResult)


@admin.register(DBTaskResult)
class TaskAdmin(RecordAdmin, DBTaskResultAdmin):
    """The queue below the jobs, under the rules of every page here; it has no rows in the trail."""

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        raise Http404
