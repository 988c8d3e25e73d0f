"""用户: opened with a password that works once, changed, unlocked, disabled, and never used to climb."""

from __future__ import annotations

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import Permission
from django.core import signing
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Role, User, UserSession
from kit.audit.models import AuditEntry
from kit.domain.verdict import Refused
from tests import factories
from tests.accounts.users import ACTIONS, account_state, page, role, user_manager, user_values
from tests.html import find, text, texts, values

pytestmark = pytest.mark.django_db


# Opening an account


@pytest.fixture
def opened(admin, company):
    sent = {
        "username": "xinren",
        "name": "新人",
        "department": company.north.pk,
        "groups": [role("account_manager").pk],
        "regions": [factories.entry("地区", "华北").pk],
        "mobile": "13800001234",
        "email": "xinren@example.com",
    }
    password = text(find(admin.post(reverse("accounts:user_create"), sent), "#one-time-password"))
    return User.objects.get(username="xinren"), password


def test_a_new_account_has_a_password_that_is_shown_once_and_kept_nowhere(opened, admin):
    person, password = opened
    assert person.check_password(password)
    assert (person.department.name, person.role_names, person.mobile) == ("华北组", "客户经理", "13800001234")
    assert [str(region) for region in person.regions.all()] == ["华北"]
    entry = AuditEntry.objects.about(person).get()
    assert (entry.verb, entry.changes["角色"]) == ("新建", ["", "客户经理"])
    assert password not in str(entry.changes)
    assert password not in admin.get(person.get_absolute_url()).content.decode()


def test_the_same_form_sent_twice_opens_one_account_and_tells_no_second_password(admin):
    sent = {"username": "xinren", "name": "新人", "submission": "8c5ffe9e-7a5c-4b06-8f21-0b2d1c0a0001"}
    first, second = (admin.post(reverse("accounts:user_create"), sent) for _ in range(2))
    assert text(find(first, "#one-time-password"))
    assert second.status_code == 302
    assert User.objects.filter(username="xinren").count() == 1


def test_the_first_sign_in_leads_to_a_password_of_ones_own_and_nowhere_else(opened, client):
    person, password = opened
    client.post(reverse("login"), {"username": person.username, "password": password})
    for address in (
        "/",
        "/customers/",
        "/search/?q=x",
        "/accounts/profile/",
        "/admin/",
        "/marketing/opportunities/new/",
    ):
        assert (address, client.get(address)["Location"]) == (address, reverse("accounts:password"))
    assert client.post("/marketing/opportunities/new/", factories.OPPORTUNITY)["Location"] == "/accounts/password/"
    assert "请先设置自己的密码" in client.get(reverse("accounts:password")).content.decode()
    change = {"old_password": password, "new_password1": password, "new_password2": password}
    assert "新密码不能和原来的密码相同" in client.post("/accounts/password/", change).content.decode()
    change |= {"new_password1": "my-own-passphrase", "new_password2": "my-own-passphrase"}
    assert client.post("/accounts/password/", change)["Location"] == "/"
    assert client.get("/customers/").status_code == 200
    assert not factories.fresh(person).must_change_password


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({"username": "", "name": "甲"}, "请填写。"),
        ({"username": "a b", "name": "甲"}, "用户名"),
        ({"username": "xinren", "name": "甲", "email": "x"}, "邮箱"),
        ({"username": "xinren", "name": "甲", "groups": ["99999"]}, "99999"),
        ({"username": "xinren", "name": "甲", "groups": ["x"]}, "x"),
        ({"username": "xinren", "name": "甲", "department": "99999"}, "部门"),
        ({"username": "xinren", "name": "a\x00b"}, "控制字符"),
    ],
)
def test_a_wrong_form_says_so_and_opens_nothing(sent, message, admin):
    count = User.objects.count()
    response = admin.post(reverse("accounts:user_create"), sent)
    assert response.status_code == 200
    assert message in response.content.decode()
    assert User.objects.count() == count


# Changing it


