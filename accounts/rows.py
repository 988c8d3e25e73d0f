"""Which rows a person sees and changes: the scope of his roles, and what colleagues share with him."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q

from kit.sql.counts import filter_cached
from kit.sql.id_sets import IdSet

from .models import User
from .scopes import EDIT, VIEW, people_in_scope, people_to_export
from .sharing import granted_ids, grants_of


class ScopedQuerySet(models.QuerySet):
    """Rows start at the person: visible_to(), editable_by() and export_limit() are the only row rules.

    of_people() and own() name columns of the model itself, and people by their key.
    """

    view_permission: ClassVar[str]
    edit_permission: ClassVar[str]

    def of_people(self, people: frozenset[int]) -> Q:
        """Rows whose keeper is one of these people."""
        raise NotImplementedError

    def own(self, user: User) -> Q:
        """Rows that are the person's beside those they keep, whatever their scope; Q() for none, only in an OR."""
        raise NotImplementedError

    def belonging_to(self, user: User) -> Q:
        """Rows the person keeps or works on."""
        return self.of_people(IdSet({user.pk})) | self.own(user)

    def visible_to(self, user: User) -> Self:
        if not user.has_perm(self.view_permission):
            return self.none()
        people = people_in_scope(user, self.view_permission, VIEW)
        if people is None:
            return self
        shared = granted_ids(user, grants_of(self.model), self.view_permission)
        rows = self.of_people(people.including(user.pk)) | self.own(user)
        return filter_cached(self, rows | Q(pk__in=shared) if shared else rows)

    def editable_by(self, user: User) -> Self:
        if not user.has_perm(self.edit_permission):
            return self.none()
        people = people_in_scope(user, self.edit_permission, EDIT)
        return self if people is None else filter_cached(self, self.of_people(people))

    def in_reach(self, people: frozenset[int]) -> Q:
        """Rows these people answer for: their own to take away."""
        return self.of_people(people)

    def export_limit(self, user: User, permission: str) -> Q | None:
        """What narrows the rows in view to those the person may export by that right; None when nothing does."""
        people = people_to_export(user, permission, self.view_permission)
        return None if people is None else self.in_reach(people)
