"""User managers who are no administrators: nobody gets more through them than they have themselves."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Department, Role, User
from kit.domain.verdict import Refused
from tests import factories
from tests.accounts.users import ACTIONS, account_state, page, role, user_manager, user_values
from tests.html import find, find_all, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def head(company):
    """林主管 manages the accounts of the department too, has all that its 客户经理 have, and is no administrator."""
    keeps = user_manager(company, "change_department").groups.get()
    wide = Role.objects.create(name="带队经理", view_scope="subtree", edit_scope="subtree")
    wide.permissions.set(role("account_manager").permissions.all())
    company.supervisor.groups.add(keeps, wide)
    return factories.fresh(company.supervisor)


def test_a_user_manager_grants_what_they_have_and_never_administration(company, head, sign_in):
    client, person = sign_in(head), company.manager
    sent = user_values(person, groups=[role("account_manager").pk, head.groups.get(name="用户管理员").pk])
    assert client.post(page(person), sent).status_code == 302
    assert factories.fresh(person).has_perm("accounts.change_user")
    for more, why in (("administrator", "只有系统管理员可以授予"), ("executive", "超出您自己的")):
        person = factories.fresh(company.colleague)
        response = client.post(page(person), user_values(person, groups=[role(more).pk]))
        assert "有效的选项" in response.content.decode()
        sent = {"username": "mole", "name": "甲", "department": company.north.pk, "groups": [role(more).pk]}
        assert client.post(reverse("accounts:user_create"), sent).status_code == 200
        with pytest.raises(Refused, match=why):
            person.edit(by=head, groups=[role(more)])
        with pytest.raises(Refused, match=why):
            User.create(by=head, username="mole", name="甲", groups=[role(more)])
    assert not User.objects.filter(username="mole").exists()
    assert factories.fresh(company.colleague).role_names == "客户经理"


def test_a_user_manager_opens_accounts_where_they_see_themselves(company, head, sign_in):
    sent = {"username": "xinren", "name": "新人", "groups": [role("sales_supervisor").pk]}
    client, address = sign_in(head), reverse("accounts:user_create")
    response = client.post(address, {**sent, "department": company.other.pk})
    assert "在这个部门，他的范围会超出您自己的，请另选部门。" in response.content.decode()
    assert not User.objects.filter(username="xinren").exists()
    assert text(find(client.post(address, {**sent, "department": company.east.pk}), "#one-time-password"))
    with pytest.raises(Refused, match="请另选部门"):
        User.objects.get(username="xinren").edit(by=head, department=company.other)


def test_a_user_manager_does_not_move_to_see_more(company, head, sign_in):
    client = sign_in(head)
    assert find_all(client.get(page(head)), "[name=department], [name=groups]") == []
    client.post(page(head), user_values(head, name="林大主管", department=company.other.pk))
    after = factories.fresh(head)
    assert (after.name, after.department) == ("林大主管", company.sales)
    with pytest.raises(Refused, match="不能改变自己的部门"):
        after.edit(by=head, department=company.other)


def test_a_user_manager_moves_no_department_below_their_own(company, head, sign_in):
    moved, before = company.other, company.other.parent
    with pytest.raises(Refused, match="请由系统管理员移动"):
        moved.edit(by=head, parent=company.sales)
    moved.edit(by=head, name="海外一部")
    assert (Department.objects.get(pk=moved.pk).parent, moved.name) == (before, "海外一部")


@pytest.mark.parametrize("action", ["update", "disable", *ACTIONS])
def test_an_account_with_more_permissions_is_managed_by_administrators(action, company, head, sign_in):
    """By their permissions (高管), or by what their department lets them see (外部主管)."""
    client = sign_in(head)
    for person in (company.executive, company.outsider):
        before = account_state(person)
        for answer in (
            client.get(page(person, action)),
            client.post(page(person, action), user_values(person, name="x")),
        ):
            assert answer.status_code == 403
            assert "超出您自己的" in answer.content.decode()
        assert account_state(person) == before


def test_a_wider_scope_of_the_same_permissions_is_more(company, head):
    wide = Role.objects.create(name="全国客户经理", view_scope="all", edit_scope="self")
    wide.permissions.set(role("account_manager").permissions.all())
    company.colleague.groups.set([wide])
    assert "超出您自己的" in factories.fresh(company.colleague).can_reset_password(head).reason
    assert factories.fresh(company.manager).can_reset_password(head)


def test_a_user_manager_resets_the_password_of_whom_they_exceed(company, head, sign_in):
    answer = sign_in(head).post(page(company.manager, "reset_password"))
    assert text(find(answer, "#one-time-password"))


def test_their_list_asks_the_same_number_of_queries_however_many_people(head, sign_in, django_assert_num_queries):
    client = sign_in(head)
    client.get(reverse("accounts:user_list"))
    with CaptureQueriesContext(connection) as few:
        client.get(reverse("accounts:user_list"))
    for _ in range(5):
        factories.person("account_manager", department=head.department)
    with django_assert_num_queries(len(few)):
        client.get(reverse("accounts:user_list"))
