"""Users who may own a customer."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.models import User
from accounts.scopes import EDIT, people_in_scope


def keepers(by: User) -> QuerySet[User]:
    """Return the active 客户经理 to whom a user may give a new customer: themselves, or those in their edit scope."""
    people = people_in_scope(by, "customers.add_customer", EDIT)
    managers = User.objects.account_managers()
    return managers if people is None else managers.filter(pk__in=people)


def successors(by: User) -> QuerySet[User]:
    """Return the active 客户经理 in the supervisor's scope, who may take customers over."""
    people = people_in_scope(by, "customers.transfer_customer", EDIT)
    managers = User.objects.account_managers()
    return managers if people is None else managers.filter(pk__in=people)


def receivers(by: User) -> QuerySet[User]:
    """Return the active 客户经理 for whom a user may import customers: themselves, or those in their edit scope."""
    people = people_in_scope(by, "customers.import_customer", EDIT)
    managers = User.objects.account_managers()
    return managers if people is None else managers.filter(pk__in=people)
