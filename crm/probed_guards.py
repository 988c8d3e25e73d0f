"""The permission of pages that name their guard by a verb: found by asking it with nobody and nothing.

Pages whose `do` is a transition, a creation or a guard say it themselves; this goes with the last page that does not.
"""

from __future__ import annotations

from typing import Any

from django.db import models

DEPTH = 4


class PermissionAsked(Exception):
    """A guard asked for a permission."""

    def __init__(self, permission: str) -> None:
        super().__init__(permission)
        self.permission = permission


class PermissionProbe:
    """Stand in for a user, and raise at the first permission that is asked for."""

    pk = 0

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        raise PermissionAsked(perm)


def blank(model: type[models.Model], depth: int = 0) -> models.Model:
    """Return a record that is not saved, with blank parents: enough for the first question of a guard."""
    record = model()
    for field in model._meta.concrete_fields:
        if isinstance(field, models.ForeignKey) and not field.null and depth < DEPTH:
            setattr(record, field.name, blank(field.related_model, depth + 1))  # type: ignore[arg-type]
    return record


def permission_of_guard(model: type[models.Model], verb: str) -> str:
    """Return the permission that can_<verb> asks for first; empty when it asks for none (one's own things)."""
    try:
        getattr(blank(model), f"can_{verb}")(PermissionProbe())
    except PermissionAsked as question:
        return question.permission
    except Exception:  # a guard that looks at the record first
        return ""
    return ""


def probed_permission(view: Any) -> str | None:
    """Return the permission of a page's guard, None for a page without."""
    model, verb = getattr(view, "model", None), getattr(view, "action", "") or getattr(view, "verb", "")
    return permission_of_guard(model, verb) if model and verb else None
