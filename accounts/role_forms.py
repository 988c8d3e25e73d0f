"""The form of a role: two scopes, and rights as a tree by module."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import Permission

from .models import Role
from .rights import Module, catalogue, label, tree
from .ticks import Ticks, TicksForm


class RoleForm(TicksForm):
    """whole: the modules whose 全选 is ticked; it adds all their rights, with or without script."""

    whole = forms.MultipleChoiceField(label="全选", required=False, widget=forms.CheckboxSelectMultiple)

    class Meta:
        model = Role
        fields = ["name", "view_scope", "edit_scope", "permissions"]
        widgets = {"permissions": Ticks}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offered = catalogue()
        self.modules = tree(self.offered)
        field: Any = self.fields["permissions"]
        field.queryset = Permission.objects.filter(pk__in=[right.pk for right in self.offered])
        field.label_from_instance = label
        self.fields["whole"].choices = [(module.key, module.name) for module in self.modules]  # type: ignore[attr-defined]
        self.fields["name"].label = "名称"
        self.fields["view_scope"].help_text = "持有的权限看得到谁的记录"
        self.fields["edit_scope"].help_text = "持有的权限能改动谁的记录"
        if self.instance.pk:
            self.sign_initial_values()

    def shown_values(self) -> dict[str, str]:
        return {name: text for name, text in super().shown_values().items() if name != "whole"}

    def own_names(self) -> list[str]:
        return [name for name in super().own_names() if name != "whole"]

    def values(self) -> dict[str, Any]:
        """With the rights of whole modules, and those the role has beyond what the page offers."""
        values = super().values()
        whole = set(values.pop("whole"))
        chosen = {right.pk for right in values["permissions"]}
        offered = {right.pk for right in self.offered}
        added = [right for module in self.modules if module.key in whole for right in module.permissions]
        kept = self.instance.permissions.exclude(pk__in=offered) if self.instance.pk else ()
        wanted = [right for right in self.offered if right.pk in chosen]
        values["permissions"] = list(dict.fromkeys([*wanted, *added, *kept]))
        return values

    def branches(self) -> list[dict[str, Any]]:
        """The tree as drawn: module, whether 全选 was sent, subjects with (right, words, ticked)."""
        ticked = {str(key) for key in self["permissions"].value() or ()}
        whole = set(self["whole"].value() or ())
        return [self._branch(module, ticked, whole) for module in self.modules]

    def _branch(self, module: Module, ticked: set[str], whole: set[str]) -> dict[str, Any]:
        subjects = [
            (subject.name, [(right, label(right), str(right.pk) in ticked) for right in subject.permissions])
            for subject in module.subjects
        ]
        held = sum(str(right.pk) in ticked for right in module.permissions)
        return {
            "module": module,
            "whole": module.key in whole,
            "subjects": subjects,
            "held": held,
            "all": len(module.permissions),
        }