def test_a_changed_account_leaves_one_row_from_old_to_new(admin, company):
    sent = user_values(company.manager, name="周大明", department=company.east.pk, groups=[role("sales_supervisor").pk])
    assert admin.post(page(company.manager), sent).status_code == 302
    person = factories.fresh(company.manager)
    assert (person.name, person.department, person.role_names, person.version) == (
        "周大明",
        company.east,
        "销售主管",
        1,
    )
    entry = AuditEntry.objects.about(person).get()
    assert entry.changes == {
        "姓名": ["周经理", "周大明"],
        "部门": ["华北组", "华东组"],
        "角色": ["客户经理", "销售主管"],
    }


def test_the_second_of_two_who_edit_one_account_is_shown_both_and_may_merge(admin, company):
    late = user_values(company.manager, name="周某", groups=[role("executive").pk])
    opened = {"name": "周经理", "groups": str(role("account_manager").pk), "username": company.manager.username}
    opened |= {"department": str(company.north.pk), "mobile": "", "email": "", "regions": "", "industries": ""}
    late["opened"] = signing.dumps({"version": 0, "values": opened}, salt="opened")
    admin.post(page(company.manager), user_values(company.manager, name="周大明"))
    response = admin.post(page(company.manager), late)
    assert response.status_code == 409
    for word in ("周某", "周大明", "高管"):
        assert word in text(response)
    kept = values(response)
    assert kept["groups"] == str(role("executive").pk)
    assert admin.post(page(company.manager), {**kept, "name": "周某"}).status_code == 302
    person = factories.fresh(company.manager)
    assert (person.name, person.role_names) == ("周某", "高管")


def test_lists_of_several_ids_survive_the_page_of_a_conflict(admin, company):
    """Joined by commas, as that page keeps them."""
    both = ",".join(str(role(code).pk) for code in ("account_manager", "executive"))
    assert admin.post(page(company.manager), user_values(company.manager, groups=both)).status_code == 302
    assert company.manager.groups.count() == 2


# Climbing


FORGED = {
    "is_superuser": "on",
    "is_staff": "on",
    "is_active": "",
    "is_demo": "on",
    "must_change_password": "on",
    "password": "x",
    "user_permissions": "1",
    "receives_shares": "on",
    "version": "77",
    "last_login": "2020-01-01",
    "theme": "dark",
}


def test_posting_what_the_form_does_not_show_sets_nothing(admin, company):
    before = User.objects.filter(pk=company.manager.pk).values().get()
    assert (
        admin.post(page(company.manager), {**FORGED, **user_values(company.manager, mobile="139")}).status_code == 302
    )
    after = User.objects.filter(pk=company.manager.pk).values().get()
    assert {name for name in after if after[name] != before[name]} == {"mobile", "version"}
    assert after["version"] == 1
    admin.post(reverse("accounts:user_create"), {**FORGED, "username": "xinren", "name": "甲"})
    made = User.objects.get(username="xinren")
    assert (made.is_superuser, made.is_staff, made.is_active, made.is_demo) == (False, False, True, False)
    assert made.user_permissions.count() == 0


def test_the_profile_takes_ones_own_data_and_nothing_else(company, sign_in):
    client = sign_in(company.manager)
    before = User.objects.filter(pk=company.manager.pk).values().get()
    sent = {**FORGED, **user_values(company.manager, username="boss", name="改名", groups=[role("administrator").pk])}
    sent |= {"mobile": "139", "email": "a@example.com", "theme": "dark", "email_notifications": "on"}
    sent |= {"density": "compact", "has_key_shortcuts": "on"}
    assert client.post(reverse("accounts:profile_edit"), sent).status_code == 302
    after = User.objects.filter(pk=company.manager.pk).values().get()
    assert {name for name in after if after[name] != before[name]} == {"mobile", "email", "theme", "version"}
    assert not factories.fresh(company.manager).is_administrator


