"""Users, roles and departments in Django admin, under the product's rules and audit log."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models, transaction
from django.db.models import Case, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django_otp.plugins.otp_static.admin import StaticDevice
from django_otp.plugins.otp_totp.admin import TOTPDevice

from kit.audit.log import display_value, list_differences, log_event
from kit.pages.admin_forms import VersionedAdmin, VersionedAdminForm

from .departments.models import Department
from .roles.administrators import check_role_change, lock_administration
from .roles.models import Role, permission_changes
from .roles.permissions import catalogue, permission_label, permission_order
from .users.department_moves import note_department_move
from .users.models import User


class AuditedAdmin(VersionedAdmin):
    """Log every change made here in the same transaction."""

    # Boxes to tick: Django's pair of lists speaks English.
    formfield_overrides = {models.ManyToManyField: {"widget": forms.CheckboxSelectMultiple}}

    @transaction.atomic
    def changeform_view(self, *args: Any, **kwargs: Any) -> Any:
        """Take turns: two changes, each allowed alone, could leave no administrator or close a circle."""
        lock_administration()
        return super().changeform_view(*args, **kwargs)

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        form.before = {}
        if change:
            stored = self.model._default_manager.get(pk=form.instance.pk)
            form.before = {name: display_value(stored, name) for name in self.plain_fields(form)}
        return super().save_form(request, form, change)

    def plain_fields(self, form: Any) -> list[str]:
        names = {field.name for field in self.model._meta.concrete_fields}
        return [name for name in form.changed_data if name in names and name != "password"]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        many = [field for field in self.model._meta.many_to_many if field.name in form.changed_data]
        before = {field.name: _rows(form.instance, field.name) for field in many} if change else {}
        super().save_related(request, form, formsets, change)
        changes: dict[str, Any] = {**list_differences(form.instance, form.before, form.before)}
        for field in many:
            changes |= self.list_changes(field, before.get(field.name, []), _rows(form.instance, field.name))
        log_event(request.user, "编辑" if change else "新建", form.instance, changes=changes)

    def list_changes(self, field: Any, before: list[Any], after: list[Any]) -> dict[str, Any]:
        """Return a changed list of rows, from old to new."""
        return {str(field.verbose_name): tuple("、".join(map(str, rows)) for rows in (before, after))}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.version += 1  # users with the product's own page open learn of it when they save
        super().save_model(request, obj, form, change)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        log_event(request.user, "删除", obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for obj in queryset:
            self.delete_model(request, obj)


def _rows(obj: models.Model, relation: str) -> list[Any]:
    return list(getattr(obj, relation).all())


class CrmUserChangeForm(VersionedAdminForm):
    """Show refused role changes beside the field."""

    acting_user: User

    def clean(self) -> Any:
        data = super().clean()
        values = self.cleaned_data
        try:
            if "groups" in values:
                check_role_change(self.acting_user, self.instance, values["groups"])
        except ValidationError as error:
            raise forms.ValidationError(error.messages) from error
        return data


@admin.register(User)
class CrmUserAdmin(AuditedAdmin, UserAdmin):
    """Opening, disabling and new passwords have rules of their own: this leads to the product's pages for them."""

    form = CrmUserChangeForm
    list_display = ("username", "name", "department", "mobile", "state")
    list_filter = ("is_active", "groups", "department")
    search_fields = ("username__contains_text", "name__contains_text", "mobile__contains_number")
    list_select_related = ("department",)
    ordering = ("username",)
    filter_horizontal = ()
    readonly_fields = ("state",)
    fieldsets = (
        (None, {"fields": ("username", "name", "department", "mobile", "email", "state")}),
        ("角色", {"fields": ("groups",)}),
        ("指派参考", {"fields": ("regions", "industries")}),
    )

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form_class: Any = super(UserAdmin, self).get_form(request, obj, change=change, **kwargs)
        form_class.acting_user = request.user
        return form_class

    @admin.display(description="状态", ordering="is_active")
    def state(self, user: User) -> str:
        return "在用" if user.is_active else "停用"

    def add_view(self, *args: Any, **kwargs: Any) -> HttpResponse:
        return redirect("accounts:user_create")

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        return redirect("accounts:user_reset_password", pk=self.get_object(request, unquote(id)).pk)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change and "department" in form.changed_data:
            note_department_move(User.objects.get(pk=obj.pk))  # as it stands before this saves
        super().save_model(request, obj, form, change)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or bool(obj.can_edit(request.user)))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # users are disabled, not deleted


admin.site.unregister((Group, TOTPDevice, StaticDevice))  # keys and codes are shown to nobody


@admin.register(Role)
class RoleAdmin(AuditedAdmin):
    list_display = ("name", "view_scope", "edit_scope")
    fields = ("name", "view_scope", "edit_scope", "permissions")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show the permissions of a role that may only be read in the product's words, not in Django's."""
        is_read_only = obj is not None and not self.has_change_permission(request, obj)
        return (*self.fields[:-1], "permission_labels") if is_read_only else self.fields

    @admin.display(description="权限")
    def permission_labels(self, role: Role) -> str:
        permissions = role.permissions.select_related("content_type")
        return "、".join(permission_label(permission) for permission in sorted(permissions, key=permission_order))

    def list_changes(self, field: Any, before: list[Any], after: list[Any]) -> dict[str, Any]:
        """Log as the product's own page does: all permissions of a role, twice, are more than a row holds."""
        return permission_changes(set(before), set(after))

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "permissions":
            offered = [permission.pk for permission in catalogue()]
            rows = Permission.objects.filter(pk__in=offered).select_related("content_type")
            page_order = Case(*(When(pk=pk, then=position) for position, pk in enumerate(offered)))
            kwargs["queryset"] = rows.order_by(page_order)
        field: Any = super().formfield_for_manytomany(db_field, request, **kwargs)
        if db_field.name == "permissions":
            field.label_from_instance = permission_label
        return field

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if not User.objects.administrators().exists():
            raise PermissionDenied("这样就没有系统管理员了，所以没有保存。")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or bool(obj.can_edit(request.user)))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Department)
class DepartmentAdmin(AuditedAdmin):
    list_display = fields = ("name", "parent")
    list_select_related = ("parent",)
