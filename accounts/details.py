"""Contact details — phone, e-mail, bank account: in full inside the right, masked outside it.

A model names its details once; pages, exports, search and the trail all ask here.
"""

from __future__ import annotations

from itertools import chain
from typing import ClassVar

from django.db import models

from kit.audit.log import log_event
from kit.domain.masking import masked
from kit.domain.verdict import Verdict, refuse_if, require_permission, transition
from kit.sql.id_sets import IdSet

from .models import User
from .scopes import EDIT, people_in_scope, reaches

SEE = "customers.see_contact_details"  # in full, over the people of one's edit scope
OPEN = "customers.open_contact_details"  # one at a time, of any record in view, leaving an audit row
OPENED = "查看联系方式"


class HasDetails(models.Model):
    """detail_fields: the model's contact details. shows_details_to() and its rows in SQL, detailed_for(), agree."""

    detail_fields: ClassVar[tuple[str, ...]]

    class Meta:
        abstract = True

    def shows_details_to(self, by: User) -> bool:
        """Does the person see the details in full? Asks the database nothing for each row."""
        raise NotImplementedError

    def get_detail_url(self, name: str) -> str:
        raise NotImplementedError

    def detail(self, name: str, by: User) -> str:
        """One detail as this person sees it."""
        value = getattr(self, name)
        return value if self.shows_details_to(by) else masked(value)

    def can_open_detail(self, by: User) -> Verdict:
        return require_permission(by, OPEN, "您的角色不能查看完整的联系方式")

    @transition
    def open_detail(self, *, by: User, name: str) -> str:
        """The full value, once; who looked at what stays in the trail."""
        self.can_open_detail(by).enforce()
        refuse_if(name not in self.detail_fields, "没有这项联系方式。").enforce()
        log_event(by, OPENED, self, 内容=self._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
        return getattr(self, name)


def reached(by: User, permission: str, keeper_id: int | None) -> bool:
    """Does one of these rights reach over the keeper's records? Who may edit may see."""
    return reaches(by, SEE, EDIT, keeper_id) or reaches(by, permission, EDIT, keeper_id)


def people_reached(by: User, permission: str) -> IdSet | None:
    """The people of reached(); None means everyone."""
    scopes = [people_in_scope(by, right, EDIT) for right in (SEE, permission)]
    return None if None in scopes else IdSet(chain.from_iterable(scope for scope in scopes if scope))
