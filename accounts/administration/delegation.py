"""Who keeps accounts without being an administrator gives nobody, himself included, more than he has."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from django.apps import apps

from kit.domain.verdict import ALLOWED, Verdict, first_objection, refuse_if, require_scope


class Given(NamedTuple):
    """One right with the scopes of the role that gives it."""

    permission: str
    scopes: tuple[Any, Any]


def may_keep(by: Any, person: Any) -> Verdict:
    """Whoever has more than one's own is kept by administrators: his new password would be shown here."""
    own = by.is_administrator or by.pk == person.pk
    more = not own and exceeds(by, {role.pk for role in person.groups.all()}, person.department_id)
    return require_scope(not more, "这个账号的权限或范围超出您自己的，只能由系统管理员管理。")


def may_give(by: Any, person: Any, roles: Collection[Any], department: Any) -> Verdict:
    """May the person have these roles in this department?"""
    if by.is_administrator:
        return ALLOWED
    key = getattr(department, "pk", None)
    if by.pk == person.pk:
        return refuse_if(key != person.department_id, "不能改变自己的部门，请由系统管理员操作。")
    keys = {role.pk for role in roles}
    return first_objection(
        refuse_if(exceeds(by, keys, by.department_id), "角色的权限或范围超出您自己的，请另选角色。"),
        refuse_if(exceeds(by, keys, key), "在这个部门，他的范围会超出您自己的，请另选部门。"),
    )


def exceeds(by: Any, roles: Collection[int], department: int | None) -> bool:
    """Would somebody with these roles in this department see or do anything that `by` does not?"""
    from ..scopes import department_members  # scopes stand on the models, which stand on this

    tree = {place.pk: place.parent_id for place in department_members(by)}
    own: dict[str, list[Given]] = {}
    for right in by.rights:
        own.setdefault(right.permission, []).append(Given(right.permission, (right.view_scope, right.edit_scope)))

    def within_own(right: Given, kind: int) -> bool:
        mine = [_area(held.scopes[kind], by.department_id, tree) for held in own.get(right.permission, ())]
        return any(_covers(area, _area(right.scopes[kind], department, tree)) for area in mine)

    asked = [right for role in roles for right in _rights_by_role(by).get(role, ())]
    return not all(within_own(right, kind) for right in asked for kind in (0, 1))


def _area(scope: Any, department: int | None, tree: dict[int, int | None]) -> tuple[int, set[int]]:
    """(how wide, the departments it takes in); who has no department reaches himself."""
    from ..models import Scope, descendants

    if scope.width > Scope.SELF.width and scope is not Scope.ALL and department is None:
        scope = Scope.SELF
    inside = {Scope.DEPARTMENT: lambda home: {home}, Scope.SUBTREE: lambda home: descendants(home, tree)}.get(scope)
    return scope.width, inside(department) if inside and department is not None else set()


def _covers(mine: tuple[int, set[int]], theirs: tuple[int, set[int]]) -> bool:
    """A whole company covers every department; 本人 is as wide for one as for another."""
    from ..models import Scope

    return mine[0] == Scope.ALL.width or (theirs[0] <= mine[0] and theirs[1] <= mine[1])


def _rights_by_role(by: Any) -> dict[int, list[Given]]:
    """What every role gives, in one query per request, kept on the person who asks."""
    if "_rights_by_role" not in by.__dict__:
        from ..models import SCOPES

        names = ("permissions__content_type__app_label", "permissions__codename")
        rows: Any = apps.get_model("accounts", "Role")._default_manager.filter(permissions__isnull=False)
        found: dict[int, list[Given]] = {}
        for key, view, edit, app_label, codename in rows.values_list("pk", "view_scope", "edit_scope", *names):
            found.setdefault(key, []).append(Given(f"{app_label}.{codename}", (SCOPES[view], SCOPES[edit])))
        by.__dict__["_rights_by_role"] = found
    return by.__dict__["_rights_by_role"]
