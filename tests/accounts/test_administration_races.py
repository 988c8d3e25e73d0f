"""Two administrators at once, on PostgreSQL with real threads; each race again with the guard off, which must fail."""

from __future__ import annotations

import time

import pytest
from django.core import signing
from django.db.models import QuerySet
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import Department, Role, User
from accounts.roles import administrators
from accounts.roles import models as role_module
from kit.domain.verdict import Refused
from tests import factories
from tests.races import ON_POSTGRESQL, again, before

pytestmark = ON_POSTGRESQL


@pytest.fixture
def unguarded(monkeypatch):
    """Rows are read afresh and not kept."""
    monkeypatch.setattr("kit.transitions.lock_row", lambda row: row.refresh_from_db())
    monkeypatch.setattr(administrators, "lock_row", lambda row: None)
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, *args, **kwargs: rows.all())


def disable(by, person):
    again(person).disable(by=factories.fresh(by))


def empty_role(by, person):
    """Takes administration away from the role the other one holds."""
    role = Role.objects.get(user=person)
    role.edit(by=factories.fresh(by), permissions=[])


@pytest.fixture
def remove_each_other(company, monkeypatch):
    one, other = company.administrator, factories.person("administrator", name="副管理")
    second = Role.objects.get(code="administrator").copy(by=one, name="第二种管理员")
    User.objects.get(pk=other.pk).groups.set([second])
    moment = before(monkeypatch, User, "save")
    role_moment = before(monkeypatch, role_module, "refuse_if")  # between the last check and the end
    return lambda how: (role_moment if how is empty_role else moment).overtake(
        lambda: how(one, other), lambda: how(other, one)
    )


HOW = [disable, empty_role]


@pytest.mark.parametrize("how", HOW)
def test_of_two_administrators_removing_each_other_one_remains(how, remove_each_other):
    first, second = remove_each_other(how)
    assert first is None
    assert isinstance(second, Refused), repr(second)
    assert User.objects.administrators().count() == 1


@pytest.mark.usefixtures("unguarded")
@pytest.mark.parametrize("how", HOW)
def test_control_without_the_locks_nobody_remains(how, remove_each_other):
    remove_each_other(how)
    assert not User.objects.administrators().exists()


def test_two_who_relieve_each_other_on_their_pages_wait_for_each_other_and_never_lock_up(company, sign_in, monkeypatch):
    """The page locks the account it edits; its audit row points at the other account: the order of locks decides."""
    other = factories.person("administrator", name="副管理")
    moment = before(monkeypatch, User, "save")

    def relieve(by, person):
        sent = {"username": person.username, "name": "改名", "groups": [], "opened": opened(person)}
        return sign_in(by).post(f"/accounts/users/{person.pk}/edit/", sent).status_code

    first, second = moment.overtake(
        lambda: relieve(company.administrator, other), lambda: relieve(other, company.administrator)
    )
    assert sorted(map(str, (first, second)))[0] == "302"
    assert User.objects.administrators().count() == 1


def opened(person):
    return signing.dumps({"version": person.version, "values": {}}, salt="opened")


@pytest.fixture
def move_into_each_other(company, monkeypatch):
    moment = before(monkeypatch, Department, "save")
    north, east, by = company.north, company.east, company.administrator
    return lambda: moment.overtake(
        lambda: again(north).edit(by=by, parent=east), lambda: again(east).edit(by=by, parent=north)
    )


def circle(company):
    north, east = again(company.north), again(company.east)
    return (north.parent_id, east.parent_id) == (east.pk, north.pk)


def test_two_departments_moved_into_each_other_make_no_circle(move_into_each_other, company):
    first, second = move_into_each_other()
    assert first is None
    assert isinstance(second, Refused)
    assert not circle(company)


@pytest.mark.usefixtures("unguarded")
def test_control_without_the_locks_they_make_a_circle(move_into_each_other, company):
    move_into_each_other()
    assert circle(company)


@pytest.fixture
def rename_in_the_admin(company, sign_in, monkeypatch):
    moment = before(monkeypatch, Department, "save")
    sent = {"parent": company.sales.pk, "opened": company.east.version}
    one, other = (sign_in(person) for person in (company.administrator, factories.person("administrator")))
    address = f"/admin/accounts/department/{company.east.pk}/change/"
    return lambda: [
        answer.status_code
        for answer in moment.overtake(
            lambda: one.post(address, {**sent, "name": "甲组"}), lambda: other.post(address, {**sent, "name": "乙组"})
        )
    ]


def test_of_two_saves_of_one_version_in_the_admin_the_second_is_refused(rename_in_the_admin, company):
    assert rename_in_the_admin() == [302, 200]
    assert again(company.east).name == "甲组"


@pytest.mark.usefixtures("unguarded")
def test_control_without_the_locks_both_are_saved(rename_in_the_admin):
    assert rename_in_the_admin() == [302, 302]


def test_one_code_sent_twice_at_once_signs_in_once(company, monkeypatch):
    person = company.manager
    device = TOTPDevice.objects.create(user=person, confirmed=True, key="31" * 20)
    made = code_of(device)
    moment = before(monkeypatch, TOTPDevice, "save")
    outcome = moment.overtake(
        lambda: again(person).passes_second_factor(made), lambda: again(person).passes_second_factor(made)
    )
    assert sorted(outcome) == [False, True]


def code_of(device):
    made = TOTP(device.bin_key)
    made.time = time.time()
    return f"{made.token():06d}"
