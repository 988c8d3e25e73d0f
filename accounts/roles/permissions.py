"""Permissions in words: all that the product asks for, by module and record, and sentences that begin with 可以."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from django.apps import apps
from django.contrib.auth.models import Permission

from kit.domain.modules import modules

from .shipped import SHIPPED_ROLES

VERBS = {"view": "查看", "add": "新建", "change": "编辑", "delete": "删除"}


class Subject(NamedTuple):
    """The permissions on one kind of record."""

    name: str
    permissions: list[Permission]


class PermissionGroup(NamedTuple):
    """The permissions of one module."""

    key: str
    name: str
    subjects: list[Subject]

    @property
    def permissions(self) -> list[Permission]:
        return [permission for subject in self.subjects for permission in subject.permissions]


def permission_name(permission: Permission) -> str:
    """Return a name such as customers.view_customer. Reads content_type: select it along."""
    return f"{permission.content_type.app_label}.{permission.codename}"


def permission_label(permission: Permission) -> str:
    """Return words such as 查看客户; a permission beyond the four plain verbs carries its own."""
    verb, _, model = permission.codename.partition("_")
    plain = verb in VERBS and model == permission.content_type.model
    return f"{VERBS[verb]}{subject_of(permission)}" if plain else permission.name


def subject_of(permission: Permission) -> str:
    kind = permission.content_type
    for module in modules():
        if module.name == kind.app_label and kind.model in module.subjects:
            return module.subjects[kind.model]
    model = kind.model_class()
    return str(model._meta.verbose_name) if model else kind.model


def module_labels() -> dict[str, str]:
    """Return {app label: name of its module} in the order of the menu, administration behind everything else."""
    ordered = sorted(modules(), key=lambda module: (module.administration, module.order))
    return {label_: module.label for module in ordered for label_ in (module.name, *module.other_labels)}


def catalogue() -> list[Permission]:
    """Return every permission of some shipped role, sorted: the product asks for no other."""
    names = {name for _, _, _, permissions in SHIPPED_ROLES.values() for name in permissions.split()}
    rows = Permission.objects.select_related("content_type")
    return sorted((permission for permission in rows if permission_name(permission) in names), key=permission_order)


def permission_order(permission: Permission) -> tuple[int, str, str, int, int]:
    """Return the sort key: modules as in module_labels(), in each the plain verbs before other permissions."""
    label_, verb = permission.content_type.app_label, permission.codename.split("_")[0]
    labels = list(module_labels())
    module = labels.index(label_) if label_ in labels else len(labels)
    rank = list(VERBS).index(verb) if verb in VERBS else len(VERBS)
    return module, label_, permission.content_type.model, rank, permission.pk


def group_by_module(permissions: Iterable[Permission]) -> list[PermissionGroup]:
    """Group permissions, given in the order of place(), by module and kind of record."""
    groups = []
    for name, inside in groupby(permissions, key=module_label_of):
        subjects = [Subject(subject, list(part)) for subject, part in groupby(inside, key=subject_of)]
        groups.append(PermissionGroup(subjects[0].permissions[0].content_type.app_label, name, subjects))
    return groups


def module_label_of(permission: Permission) -> str:
    app_label = permission.content_type.app_label
    return module_labels().get(app_label) or str(apps.get_app_config(app_label).verbose_name)


def describe_permissions(permissions: Iterable[Permission]) -> list[tuple[str, str]]:
    """Return (module, 可以…) of what a role may do, for users who read no tables."""
    ordered = sorted(permissions, key=permission_order)
    return [
        (group.name, f"可以{'；'.join(map(describe_subject, group.subjects))}。") for group in group_by_module(ordered)
    ]


def describe_subject(subject: Subject) -> str:
    """Return words such as 查看、新建、编辑客户，导出客户，移交客户."""
    plain: list[str] = []
    own: list[str] = []
    for permission in subject.permissions:
        words = permission_label(permission)
        (plain if words.endswith(subject.name) and words[:2] in VERBS.values() else own).append(words)
    verbs = "、".join(words[:2] for words in plain)
    return "，".join(filter(None, [f"{verbs}{subject.name}" if verbs else "", *own]))
