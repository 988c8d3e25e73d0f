"""Row rules and searches of customers."""

from __future__ import annotations

from typing import ClassVar, Self, TypeVar

from django.apps import apps
from django.db import models
from django.db.models import Q

from accounts.contact_details.masking import detail_owner_ids
from accounts.models import User
from accounts.scopes.grants import grant_model_of, granted_ids
from accounts.scopes.querysets import ScopedQuerySet
from accounts.scopes.rule import EDIT, VIEW, own_rows, user_ids_in_scope
from kit.audit.models import NOT_KEPT_PREFIX
from kit.domain.folding import fold_name
from kit.domain.modules import lent
from kit.domain.own_rows import OwnRows

from .hooks import RecordsOfCustomers
from .names import normalize

M = TypeVar("M", bound=models.Model)


class OfCustomersQuerySet(models.QuerySet[M]):
    """Rows of customers: seen are those of visible customers, exported those of the customers the user may export."""

    view_permission: ClassVar[str]  # of the rows, beside that of customers

    def visible_to(self, user: User) -> Self:
        """Return the rows of visible customers, for users who may see rows of this kind."""
        if not user.has_perm(self.view_permission):
            return self.none()
        return self.filter(customer__in=all_customers().visible_to(user))

    def mine(self, user: User) -> Self:
        """Return the rows of the user's own customers."""
        return self.filter(customer__manager=user)

    def own_rows_of(self, user: User) -> OwnRows:
        return own_rows(user, self.view_permission)

    def export_limit(self, user: User, permission: str) -> Q | None:
        customers = all_customers()
        limit = customers.export_limit(user, permission)
        return None if limit is None else Q(customer__in=customers.filter(limit))


class CustomerQuerySet(ScopedQuerySet):
    view_permission = "customers.view_customer"
    edit_permission = "customers.change_customer"

    def of_people(self, people: frozenset[int]) -> Q:
        return Q(manager__in=people)

    def own(self, user: User) -> Q:
        """Customers whose open work the user has. Having made a customer gives nothing: decision 39."""
        own = Q()
        for records in lent(RecordsOfCustomers):
            if served := records.shown_to(user):
                own |= Q(pk__in=served)
        return own

    def current(self) -> CustomerQuerySet:
        """Exclude soft-deleted customers."""
        return self.filter(deleted_at=None)

    def visible_to(self, user: User) -> CustomerQuerySet:
        return super().visible_to(user).current()

    def formerly_visible_to(self, user: User) -> CustomerQuerySet:
        """Return deleted and merged customers in the user's scope, to tell writers what became of them."""
        return super().visible_to(user).exclude(deleted_at=None)

    def editable_by(self, user: User) -> CustomerQuerySet:
        return super().editable_by(user).current()

    def detailed_for(self, user: User) -> CustomerQuerySet:
        """Return the customers whose phone and account the user sees in full: shows_details_to() as SQL."""
        shown = self.shown_in_detail(user)
        return self if shown is None else self.filter(shown)

    def shown_in_detail(self, user: User) -> Q | None:
        """Return the condition of detailed_for(); None for no condition."""
        people = detail_owner_ids(user, self.edit_permission)
        if people is None:
            return None
        shared_ids = granted_ids(user, grant_model_of(self.model), self.edit_permission)
        return self.of_people(people) | Q(pk__in=shared_ids) if shared_ids else self.of_people(people)

    def restorable_by(self, user: User) -> CustomerQuerySet:
        """Return deleted customers, for administrators, without merged ones and those of an unfinished import."""
        rows = self.exclude(deleted_at=None).filter(merged_into=None, arrival=None)
        return rows if user.has_perm("customers.restore_customer") else self.none()

    def supervised_by(self, user: User, permission: str) -> CustomerQuerySet:
        """Return the customers over whose 客户经理 a permission reaches."""
        if not user.has_perm(permission):
            return self.none()
        people = user_ids_in_scope(user, permission, EDIT)
        return self.current() if people is None else self.current().filter(manager__in=people)

    def named_like(self, name: str) -> CustomerQuerySet:
        """Return the customers whose normalised name is the same."""
        return self.with_owner().filter(name_normalized=normalize(name))

    def with_owner(self) -> CustomerQuerySet:
        """Select the 客户经理 and annotate owned_since: the start of the current ownership."""
        ownerships = apps.get_model("customers", "Ownership")
        current_since = (
            ownerships._default_manager.filter(customer=models.OuterRef("pk"), until=None)
            .order_by()
            .values("since")[:1]
        )
        return (
            self.current().annotate(owned_since=models.Subquery(current_since)).select_related("manager").order_by("pk")
        )

    def incomplete(self) -> CustomerQuerySet:
        """Return customers, of 开发成功 or an import, that lack required fields."""
        return self.filter(self.model.incomplete)  # type: ignore[attr-defined]  # Customer, which imports this


def all_customers() -> CustomerQuerySet:
    """Return a queryset of all customers, for modules that Customer's own module imports."""
    return CustomerQuerySet(apps.get_model("customers", "Customer"))


def sounds_like(text: str, path: str = "") -> Q | None:
    """Match names that begin with this pinyin or these initials, by every reading of their surnames.

    path: to the customer, as customer__. Return None when the text is no pinyin.
    """
    folded = fold_name(text)
    if not (folded.isascii() and folded.isalpha()):
        return None
    usual_reading = Q(**{f"{path}name_initials__startswith": folded}) | Q(**{f"{path}name_pinyin__startswith": folded})
    return usual_reading | Q(**{f"{path}name_readings__contains_plain": f"|{folded}"})


def names_hidden_from(user: User, label: str) -> tuple[str, ...]:
    """Return (label,) unless the user sees every customer: audit rows name customers, whoever may see them."""
    sees_all = user_ids_in_scope(user, CustomerQuerySet.view_permission, VIEW) is None
    return () if sees_all else (label, NOT_KEPT_PREFIX + label)
