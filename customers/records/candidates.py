"""Users who may own a customer."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.models import User
from accounts.scopes.rule import EDIT, user_ids_in_scope


def possible_owners(by: User) -> QuerySet[User]:
    """Return the active 客户经理 to whom a user may give a new customer: themselves, or those in their edit scope."""
    people = user_ids_in_scope(by, "customers.add_customer", EDIT)
    managers = User.objects.account_managers()
    return managers if people is None else managers.filter(pk__in=people)


def possible_successors(by: User) -> QuerySet[User]:
    """Return the active 客户经理 in the supervisor's scope, who may take customers over."""
    people = user_ids_in_scope(by, "customers.transfer_customer", EDIT)
    managers = User.objects.account_managers()
    return managers if people is None else managers.filter(pk__in=people)


def possible_import_owners(by: User) -> QuerySet[User]:
    """Return the active 客户经理 for whom a user may import customers: themselves, or those in their edit scope."""
    people = user_ids_in_scope(by, "customers.import_customer", EDIT)
    managers = User.objects.account_managers()
    return managers if people is None else managers.filter(pk__in=people)
