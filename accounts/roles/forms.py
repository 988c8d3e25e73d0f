"""The form of a role: two scopes, and permissions as a tree by module."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import Permission

from accounts.checkbox_lists import CheckboxList, CheckboxListForm
from kit.pages.forms import Block, CrmForm

from .models import Role
from .permissions import PermissionGroup, catalogue, group_by_module, permission_label


class RoleForm(CheckboxListForm):
    """whole: the modules whose 全选 is ticked, which adds all their permissions, with or without script."""

    whole = forms.MultipleChoiceField(label="全选", required=False, widget=forms.CheckboxSelectMultiple)

    class Meta:
        model = Role
        fields = ["name", "view_scope", "edit_scope", "permissions"]
        widgets = {"permissions": CheckboxList}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offered = catalogue()
        self.modules = group_by_module(self.offered)
        field: Any = self.fields["permissions"]
        field.queryset = Permission.objects.filter(pk__in=[permission.pk for permission in self.offered])
        field.label_from_instance = permission_label
        self.fields["whole"].choices = [(module.key, module.name) for module in self.modules]  # type: ignore[attr-defined]
        self.fields["name"].label = "名称"
        self.fields["view_scope"].help_text = "持有的权限看得到谁的记录"
        self.fields["edit_scope"].help_text = "持有的权限能改动谁的记录"
        if self.instance.pk:
            self.sign_initial_values()

    def stored_values(self) -> dict[str, str]:
        return {name: text for name, text in super().stored_values().items() if name != "whole"}

    def own_field_names(self) -> list[str]:
        return [name for name in super().own_field_names() if name != "whole"]

    def values(self) -> dict[str, Any]:
        """Add the permissions of whole modules, and those of the role that the page does not offer."""
        values = super().values()
        whole = set(values.pop("whole"))
        ticked_ids = {permission.pk for permission in values["permissions"]}
        offered_ids = {permission.pk for permission in self.offered}
        ticked = [permission for permission in self.offered if permission.pk in ticked_ids]
        of_modules = [permission for module in self.modules if module.key in whole for permission in module.permissions]
        others = self.instance.permissions.exclude(pk__in=offered_ids) if self.instance.pk else ()
        values["permissions"] = list(dict.fromkeys([*ticked, *of_modules, *others]))
        return values

    def branches(self) -> list[dict[str, Any]]:
        """Return the tree as drawn: module, whether 全选 was sent, subjects with (permission, label, ticked)."""
        ticked = {str(key) for key in self["permissions"].value() or ()}
        whole = set(self["whole"].value() or ())
        return [self._branch(module, ticked, whole) for module in self.modules]

    def _branch(self, module: PermissionGroup, ticked: set[str], whole: set[str]) -> dict[str, Any]:
        subjects = [
            (
                subject.name,
                [
                    (permission, permission_label(permission), str(permission.pk) in ticked)
                    for permission in subject.permissions
                ],
            )
            for subject in module.subjects
        ]
        ticked_count = sum(str(permission.pk) in ticked for permission in module.permissions)
        return {
            "module": module,
            "whole": module.key in whole,
            "subjects": subjects,
            "held": ticked_count,
            "all": len(module.permissions),
        }


class RoleNameForm(CrmForm, forms.Form):
    name = forms.CharField(label="新角色的名称", max_length=150)
    blocks = (Block("复制角色", "范围和权限照抄，之后再修改。", (("name", 3),)),)

    def clean_name(self) -> str:
        if Role.objects.filter(name=self.cleaned_data["name"]).exists():
            raise forms.ValidationError("已有同名的角色，请另取名称。")
        return self.cleaned_data["name"]
