"""两步验证: nothing is open before the code; codes work once; failures lock; sessions are listed and ended."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from axes.models import AccessAttempt
from django.contrib.auth import hashers
from django.core import signing
from django.test import Client
from django.urls import reverse
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import User, UserSession
from accounts.sessions.models import ROW_KEY, ROW_USED_AT, delete_ended
from accounts.signin import second_factor_pages
from kit.audit.models import AuditEntry
from tests import factories
from tests.accounts.second_factor import PASSWORD, SECRET
from tests.html import errors, find_all, messages, texts

pytestmark = pytest.mark.django_db
LOGIN, CODE, PROFILE = "/login/", "/login/code/", "/accounts/profile/"
KEY_SALT = "second factor key"


@pytest.fixture
def clock(monkeypatch):
    """The time that codes are made of, standing still."""
    now = SimpleNamespace(time=1_800_000_000.0)
    monkeypatch.setattr("django_otp.plugins.otp_totp.models.time", SimpleNamespace(time=lambda: now.time))
    return now


def code(clock, steps=0):
    """What the telephone shows so many half minutes from now."""
    made = TOTP(bytes.fromhex(SECRET))
    made.time = clock.time + 30 * steps
    return f"{made.token():06d}"


@pytest.fixture
def guarded(company, clock):
    """The manager with a device, and their recovery codes."""
    person = company.manager
    codes = person.turn_on_second_factor(by=person, key=SECRET, code=code(clock), keep=None)
    clock.time += 30
    return SimpleNamespace(person=person, codes=codes)


def password(client, person, **more):
    return client.post(LOGIN, {"username": person.username, "password": PASSWORD, **more})


def unthrottled():
    """The library makes one wait a second after the first wrong code, two after the next."""
    for model in (TOTPDevice, StaticDevice):
        model.objects.update(throttling_failure_timestamp=None, throttling_failure_count=0)


# Signing in


def test_after_the_password_nothing_is_open_before_the_code(guarded, client, clock):
    response = password(client, guarded.person, next="/customers/")
    assert response["Location"] == CODE
    for address in ("/", "/customers/", PROFILE, "/accounts/password/", "/admin/", "/search/?q=x"):
        assert client.get(address)["Location"].startswith((LOGIN, "/admin/login")), address
    assert not AuditEntry.objects.filter(verb="登录").exists()
    assert client.post(CODE, {"code": code(clock)})["Location"] == "/customers/"
    assert client.get("/customers/").status_code == 200
    assert AuditEntry.objects.filter(verb="登录", actor=guarded.person).count() == 1


def test_the_admin_site_asks_the_code_too(company, client, clock):
    person = company.administrator
    person.turn_on_second_factor(by=person, key=SECRET, code=code(clock), keep=None)
    clock.time += 30
    password(client, person, next="/admin/")
    assert client.get("/admin/", follow=True).redirect_chain[-1][0].startswith(LOGIN)
    assert client.post(CODE, {"code": code(clock)})["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_a_code_works_once_whoever_sends_it_again(guarded, clock):
    first, second = Client(), Client()
    password(first, guarded.person)
    password(second, guarded.person)
    assert first.post(CODE, {"code": code(clock)}).status_code == 302
    assert "不正确" in second.post(CODE, {"code": code(clock)}).content.decode()
    assert second.get("/")["Location"].startswith(LOGIN)
    unthrottled()
    clock.time += 30
    assert second.post(CODE, {"code": code(clock)}).status_code == 302


@pytest.mark.parametrize(("steps", "passes"), [(-3, False), (-1, True), (0, True), (1, True), (3, False)])
def test_a_code_holds_for_its_half_minute_and_one_beside_it(steps, passes, guarded, client, clock):
    clock.time += 300
    password(client, guarded.person)
    assert (client.post(CODE, {"code": code(clock, steps)}).status_code == 302) is passes


def test_the_code_of_turning_on_does_not_sign_in(company, client, clock):
    person = company.manager
    used = code(clock)
    person.turn_on_second_factor(by=person, key=SECRET, code=used, keep=None)
    password(client, person)
    assert client.post(CODE, {"code": used}).status_code == 200


def test_a_recovery_code_works_once_in_any_spelling_and_is_stored_as_a_digest(guarded, client):
    spare = guarded.codes[0]
    stored = set(StaticToken.objects.values_list("token", flat=True))
    assert len(stored) == 10
    assert not any(one in stored or one.replace("-", "") in stored for one in guarded.codes)
    password(client, guarded.person)
    assert client.post(CODE, {"code": spare.upper().replace("-", " ")}).status_code == 302
    assert AuditEntry.objects.filter(verb="使用恢复码").get().changes == {"剩余": ["", "9"]}
    again = Client()
    password(again, guarded.person)
    assert again.post(CODE, {"code": spare}).status_code == 200


def test_recovery_codes_are_each_ones_own(guarded, company, client, clock):
    other = company.colleague
    other.turn_on_second_factor(by=other, key=SECRET, code=code(clock), keep=None)
    password(client, other)
    assert client.post(CODE, {"code": guarded.codes[0]}).status_code == 200


@pytest.mark.parametrize("sent", ["", "000000", "12345", "abcdefghij", "１２３４５６", "9" * 41, "a\x00b", "x" * 30])
def test_a_wrong_code_is_refused_with_a_message(sent, guarded, client):
    password(client, guarded.person)
    response = client.post(CODE, {"code": sent})
    assert response.status_code == 200
    assert errors(response) or "不正确" in "".join(messages(response, "red"))
    assert client.get("/")["Location"].startswith(LOGIN)


def test_five_wrong_codes_lock_the_name_for_codes_and_passwords(guarded, client, clock):
    password(client, guarded.person)
    for _ in range(5):
        unthrottled()
        client.post(CODE, {"code": "abcdefghij"})
    unthrottled()
    assert client.post(CODE, {"code": code(clock)})["Location"] == LOGIN
    assert password(client, guarded.person).status_code == 200
    assert AuditEntry.objects.filter(verb="登录失败", object_text=guarded.person.username).count() >= 5
    assert factories.fresh(guarded.person).is_locked


def test_wrong_passwords_and_wrong_codes_count_together(guarded, client, clock):
    for _ in range(3):
        client.post(LOGIN, {"username": guarded.person.username, "password": "wrong"})
    password(client, guarded.person)
    for _ in range(2):
        unthrottled()
        client.post(CODE, {"code": "abcdefghij"})
    unthrottled()
    assert client.post(CODE, {"code": code(clock)})["Location"] == LOGIN
    assert client.get("/")["Location"].startswith(LOGIN)


def test_another_browser_that_gave_the_password_is_locked_too(guarded, clock):
    waiting, failing = Client(), Client()
    password(waiting, guarded.person)
    password(failing, guarded.person)
    for _ in range(5):
        unthrottled()
        failing.post(CODE, {"code": "abcdefghij"})
    unthrottled()
    waiting.post(CODE, {"code": code(clock)})
    assert waiting.get("/")["Location"].startswith(LOGIN)


def test_what_was_typed_as_a_code_is_not_kept(guarded, client):
    password(client, guarded.person)
    client.post(CODE, {"code": guarded.codes[3] + "x"})
    attempt = AccessAttempt.objects.get()
    assert guarded.codes[3] not in attempt.post_data + attempt.get_data


@pytest.mark.parametrize(
    "spoil",
    [
        lambda person: User.objects.filter(pk=person.pk).update(is_active=False),
        lambda person: (person.set_password("changed-in-between"), person.save()),
        lambda person: TOTPDevice.objects.all().delete(),
    ],
    ids=["disabled", "new password", "no device"],
)
def test_a_password_given_before_counts_only_while_it_is_true(spoil, guarded, client, clock):
    password(client, guarded.person)
    spoil(guarded.person)
    assert client.post(CODE, {"code": code(clock)})["Location"] == LOGIN
    assert client.get("/")["Location"].startswith(LOGIN)


def test_a_password_given_too_long_ago_has_to_be_given_again(guarded, client, clock, monkeypatch):
    password(client, guarded.person)
    monkeypatch.setattr(second_factor_pages, "PENDING_MINUTES", -1)
    assert client.get(CODE)["Location"] == LOGIN


def test_the_page_of_the_code_leads_back_where_no_password_was_given(client):
    assert client.get(CODE)["Location"] == LOGIN
    assert client.post(CODE, {"code": "123456"})["Location"] == LOGIN


def test_signing_in_rotates_the_session(guarded, client, clock):
    client.get(LOGIN)
    password(client, guarded.person)
    between = client.session.session_key
    client.post(CODE, {"code": code(clock)})
    assert between
    assert client.session.session_key != between


# Same work for every cause


@pytest.mark.parametrize("who", ["unknown", "wrong", "disabled", "unusable", "one-time"])
def test_every_refused_sign_in_computes_one_hash(who, company, client, monkeypatch):
    person = company.manager
    if who == "disabled":
        User.objects.filter(pk=person.pk).update(is_active=False)
    if who == "unusable":
        person.set_unusable_password()
        person.save()
    if who == "one-time":
        person.reset_password(by=company.administrator)
    hashed = []
    encode = hashers.MD5PasswordHasher.encode
    monkeypatch.setattr(hashers.MD5PasswordHasher, "encode", lambda *args: hashed.append(1) or encode(*args))
    sent = PASSWORD if who == "disabled" else "wrong-passphrase"
    name = "nobody-of-that-name" if who == "unknown" else person.username
    response = client.post(LOGIN, {"username": name, "password": sent})
    assert "用户名或密码不正确，或账号暂时不能登录" in response.content.decode()
    assert len(hashed) == 1


# One's own device


def turn_on(client, person, token, key=SECRET, salt=None):
    signed = signing.dumps(key, salt=f"{KEY_SALT} {person.pk}" if salt is None else salt)
    return client.post(reverse("accounts:second_factor_on"), {"key": signed, "code": token, "password": PASSWORD})


def test_turning_on_shows_a_code_to_scan_and_recovery_codes_once(company, sign_in, clock):
    client, elsewhere = sign_in(company.manager), sign_in(company.manager)
    page = client.get(reverse("accounts:second_factor_on"))
    assert len(find_all(page, "img[src^='data:image/svg+xml']")) == 1
    assert not TOTPDevice.objects.exists()
    assert "不正确" in turn_on(client, company.manager, "000000").content.decode()
    assert not TOTPDevice.objects.exists()
    codes = texts(turn_on(client, company.manager, code(clock)), "ul.secrets code.secret")
    assert len(set(codes)) == 10
    assert client.get(PROFILE).status_code == 200
    assert codes[0] not in client.get(PROFILE).content.decode()
    assert elsewhere.get("/")["Location"].startswith(LOGIN)
    assert AuditEntry.objects.filter(verb="开启两步验证").get().changes == {}
    assert turn_on(client, company.manager, code(clock)).status_code == 409


@pytest.mark.parametrize("salt", ["", "second factor key 0"])
def test_a_key_that_was_not_shown_to_them_is_refused(salt, company, sign_in, clock):
    assert turn_on(sign_in(company.manager), company.manager, code(clock), salt=salt).status_code == 200
    assert not TOTPDevice.objects.exists()


def test_new_codes_and_turning_off_ask_for_the_password(guarded, sign_in):
    client = sign_in(guarded.person)
    for name in ("recovery_codes", "second_factor_off"):
        assert "密码不正确" in client.post(reverse(f"accounts:{name}"), {"password": "wrong"}).content.decode()
    fresh = texts(client.post(reverse("accounts:recovery_codes"), {"password": PASSWORD}), "ul.secrets code.secret")
    assert not guarded.person.passes_second_factor(guarded.codes[0])
    unthrottled()
    assert guarded.person.passes_second_factor(fresh[0])
    assert client.post(reverse("accounts:second_factor_off"), {"password": PASSWORD}).status_code == 302
    assert not TOTPDevice.objects.exists()
    assert not StaticToken.objects.exists()
    assert AuditEntry.objects.filter(verb="关闭两步验证").count() == 1


def test_an_administrator_resets_it_and_the_trail_says_so(guarded, company, sign_in):
    browser = sign_in(guarded.person)
    address = reverse("accounts:user_reset_second_factor", args=[guarded.person.pk])
    assert sign_in(company.administrator).post(address).status_code == 302
    assert not guarded.person.has_second_factor
    assert AuditEntry.objects.about(guarded.person)[0].verb == "重置两步验证"
    assert browser.get("/")["Location"].startswith(LOGIN)
    assert sign_in(company.supervisor).post(address).status_code == 404


def test_administrators_must_use_it_where_the_setting_says_so(company, sign_in, settings, clock):
    settings.CRM_REQUIRE_ADMIN_TOTP = True
    client = sign_in(company.administrator)
    for address in ("/", "/accounts/users/", "/admin/"):
        assert client.get(address)["Location"] == reverse("accounts:second_factor_on")
    assert sign_in(company.manager).get("/").status_code == 200
    assert "恢复码" in turn_on(client, company.administrator, code(clock)).content.decode()
    assert client.get("/accounts/users/").status_code == 200
    assert client.post(reverse("accounts:second_factor_off"), {"password": PASSWORD}).status_code == 409


# Sessions


def test_ones_sessions_are_listed_and_ended_one_by_one(company, sign_in):
    here, there, foreign = sign_in(company.manager), sign_in(company.manager), sign_in(company.colleague)
    page = here.get(PROFILE)
    assert texts(page, "ul.rows .tag") == ["本机"]
    assert texts(page, "ul.rows button") == ["结束"]
    other = UserSession.objects.get(session_key=there.session.session_key)
    assert foreign.post(reverse("accounts:session_end", args=[other.pk])).status_code == 404
    assert there.get("/").status_code == 200
    own = UserSession.objects.get(session_key=here.session.session_key)
    assert here.post(reverse("accounts:session_end", args=[own.pk])).status_code == 404
    assert here.post(reverse("accounts:session_end", args=[other.pk])).status_code == 302
    assert there.get("/")["Location"].startswith(LOGIN)
    assert here.get("/").status_code == 200


def test_all_other_sessions_are_ended_together(company, sign_in):
    here, *others = (sign_in(company.manager) for _ in range(4))
    here.post(reverse("accounts:session_end_others"))
    assert [client.get("/").status_code for client in others] == [302] * 3
    assert here.get("/").status_code == 200
    assert AuditEntry.objects.about(company.manager)[0].changes == {"登录数": ["", "3"]}


def test_a_changed_password_keeps_this_session_in_the_list_and_drops_the_rest(company, sign_in):
    here, there = sign_in(company.manager), sign_in(company.manager)
    change = {"old_password": PASSWORD, "new_password1": "another-passphrase", "new_password2": "another-passphrase"}
    here.post("/accounts/password/", change)
    assert there.get("/")["Location"].startswith(LOGIN)
    keys = list(UserSession.objects.filter(user=company.manager).values_list("session_key", flat=True))
    assert keys == [here.session.session_key]


def test_signing_out_and_expiry_leave_the_list(company, sign_in):
    sign_in(company.manager).post(reverse("logout"))
    assert not UserSession.objects.filter(user=company.manager).exists()
    UserSession.objects.create(user=company.manager, session_key="gone")
    kept = sign_in(company.colleague)
    assert list(company.manager.sign_ins.alive()) == []
    assert delete_ended() == 1
    assert kept.get("/").status_code == 200


def test_a_session_from_before_the_list_is_taken_into_it_and_visits_are_noted_now_and_then(company, sign_in):
    client = sign_in(company.manager)
    UserSession.objects.all().delete()
    session = client.session
    del session[ROW_KEY]
    session.save()
    client.get("/", HTTP_USER_AGENT="Mozilla/5.0 (Windows NT 10.0) Chrome/109 Edg/109")
    row = UserSession.objects.get()
    assert row.device == "Edge · Windows"
    client.get("/")
    assert UserSession.objects.get().seen_at == row.seen_at
    session = client.session
    session[ROW_USED_AT] = int(time.time()) - 301
    session.save()
    client.get("/", REMOTE_ADDR="10.1.2.3")
    assert UserSession.objects.get().seen_at > row.seen_at
    assert UserSession.objects.get().address == "10.1.2.3"
