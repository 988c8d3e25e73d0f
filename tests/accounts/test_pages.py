"""One's own pages: password, appearance, notifications, and the address that makes the first administrator."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core import signing
from django.urls import reverse
from django.utils import timezone

from accounts.models import Notification, Role, User, notify
from kit.audit.models import AuditEntry
from tests import factories
from tests.html import errors, find, find_all, messages, texts, urls

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-passphrase"
NEW_PASSWORD = "another-passphrase"


@pytest.fixture
def manager(company, sign_in):
    return sign_in(company.manager)


# Password


def change(client, old=PASSWORD, new=NEW_PASSWORD, again=NEW_PASSWORD):
    values = {"old_password": old, "new_password1": new, "new_password2": again}
    return client.post(reverse("accounts:password"), values, follow=True)


def test_a_changed_password_ends_the_other_sessions_and_keeps_this_one(company, sign_in):
    here, elsewhere = sign_in(company.manager), sign_in(company.manager)
    assert messages(change(here), "green") == ["密码已修改，其他设备上的登录已失效。"]
    assert factories.fresh(company.manager).check_password(NEW_PASSWORD)
    assert here.get("/").status_code == 200
    assert elsewhere.get("/")["Location"].startswith(reverse("login"))
    assert AuditEntry.objects.get(verb="修改密码").actor == company.manager


@pytest.mark.parametrize(
    "values",
    [
        {"old": "wrong"},
        {"again": "something-else"},
        {"new": "short", "again": "short"},
        {"new": "12345678901", "again": "12345678901"},
        {"new": "password", "again": "password"},
    ],
)
def test_a_refused_password_changes_nothing_and_says_why(values, manager, company):
    response = change(manager, **values)
    assert len(errors(response)) >= 1
    assert factories.fresh(company.manager).check_password(PASSWORD)
    assert not AuditEntry.objects.filter(verb="修改密码").exists()


def test_an_administrators_new_password_is_in_the_audit_log_wherever_they_change_it(company, sign_in):
    values = {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    sign_in(company.administrator).post(reverse("admin:password_change"), values)
    changed = factories.fresh(company.administrator).check_password(NEW_PASSWORD)
    assert AuditEntry.objects.filter(verb="修改密码", actor=company.administrator).count() == changed


@pytest.mark.parametrize("new", ["short", "12345678901", "password"])
def test_why_a_password_is_refused_is_said_in_chinese(new, manager):
    assert [text for text in errors(change(manager, new=new, again=new)) if not re.search("[一-鿿]", text)] == []


# Appearance


@pytest.mark.parametrize("theme", ["light", "dark", "auto"])
def test_the_appearance_is_kept_and_drawn_by_the_server(theme, manager, company):
    response = manager.post(reverse("accounts:theme"), {"theme": theme, "next": "/customers/"}, follow=True)
    assert response.redirect_chain == [("/customers/", 302)]
    assert find(response, "html").get("data-theme") == theme


@pytest.mark.parametrize("theme", ["", "pink", "dark; color:red", "<script>"])
def test_an_unknown_appearance_is_ignored(theme, manager, company):
    manager.post(reverse("accounts:theme"), {"theme": theme})
    assert factories.fresh(company.manager).theme == "auto"


# Notifications


def bell(page):
    """Return what the bell above the page tells a screen reader."""
    return find(page, "header.topbar a[href='/notifications/']").get("aria-label")


def test_notifications_are_listed_newest_first_with_the_unread_count(manager, company):
    record = factories.opportunity(company.manager)
    notify(company.manager, "较早的通知", record)
    notify(company.manager, "较新的通知", record)
    notify(company.colleague, "别人的通知", record)
    page = manager.get("/notifications/")
    assert [words[:5] for words in texts(page, "ul.noti li .g")] == ["较新的通知", "较早的通知"]
    assert "别人的通知" not in page.content.decode()
    assert bell(page) == "通知，2 条未读"


def test_opening_marks_read_and_leads_to_the_record(manager, company):
    record = factories.assigned(company.supervisor, company.supervisor, company.manager)
    note = company.manager.notifications.get()
    response = manager.post(note.get_absolute_url())
    assert response["Location"] == record.get_absolute_url()
    note.refresh_from_db()
    assert note.read_at is not None
    assert bell(manager.get("/notifications/")) == "通知，0 条未读"


def test_opening_again_keeps_the_first_time_of_reading(manager, company):
    notify(company.manager, "通知")
    note = company.manager.notifications.get()
    Notification.objects.update(read_at=timezone.now() - timedelta(days=1))
    manager.post(note.get_absolute_url())
    note.refresh_from_db()
    assert note.read_at < timezone.now() - timedelta(hours=23)


def test_a_notification_without_a_record_leads_back_to_the_list(manager, company):
    notify(company.manager, "系统维护")
    response = manager.post(company.manager.notifications.get().get_absolute_url())
    assert response["Location"] == reverse("notifications")


def test_somebody_elses_notification_is_not_found(company, sign_in):
    notify(company.manager, "给经理的话")
    note = company.manager.notifications.get()
    response = sign_in(company.supervisor).post(note.get_absolute_url())
    assert response.status_code == 404
    note.refresh_from_db()
    assert note.read_at is None


def test_a_notification_about_a_record_that_left_the_view_is_hidden_everywhere(company, sign_in):
    record = factories.assigned(company.supervisor, company.supervisor, company.manager)
    client = sign_in(company.manager)
    assert record.summary in client.get("/notifications/").content.decode()
    record.reassign(company.eastern, by=company.supervisor, reason="换区")
    for address in ("/", "/notifications/"):
        assert record.summary not in client.get(address).content.decode()


def test_the_unread_count_leaves_out_what_the_list_hides(company, sign_in):
    record = factories.assigned(company.supervisor, company.supervisor, company.manager)
    record.reassign(company.eastern, by=company.supervisor, reason="换区")
    page = sign_in(company.manager).get("/notifications/")
    assert bell(page) == f"通知，{len(find_all(page, 'li.unread'))} 条未读"


def test_the_former_assignee_in_another_group_reads_that_they_were_relieved(company, sign_in):
    record = factories.assigned(company.supervisor, company.supervisor, company.manager)
    record.reassign(company.eastern, by=company.supervisor, reason="换区")
    assert "改派给 王华东：换区" in sign_in(company.manager).get("/notifications/").content.decode()


def test_marking_all_read_touches_only_ones_own(manager, company):
    notify(company.manager, "甲")
    notify(company.colleague, "乙")
    assert manager.post(reverse("notifications_read"))["Location"] == reverse("notifications")
    assert company.manager.notifications.unread().count() == 0
    assert company.colleague.notifications.unread().count() == 1


def test_people_who_left_are_not_told(company):
    company.manager.is_active = False
    notify(company.manager, "通知")
    assert Notification.objects.count() == 0


# The first administrator


@pytest.fixture
def address(db):
    return reverse("setup", args=[signing.dumps("first", salt="setup")])


FIRST = {"username": "hegong", "name": "何工", "password": "a-good-passphrase", "repeated": "a-good-passphrase"}


def test_the_setup_address_makes_an_administrator_signs_them_in_and_works_once(client, address):
    assert client.get(address).status_code == 200
    response = client.post(address, FIRST, follow=True)
    assert response.redirect_chain == [("/", 302)]
    user = User.objects.get()
    assert (user.is_administrator, user.is_superuser, user.check_password(FIRST["password"])) == (True, False, True)
    entry = AuditEntry.objects.get(verb="新建")
    assert (entry.actor_name, entry.object_text) == ("系统", "何工")
    client.post(reverse("logout"))
    for used in (client.get(address), client.post(address, {**FIRST, "username": "second"})):
        assert (used.status_code, "这个地址已经用过" in used.content.decode()) == (410, True)
        assert reverse("login") in urls(used)
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"password": "short"}, "8"),
        ({"repeated": "another-passphrase"}, "两次输入的密码不一致"),
        ({"repeated": ""}, "请填写。"),
        ({"password": "12345678901"}, "密码"),
        ({"username": ""}, "请填写。"),
        ({"name": ""}, "请填写。"),
        ({"username": "a b"}, "用户名"),
    ],
)
def test_the_setup_form_refuses_with_a_message(change, message, client, address):
    response = client.post(address, {**FIRST, **change})
    assert message in "".join(errors(response))
    assert User.objects.count() == 0


def test_the_setup_form_refuses_a_name_in_use(client, address):
    factories.UserFactory(username="hegong")
    assert errors(client.post(address, FIRST)) == ["这个用户名已有人使用，请另选。"]


@pytest.mark.parametrize("token", ["x", "first", "ImZpcnN0Ig:1a:b"])
def test_a_forged_setup_address_is_not_found(token, client):
    assert client.get(reverse("setup", args=[token])).status_code == 404
    assert client.post(reverse("setup", args=[token]), FIRST).status_code == 404
    assert User.objects.count() == 0


def test_a_token_signed_for_something_else_is_not_found(client):
    token = signing.dumps({"version": 0}, salt="opened")
    assert client.get(reverse("setup", args=[token])).status_code == 404


def test_an_old_setup_address_is_not_found(client, address, monkeypatch):
    monkeypatch.setattr("accounts.signin.pages.SETUP_HOURS", -1)
    assert client.get(address).status_code == 404


def test_the_setup_address_is_dead_where_an_administrator_works(client, address):
    factories.person("administrator")
    assert client.get(address).status_code == 410


def test_a_fresh_installation_has_roles_but_nobody_with_a_password():
    assert User.objects.count() == 0
    assert set(Role.objects.values_list("name", flat=True)) == {
        "系统管理员",
        "销售主管",
        "客户经理",
        "高管",
        "协办人员",
    }
