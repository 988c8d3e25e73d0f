from django.contrib import admin

from .models import DictionaryEntry


@admin.register(DictionaryEntry)
class DictionaryEntryAdmin(admin.ModelAdmin):
    """To be read here; changes come with its own page."""

    list_display = ("category", "item", "value", "is_editable")
    list_filter = ("category",)
    search_fields = ("item", "value")

    def has_add_permission(self, request: object) -> bool:
        return False

    def has_change_permission(self, request: object, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: object, obj: object = None) -> bool:
        return False
