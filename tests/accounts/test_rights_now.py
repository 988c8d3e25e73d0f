"""Rights as they stand at this request: taken away, ended, handed over, added up; and none by posting them."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.models import Role
from tests import factories

pytestmark = pytest.mark.django_db


def test_a_right_taken_away_is_gone_at_the_next_request(company, sign_in):
    client = sign_in(company.manager)
    assert client.get(reverse("marketing:opportunity_create")).status_code == 200
    company.manager.groups.clear()
    assert client.get(reverse("marketing:opportunity_create")).status_code == 403


def test_a_disabled_user_is_out_at_the_next_request(company, sign_in):
    client = sign_in(company.manager)
    company.manager.is_active = False
    company.manager.save()
    assert client.get("/")["Location"].startswith(reverse("login"))


def test_a_record_handed_to_another_group_is_gone_for_the_former_assignee(company, sign_in):
    record = factories.assigned(company.supervisor, company.supervisor, company.manager)
    client = sign_in(company.manager)
    assert client.get(record.get_absolute_url()).status_code == 200
    record.reassign(company.eastern, by=company.supervisor, reason="换区")
    assert client.get(record.get_absolute_url()).status_code == 404
    assert (
        record.customer_name not in client.get(reverse("marketing:opportunity_list") + "?status=all").content.decode()
    )


def test_roles_add_up(company, sign_in):
    """An executive who is made 客户经理 too sees everything and edits what the second role allows."""
    record = factories.opportunity(company.stranger)
    company.executive.groups.add(Role.objects.get(code="account_manager"))
    client = sign_in(factories.fresh(company.executive))
    assert client.get(record.get_absolute_url()).status_code == 200
    assert client.get(reverse("marketing:opportunity_create")).status_code == 200


def test_the_password_page_changes_nothing_but_the_password(company, sign_in, forged, world):
    user = company.manager
    sign_in(user).post(reverse("accounts:password"), {**forged, **world.values, "username": "x", "name": "y"})
    after = factories.fresh(user)
    assert after.check_password("another-passphrase")
    assert (after.is_superuser, after.is_staff, after.username, after.name) == (False, False, user.username, user.name)
    assert [role.name for role in after.groups.all()] == ["客户经理"]
