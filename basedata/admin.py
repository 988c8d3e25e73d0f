"""数据字典 in Django admin: the same guards and the same audit log as on its own pages."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest

from kit.pages.admin_forms import VersionedAdmin

from .dictionary.models import DictionaryEntry

FIELDS = ("category", "item", "value", "is_editable")


@admin.register(DictionaryEntry)
class DictionaryEntryAdmin(VersionedAdmin):
    list_display = ("item", "category", "value", "editable")
    list_filter = ("category",)
    search_fields = ("category__contains_text", "item__contains_text", "value__contains_text")
    fields = FIELDS
    actions = None

    @admin.display(description=DictionaryEntry._meta.get_field("is_editable").verbose_name, ordering="is_editable")
    def editable(self, entry: DictionaryEntry) -> str:
        return "是" if entry.is_editable else "否"

    @transaction.atomic
    def changeform_view(self, *args: Any, **kwargs: Any) -> Any:
        return super().changeform_view(*args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        values = {name: form.cleaned_data[name] for name in FIELDS}
        if change:
            DictionaryEntry.objects.get(pk=obj.pk).edit(by=request.user, **values)
        else:
            obj.pk = DictionaryEntry.create(by=request.user, **values).pk

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        obj.remove(by=request.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or bool(obj.can_edit(request.user)))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or bool(obj.can_remove(request.user)))