def test_nobody_changes_their_own_roles_not_even_by_posting_them(admin, company):
    sent = user_values(company.administrator, name="何新名", groups=[role("administrator").pk, role("executive").pk])
    assert admin.post(page(company.administrator), sent).status_code == 302
    person = factories.fresh(company.administrator)
    assert (person.name, person.role_names) == ("何新名", "系统管理员")
    with pytest.raises(Refused, match="不能改变自己的角色"):
        person.edit(by=person, groups=[role("executive")])


@pytest.mark.parametrize("action", ["update", "disable", *ACTIONS])
def test_a_user_manager_touches_no_administrator_and_no_rescue_account(action, company, sign_in):
    client = sign_in(user_manager(company))
    rescue = factories.UserFactory(username="rescue", is_superuser=True)
    for person in (company.administrator, rescue):
        before = account_state(person)
        for answer in (
            client.get(page(person, action)),
            client.post(page(person, action), user_values(person, name="x")),
        ):
            assert answer.status_code == 403
        assert account_state(person) == before


@pytest.mark.parametrize("action", ["update", "disable", *ACTIONS])
def test_an_administrator_does_not_become_the_rescue_account(action, admin):
    rescue = factories.UserFactory(username="rescue", is_superuser=True)
    before = account_state(rescue)
    assert admin.post(page(rescue, action), user_values(rescue, name="x")).status_code == 403
    assert account_state(rescue) == before


RIGHTS = [
    "administer", "serve_customers", "view_user", "add_user", "change_user", "view_role", "add_role", "change_role",
    "view_department", "add_department", "change_department", "delete_department",
]  # fmt: skip


@pytest.mark.parametrize("permission", [None, *[name for name in RIGHTS if name != "administer"]])
def test_no_single_permission_of_the_module_leads_to_administration(permission, company, sign_in):
    """Whoever holds one permission posts at every page: afterwards nobody has gained what they may not give."""
    made = Role.objects.create(name="一项权限")
    made.permissions.set(Permission.objects.filter(codename=permission, content_type__app_label="accounts"))
    company.nobody.groups.add(made)
    client, everything = sign_in(factories.fresh(company.nobody)), list(Permission.objects.values_list("pk", flat=True))
    shipped = {one.pk: set(one.permissions.values_list("pk")) for one in Role.objects.all()}
    power = {"groups": [role("administrator").pk], "permissions": everything, "view_scope": "all", "edit_scope": "all"}
    power |= {"whole": ["accounts", "customers"], "is_superuser": "on"}
    for person in map(factories.fresh, (company.nobody, company.manager, company.administrator)):
        client.post(page(person), user_values(person, **power))
    client.post(reverse("accounts:user_create"), {"username": "mole", "name": "甲", **power})
    opened = signing.dumps({"version": 0, "values": {}}, salt="opened")
    for one in Role.objects.all():
        for name in ("role_update", "role_copy"):
            client.post(reverse(f"accounts:{name}", args=[one.pk]), {"name": "新名", "opened": opened, **power})
    client.post(reverse("accounts:role_create"), {"name": "我的角色", **power})
    assert list(User.objects.administrators()) == [company.administrator]
    assert {one.pk: set(one.permissions.values_list("pk")) for one in Role.objects.all()} == shipped
    assert not User.objects.filter(is_superuser=True).exists()
    assert not factories.fresh(company.nobody).has_perm("customers.view_customer")


# Locked, reset, signed out


def fail(client, username, times=5):
    for _ in range(times):
        response = client.post(reverse("login"), {"username": username, "password": "wrong"})
    return response


def test_a_locked_account_is_listed_and_unlocked(admin, company, client):
    fail(client, company.manager.username)
    right = {"username": company.manager.username, "password": "a-long-passphrase"}
    assert client.post(reverse("login"), right).status_code == 200
    html = admin.get(reverse("accounts:user_list") + "?state=locked").content.decode()
    assert "周经理" in html
    assert "已锁定" in html
    assert "陈同事" not in html
    assert admin.post(page(company.manager, "unlock")).status_code == 302
    assert not AccessAttempt.objects.exists()
    assert AuditEntry.objects.about(company.manager)[0].verb == "解锁"
    assert client.post(reverse("login"), right).status_code == 302


