"""Forms for users, departments and one's own account."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms

from kit.pages.forms import Block, CrmForm, RecordForm

from .administration.administrators import administrator_role_ids
from .administration.delegation import can_give, exceeds
from .models import Department, Role, User, subtree_ids
from .own_password import INCORRECT
from .ticks import CheckboxList, CheckboxListForm


def department_paths() -> dict[int, str]:
    """Return paths like 销售部 › 华北组 by department id, in the order of the tree."""
    rows = {pk: (name, parent) for pk, name, parent in Department.objects.values_list("pk", "name", "parent_id")}

    def path(pk: int | None) -> tuple[str, ...]:
        return () if pk is None else (*path(rows[pk][1]), rows[pk][0])

    ordered = sorted((path(pk), pk) for pk in rows)
    return {pk: " › ".join(names) for names, pk in ordered}


def offer_departments(field: Any, without: set[int] | None = None) -> None:
    """Offer departments by their path, in the order of the tree."""
    paths = {pk: path for pk, path in department_paths().items() if pk not in (without or ())}
    field.queryset = Department.objects.filter(pk__in=paths)
    field.choices = [("", field.empty_label), *paths.items()]


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


class DepartmentForm(RecordForm):
    blocks = (
        Block(
            "部门",
            "移动部门时，它的下级部门和人员一起移动，查看范围和编辑范围立即跟着变。",
            (("name", 3), ("parent", 3)),
        ),
    )

    class Meta:
        model = Department
        fields = ["name", "parent"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        parent: Any = self.fields["parent"]
        parent.empty_label = "（最上级）"
        offer_departments(parent, without=subtree_ids(self.instance.pk) if self.instance.pk else set())


class RoleNameForm(CrmForm, forms.Form):
    name = forms.CharField(label="新角色的名称", max_length=150)
    blocks = (Block("复制角色", "范围和权限照抄，之后再修改。", (("name", 3),)),)

    def clean_name(self) -> str:
        if Role.objects.filter(name=self.cleaned_data["name"]).exists():
            raise forms.ValidationError("已有同名的角色，请另取名称。")
        return self.cleaned_data["name"]


class ProfileForm(RecordForm):
    blocks = (
        Block("联系方式", "同事和系统管理员看得到。", (("mobile", 3), ("email", 3), "email_notifications")),
        Block("外观", "", (("theme", 3),)),
    )

    class Meta:
        model = User
        fields = ["mobile", "email", "email_notifications", "theme"]


class OwnPasswordForm(CrmForm, forms.Form):
    """Ask for the password again, before a change of the second factor."""

    password = forms.CharField(
        label="当前密码", widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}), strip=False
    )
    blocks: ClassVar[tuple[Block, ...]] = (Block("确认是您本人", "", (("password", 3),)),)

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by

    def clean_password(self) -> str:
        if not self.by.check_password(self.cleaned_data["password"]):
            raise forms.ValidationError("密码不正确。", code=INCORRECT)
        return ""

    def values(self) -> dict[str, Any]:
        return {name: value for name, value in super().values().items() if name != "password"}
