"""Rights in words: every right the product asks for, by module and record, and sentences that begin with 可以."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from django.apps import apps
from django.contrib.auth.models import Permission

from .roles import SHIPPED_ROLES

MODULES = {
    "marketing": "营销管理",
    "customers": "客户管理",
    "services": "服务管理",
    "reports": "统计报表",
    "basedata": "基础数据",
    "accounts": "权限管理",
    "audit": "权限管理",
    "jobs": "后台任务",
}
# Rights that a model declares for want of a better place stand under another name than its own.
SUBJECTS = {"reports.compositionsnapshot": "统计报表"}
VERBS = {"view": "查看", "add": "新建", "change": "编辑", "delete": "删除"}


class Subject(NamedTuple):
    """The rights to one kind of record."""

    name: str
    permissions: list[Permission]


class Module(NamedTuple):
    key: str
    name: str
    subjects: list[Subject]

    @property
    def permissions(self) -> list[Permission]:
        return [permission for subject in self.subjects for permission in subject.permissions]


def permission_name(permission: Permission) -> str:
    """Like customers.view_customer. Ask with content_type loaded."""
    return f"{permission.content_type.app_label}.{permission.codename}"


def permission_label(permission: Permission) -> str:
    """查看客户; a right of its own kind carries its own words."""
    verb, _, model = permission.codename.partition("_")
    plain = verb in VERBS and model == permission.content_type.model
    return f"{VERBS[verb]}{subject_of(permission)}" if plain else permission.name


def subject_of(permission: Permission) -> str:
    kind = permission.content_type
    if name := SUBJECTS.get(f"{kind.app_label}.{kind.model}"):
        return name
    model = kind.model_class()
    return str(model._meta.verbose_name) if model else kind.model


def catalogue() -> list[Permission]:
    """Every right that some shipped role holds: the product asks for no other."""
    names = {name for _, _, _, rights in SHIPPED_ROLES.values() for name in rights.split()}
    rows = Permission.objects.select_related("content_type")
    found = [permission for permission in rows if permission_name(permission) in names]
    return sorted(found, key=permission_order)


def permission_order(permission: Permission) -> tuple[int, str, str, int, int]:
    """Modules in the order of the menu, in them the plain verbs before a record's own rights."""
    label_, verb = permission.content_type.app_label, permission.codename.split("_")[0]
    module = list(MODULES).index(label_) if label_ in MODULES else len(MODULES)
    rank = list(VERBS).index(verb) if verb in VERBS else len(VERBS)
    return module, label_, permission.content_type.model, rank, permission.pk


def group_by_module(permissions: Iterable[Permission]) -> list[Module]:
    """Permissions in the order of place(), by module and kind of record."""
    modules = []
    for name, inside in groupby(permissions, key=module_label_of):
        subjects = [Subject(subject, list(rights)) for subject, rights in groupby(inside, key=subject_of)]
        modules.append(Module(subjects[0].permissions[0].content_type.app_label, name, subjects))
    return modules


def module_label_of(permission: Permission) -> str:
    app_label = permission.content_type.app_label
    return MODULES.get(app_label) or str(apps.get_app_config(app_label).verbose_name)


def describe_permissions(permissions: Iterable[Permission]) -> list[tuple[str, str]]:
    """(module, 可以…) of what a role may do, for people who read no tables."""
    ordered = sorted(permissions, key=permission_order)
    return [
        (module.name, f"可以{'；'.join(map(describe_subject, module.subjects))}。")
        for module in group_by_module(ordered)
    ]


def describe_subject(subject: Subject) -> str:
    """查看、新建、编辑客户，导出客户，移交客户"""
    plain: list[str] = []
    own: list[str] = []
    for permission in subject.permissions:
        words = permission_label(permission)
        (plain if words.endswith(subject.name) and words[:2] in VERBS.values() else own).append(words)
    verbs = "、".join(words[:2] for words in plain)
    return "，".join(filter(None, [f"{verbs}{subject.name}" if verbs else "", *own]))