def test_a_lock_that_has_run_out_is_none(company, client):
    fail(client, company.manager.username)
    assert factories.fresh(company.manager).is_locked
    AccessAttempt.objects.update(attempt_time=timezone.now() - timezone.timedelta(minutes=16))
    assert not factories.fresh(company.manager).is_locked


def test_a_reset_password_is_shown_once_and_ends_every_session(admin, company, sign_in):
    browsers = [sign_in(company.manager) for _ in range(2)]
    password = text(find(admin.post(page(company.manager, "reset_password")), "#one-time-password"))
    person = factories.fresh(company.manager)
    assert person.check_password(password)
    assert person.must_change_password
    for browser in browsers:
        assert browser.get("/")["Location"].startswith(reverse("login"))
    assert not UserSession.objects.filter(user=person).exists()
    entry = AuditEntry.objects.about(person)[0]
    assert (entry.verb, entry.changes) == ("重置密码", {})
    assert password not in admin.get(page(person, "detail")).content.decode()


def test_ended_sessions_are_over_and_the_password_stays(admin, company, sign_in):
    browser = sign_in(company.manager)
    assert "现在有 1 处登录" in admin.get(page(company.manager, "end_sessions")).content.decode()
    admin.post(page(company.manager, "end_sessions"))
    assert browser.get("/")["Location"].startswith(reverse("login"))
    assert factories.fresh(company.manager).check_password("a-long-passphrase")
    assert AuditEntry.objects.about(company.manager)[0].changes == {"登录数": ["", "1"]}


def test_what_an_administrator_does_to_others_is_not_done_to_their_own_account(admin, company):
    for action in ("disable", "reset_password", "end_sessions", "reset_second_factor"):
        assert (action, admin.post(page(company.administrator, action)).status_code) == (action, 409)
    assert account_state(company.administrator)[2] is True


def test_a_disabled_account_is_enabled_again_with_its_roles(admin, company, sign_in):
    assert admin.post(page(company.manager, "disable")).status_code == 302
    assert admin.post(page(company.manager, "reset_password")).status_code == 409
    assert admin.post(page(company.manager, "enable")).status_code == 302
    person = factories.fresh(company.manager)
    assert (person.is_active, person.role_names) == (True, "客户经理")
    assert [row.verb for row in AuditEntry.objects.about(person)[:2]] == ["启用", "停用"]
    assert sign_in(person).get("/").status_code == 200


# The list


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?username=nobody-of-that-name", set()),
        ("?name=经理", {"周经理"}),
        ("?department={north}", {"周经理", "陈同事"}),
        ("?department={sales}", {"林主管", "周经理", "陈同事", "王华东", "沈总"}),
        ("?groups={executive}", {"沈总"}),
        ("?state=disabled", {"离职者"}),
        ("?mobile=1390", {"周经理"}),
        ("?regions={region}", {"周经理"}),
    ],
)
def test_the_list_is_filtered(query, found, admin, company):
    User.objects.filter(pk=company.manager.pk).update(mobile="13900001111")
    company.manager.regions.add(factories.entry("地区", "华北"))
    factories.person("account_manager", name="离职者", is_active=False)
    region = factories.entry("地区", "华北").pk
    query = query.format(north=company.north.pk, sales=company.sales.pk, executive=role("executive").pk, region=region)
    listed = admin.get(reverse("accounts:user_list") + query)
    assert set(texts(listed, "table.tbl tbody td.m-t a")) == found


def test_the_list_asks_the_same_number_of_queries_however_many_people(admin, django_assert_num_queries):
    address = reverse("accounts:user_list")
    admin.get(address)
    with CaptureQueriesContext(connection) as few:
        admin.get(address)
    for _ in range(12):
        factories.person("sales_supervisor").regions.add(factories.entry("地区", "华北"))
    with django_assert_num_queries(len(few)):
        admin.get(address)
