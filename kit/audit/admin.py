from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from kit.audit.record_admin import RecordAdmin

from .models import AuditEntry


@admin.register(AuditEntry)
class AuditEntryAdmin(RecordAdmin):
    """The audit log, read only."""

    list_display = ("at", "actor_name", "verb", "object_text", "address")
    list_filter = ("verb",)
    search_fields = ("actor_name", "object_text")
    date_hierarchy = None
    show_full_result_count = False
    fields = ("at", "actor_name", "verb", "content_type", "object_id", "object_text", "shown_changes", "address")
    readonly_fields = ("shown_changes",)

    @admin.display(description="变更")
    def shown_changes(self, entry: AuditEntry) -> str:
        entry.mask_details()
        return "；".join(f"{label}：{old} → {new}" for label, old, new in entry.change_list)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
