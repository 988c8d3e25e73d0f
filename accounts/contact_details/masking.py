"""Contact details (phone, e-mail, bank account): in full within the permission, masked outside it.

A model names its details once; pages, exports, search and the audit log all ask here.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import ClassVar

from django.db import models

from accounts.scopes.rule import EDIT, scope_includes, user_ids_in_scope
from accounts.users.models import User
from kit.audit.log import log_event
from kit.domain.folding import looks_like_number
from kit.domain.masking import mask
from kit.domain.modules import lent
from kit.domain.verdict import ALLOWED, Verdict, refuse_if
from kit.sql.id_sets import IdSet
from kit.transitions import transition

OPENED_VERB = "查看联系方式"


@dataclass(frozen=True)
class DetailPermissions:
    """The permissions on contact details, which the module that has contacts lends.

    see: in full, over the people of the user's edit scope; open: one at a time, of any record in view, as an event.
    """

    see: str
    open: str


def detail_permissions() -> DetailPermissions:
    (permissions,) = lent(DetailPermissions)
    return permissions


class HasContactDetails(models.Model):
    """A model with contact details. shows_details_to() and its form in SQL, detailed_for(), must agree."""

    detail_fields: ClassVar[tuple[str, ...]]
    number_indexed: ClassVar[tuple[str, ...]] = ()  # those that are telephone numbers

    class Meta:
        abstract = True

    def shows_details_to(self, by: User) -> bool:
        """Whether the user sees the details in full. Must not query for each row."""
        raise NotImplementedError

    def get_detail_url(self, name: str) -> str:
        raise NotImplementedError

    @property
    def may_be_contacted(self) -> bool:
        """Whether pages offer to ring or to write: not who asked to be left alone."""
        return True

    def detail(self, name: str, by: User) -> str:
        """Return a detail as this user sees it."""
        value = getattr(self, name)
        return value if self.shows_details_to(by) else mask(value)

    @transition(lambda model: detail_permissions().open, "查看", refusal="您的角色不能查看完整的联系方式")
    def open_detail(self, *, by: User, name: str) -> str:
        """Return the full value and log who opened it."""
        refuse_if(name not in self.detail_fields, "没有这项联系方式。").enforce()
        log_event(by, OPENED_VERB, self, 内容=self._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
        return getattr(self, name)

    @open_detail.guard
    def can_open_detail(self, by: User) -> Verdict:
        return ALLOWED


def covers_details(by: User, permission: str, owner_id: int | None) -> bool:
    """Whether one of these permissions covers the owner's records: users who may edit may see."""
    see = detail_permissions().see
    return scope_includes(by, see, EDIT, owner_id) or scope_includes(by, permission, EDIT, owner_id)


def detail_owner_ids(by: User, permission: str) -> IdSet | None:
    """Return the ids of the owners for whom covers_details() is true; None means everyone."""
    scopes = [user_ids_in_scope(by, name, EDIT) for name in (detail_permissions().see, permission)]
    return None if None in scopes else IdSet(chain.from_iterable(scope for scope in scopes if scope))


def may_search_number(user: User, text: str) -> bool:
    """Return whether the text is a number by which the user may search: a masked one cannot be guessed so."""
    return user.has_perm(detail_permissions().see) and looks_like_number(text)
