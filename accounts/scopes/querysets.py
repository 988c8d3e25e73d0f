"""The rows a user sees and changes: by the scope of their roles, and by what colleagues share with them."""

from __future__ import annotations

from typing import ClassVar, Self, TypeVar

from django.db import models
from django.db.models import Q

from accounts.users.models import User
from kit.domain.own_rows import OwnRows
from kit.sql.alternatives import AlternativesQuerySet, RowScope, alternatives_of
from kit.sql.id_sets import IdSet

from .grants import grant_model_of, granted_ids
from .rule import EDIT, VIEW, own_rows, user_ids_in_scope, user_ids_to_export

__all__ = ["RowScope", "ScopedQuerySet"]

M = TypeVar("M", bound=models.Model)


class ScopedQuerySet(AlternativesQuerySet[M]):
    """visible_to(), editable_by() and export_limit() are the only rules on rows.

    of_people() and own() name columns of the model itself, and users by their key.
    """

    view_permission: ClassVar[str]
    edit_permission: ClassVar[str]

    def of_people(self, people: frozenset[int]) -> Q:
        """Rows whose owner is one of these users."""
        raise NotImplementedError

    def own(self, user: User) -> Q:
        """Rows of the user besides those they own, whatever their scope; Q() for none, only in an OR."""
        raise NotImplementedError

    def belonging_to(self, user: User) -> Q:
        """Rows the user owns or works on."""
        return self.of_people(IdSet({user.pk})) | self.own(user)

    def shared_with(self, user: User) -> Q:
        """Rows that colleagues share with the user; Q() for none, only in an OR."""
        shared = granted_ids(user, grant_model_of(self.model), self.view_permission)
        return Q(pk__in=shared) if shared else Q()

    def view_scope(self, user: User) -> RowScope:
        """Return the alternatives under which the user sees a row."""
        if not user.has_perm(self.view_permission):
            return ()
        people = user_ids_in_scope(user, self.view_permission, VIEW)
        if people is None:
            return None
        owned = self.of_people(people.including(user.pk))
        return alternatives_of(owned, self.own(user), self.shared_with(user))

    def edit_scope(self, user: User) -> RowScope:
        """Return the alternatives under which the user's edit scope covers a row."""
        if not user.has_perm(self.edit_permission):
            return ()
        people = user_ids_in_scope(user, self.edit_permission, EDIT)
        return None if people is None else alternatives_of(self.of_people(people))

    def visible_to(self, user: User) -> Self:
        return self.in_scope(self.view_scope(user))

    def editable_by(self, user: User) -> Self:
        return self.in_scope(self.edit_scope(user))

    def mine(self, user: User) -> Self:
        """Return the rows that 我的 means: those the user owns."""
        return self.filter(self.of_people(IdSet({user.pk})))

    def own_rows_of(self, user: User) -> OwnRows:
        return own_rows(user, self.view_permission)

    def exportable_for(self, people: frozenset[int]) -> Q:
        """Rows that may be exported for these users."""
        return self.of_people(people)

    def export_limit(self, user: User, permission: str) -> Q | None:
        """Narrow the visible rows to those the user may export by this permission; None when nothing does."""
        people = user_ids_to_export(user, permission, self.view_permission)
        return None if people is None else self.exportable_for(people)
