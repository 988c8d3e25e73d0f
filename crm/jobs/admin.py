"""The queue of background jobs in Django admin: read, not written."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from crm.record_admin import RecordAdmin

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
