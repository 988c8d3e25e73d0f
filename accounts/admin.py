"""People, roles and departments in Django admin, under the product's rules and audit trail."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest

from crm.audit.trail import differences, record, shown

from .models import Department, Role, User, check_not_last_administrator, check_role_change

LABELS = {"groups": "角色"}  # the trail's word for what Django calls groups


class AuditedAdmin(admin.ModelAdmin):
    """Every change made here leaves an audit row in the same transaction."""

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        form.before = {}
        if change:
            stored = self.model._default_manager.get(pk=form.instance.pk)
            form.before = {name: shown(stored, name) for name in self.plain_fields(form)}
        return super().save_form(request, form, change)

    def plain_fields(self, form: Any) -> list[str]:
        names = {field.name for field in self.model._meta.concrete_fields}
        return [name for name in form.changed_data if name in names and name != "password"]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        many = [field for field in self.model._meta.many_to_many if field.name in form.changed_data]
        before = {field.name: _names(form.instance, field.name) for field in many} if change else {}
        super().save_related(request, form, formsets, change)
        found: dict[str, tuple[str, str]] = differences(form.instance, form.before, form.before)
        for field in many:
            found[LABELS.get(field.name, str(field.verbose_name))] = (
                before.get(field.name, ""),
                _names(form.instance, field.name),
            )
        record(request.user, "编辑" if change else "新建", form.instance, changes=found)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        record(request.user, "删除", obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for obj in queryset:
            self.delete_model(request, obj)


def _names(obj: Any, relation: str) -> str:
    return "、".join(str(row) for row in getattr(obj, relation).all())


NEW_USER_FIELDS = (
    "username", "name", "department", "mobile", "groups", "usable_password", "password1", "password2",
)  # fmt: skip


class RoleRulesMixin:
    """The rules on who may give whom which role, said beside the field."""

    acting_user: User
    instance: User
    cleaned_data: dict[str, Any]

    def clean(self) -> Any:
        data = super().clean()  # type: ignore[misc]
        values = self.cleaned_data
        try:
            if "groups" in values:
                check_role_change(self.acting_user, self.instance, values["groups"])
            if self.instance.pk and values.get("is_active") is False:
                stored = User.objects.get(pk=self.instance.pk)
                if stored.is_active and stored.is_administrator:
                    check_not_last_administrator(stored)
        except ValidationError as error:
            raise forms.ValidationError(error.messages) from error
        return data


class CrmUserChangeForm(RoleRulesMixin, UserChangeForm):
    pass


class CrmUserCreationForm(RoleRulesMixin, AdminUserCreationForm):
    class Meta(AdminUserCreationForm.Meta):
        model = User


@admin.register(User)
class CrmUserAdmin(AuditedAdmin, UserAdmin):
    form, add_form = CrmUserChangeForm, CrmUserCreationForm
    list_display = ("username", "name", "department", "mobile", "is_active")
    list_filter = ("is_active", "groups", "department")
    search_fields = ("username", "name", "mobile")
    list_select_related = ("department",)
    ordering = ("username",)
    filter_horizontal = ("groups", "regions", "industries")
    fieldsets = (
        (None, {"fields": ("username", "password", "name", "department", "mobile", "is_active")}),
        ("角色", {"fields": ("groups",)}),
        ("指派参考", {"fields": ("regions", "industries")}),
    )
    add_fieldsets = ((None, {"fields": NEW_USER_FIELDS}),)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form_class = super().get_form(request, obj, change=change, **kwargs)
        form_class.acting_user = request.user
        return form_class

    @transaction.atomic
    def changeform_view(self, *args: Any, **kwargs: Any) -> Any:
        return super().changeform_view(*args, **kwargs)

    @transaction.atomic
    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:
        response = super().user_change_password(request, id, form_url)
        if request.method == "POST" and response.status_code == 302:
            record(request.user, "重置密码", User.objects.get(pk=id))
        return response

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # people are disabled, not deleted


admin.site.unregister(Group)


@admin.register(Role)
class RoleAdmin(AuditedAdmin):
    list_display = ("name", "view_scope", "edit_scope")
    filter_horizontal = ("permissions",)
    fields = ("name", "view_scope", "edit_scope", "permissions")

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "permissions":
            apps = ("accounts", "audit", "jobs", "basedata", "customers", "marketing", "services")
            kwargs["queryset"] = db_field.remote_field.model.objects.filter(
                content_type__app_label__in=apps
            ).select_related("content_type")
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        try:
            return super().get_object(request, object_id, from_field)
        except OverflowError:  # an id no database holds
            return None

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change and request.user.groups.filter(pk=obj.pk).exists():  # type: ignore[union-attr]
            raise PermissionDenied("不能修改自己持有的角色，请由另一位系统管理员操作。")
        super().save_model(request, obj, form, change)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        own = obj is not None and request.user.groups.filter(pk=obj.pk).exists()  # type: ignore[union-attr]
        return super().has_change_permission(request, obj) and not own

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Department)
class DepartmentAdmin(AuditedAdmin):
    list_display = ("name", "parent")
    list_select_related = ("parent",)
