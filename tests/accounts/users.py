"""Accounts for tests: the pages of one account, what its form sends, and who may keep accounts."""

from __future__ import annotations

from django.contrib.auth.models import Permission
from django.core import signing
from django.urls import reverse

from accounts.models import Role, User
from tests import factories

ACTIONS = ("reset_password", "unlock", "enable", "end_sessions", "reset_second_factor")


def role(code):
    """Return a shipped role."""
    return Role.objects.get(code=code)


def page(person, action="update"):
    """Return the URL of one action on an account."""
    name = f"accounts:user_{action}" if action != "disable" else "user_disable"
    return reverse(name, args=[person.pk])


def user_values(person, **changes):
    """Return what the form of an account sends."""
    return {
        "username": person.username,
        "name": person.name,
        "department": person.department_id or "",
        "groups": [group.pk for group in person.groups.all()],
        "opened": signing.dumps({"version": person.version, "values": {}}, salt="opened"),
        **changes,
    }


def user_manager(company, *more):
    """Return a user manager who is no administrator, by a role made on screen."""
    wanted = ["view_user", "add_user", "change_user", *more]
    made = Role.objects.create(name="用户管理员")
    made.permissions.set(Permission.objects.filter(codename__in=wanted, content_type__app_label="accounts"))
    company.nobody.groups.add(made)
    return factories.fresh(company.nobody)


def account_state(person):
    """Return what must not have changed."""
    fresh = User.objects.get(pk=person.pk)
    return fresh.username, fresh.password, fresh.is_active, fresh.is_superuser, set(fresh.groups.values_list("name"))
