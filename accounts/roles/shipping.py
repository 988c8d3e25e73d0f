"""Role records of the shipped roles, created and extended after every migrate."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.db import connection

from .models import Role
from .shipped import SHIPPED_ROLES


def shipped_role(code: str) -> Role:
    """Return the record of a shipped role, with the changes of administrators."""

    return Role.objects.get(code=code)


def ship_roles(sender: Any = None, **kwargs: Any) -> None:
    """Create missing shipped roles and give the others their new permissions. Called after every migrate.

    Each role remembers which permissions were shipped to it. A permission that a new version adds to the table reaches
    the role once; one that an administrator took away was shipped before, and stays away.
    """

    if not _is_ready():
        return  # the app is being migrated away
    existing = {role.code: role for role in Role.objects.filter(code__in=SHIPPED_ROLES)}
    outdated = {
        code
        for code in SHIPPED_ROLES
        if code not in existing or set(_permission_names(code)) - set(existing[code].shipped_rights)
    }
    if not outdated:
        return
    for app_config in apps.get_app_configs():
        create_permissions(app_config, verbosity=0)
    for code in SHIPPED_ROLES:
        if code in outdated:
            _ship(code, existing.get(code) or _new_role(code))


def _is_ready() -> bool:
    """Whether the table has this version's columns: a migration backwards removes them first."""
    table = Role._meta.db_table
    if table not in connection.introspection.table_names():
        return False
    with connection.cursor() as cursor:
        columns = connection.introspection.get_table_description(cursor, table)
    return {field.column for field in Role._meta.local_concrete_fields} <= {column.name for column in columns}


def _permission_names(code: str) -> list[str]:
    return SHIPPED_ROLES[code][3].split()


def _new_role(code: str) -> Role:
    from django.contrib.auth.models import Group

    name, view_scope, edit_scope, _ = SHIPPED_ROLES[code]
    while Role.objects.filter(name=name).exists():  # one that the company made itself stays as it is
        name += "（系统）"
    group = Group.objects.filter(name=name).first()  # a group outlives the migration of its role
    role = Role(group_ptr=group, code=code, name=name, view_scope=view_scope, edit_scope=edit_scope)
    role.save()
    role.permissions.clear()
    return role


def _ship(code: str, role: Role) -> None:
    """Add the permissions never shipped to the role; log it when the role has existed before."""
    from django.contrib.auth.models import Permission

    new = set(_permission_names(code)) - set(role.shipped_rights)
    candidates = Permission.objects.select_related("content_type").filter(
        codename__in=[name.split(".")[1] for name in new]
    )
    permissions = [p for p in candidates if f"{p.content_type.app_label}.{p.codename}" in new]
    if role.shipped_rights:
        from kit.audit.log import log_event

        from .models import permission_labels

        log_event(None, "发放新权限", role, 授予权限=permission_labels(permissions))
    role.permissions.add(*permissions)
    role.shipped_rights = sorted({*role.shipped_rights, *_permission_names(code)})
    role.save(update_fields=["shipped_rights"])
