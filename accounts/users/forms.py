"""Forms for users, departments and one's own account."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Q

from accounts.checkbox_lists import CheckboxList, CheckboxListForm
from accounts.departments.forms import offer_departments
from accounts.roles.administrators import administrator_role_ids
from kit.pages.forms import Block

from .delegation import can_give, exceeds
from .models import User


class UserForm(CheckboxListForm):
    blocks = (
        Block("账号", "用户名用来登录，改了以后用新的登录。", (("username", 3), ("name", 3), ("department", 3))),
        Block("角色", "几个角色的权限加在一起。", ("groups",)),
        Block("联系方式", "", (("mobile", 3), ("email", 3))),
        Block("指派参考", "指派销售机会时，系统按负责分区和行业特长推荐。", ("regions", "industries")),
    )

    class Meta:
        model = User
        fields = ["username", "name", "department", "groups", "mobile", "email", "regions", "industries"]
        widgets = {"groups": CheckboxList, "regions": CheckboxList, "industries": CheckboxList}

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].help_text = "字母、数字和 @ . + - _"
        offer_departments(self.fields["department"])
        self.by = by
        roles: Any = self.fields["groups"]
        held = self.instance.groups.all() if self.instance.pk else Group.objects.none()
        roles.queryset = roles.queryset.exclude(Q(role__retired_at__isnull=False) & ~Q(pk__in=held.values("pk")))
        if self.instance.pk == by.pk:
            del self.fields["groups"]  # nobody changes their own roles
            if not by.is_administrator:
                del self.fields["department"]  # nor what they see
        elif not by.is_administrator:
            excessive = [role.pk for role in roles.queryset if exceeds(by, [role.pk], by.department_id)]
            roles.queryset = roles.queryset.exclude(pk__in=administrator_role_ids()).exclude(pk__in=excessive)
        if self.instance.pk:
            self.sign_initial_values()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if {"groups", "department"} <= data.keys():
            verdict = can_give(self.by, self.instance, data["groups"], data["department"])
            if not verdict:
                self.add_error("department", verdict.reason)
        return data
