"""The current password guessed inside a sign-in: traced, and ended after five wrong ones in a row."""

from __future__ import annotations

import pytest
from django.core import signing
from django.urls import reverse
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import Notification, UserSession
from accounts.signin.second_factor_pages import KEY_SALT
from kit.audit.models import AuditEntry
from tests.accounts.second_factor import PASSWORD, SECRET

pytestmark = pytest.mark.django_db

PAGES = ["password", "recovery_codes", "second_factor_off", "second_factor_on"]
NEW = {"new_password1": "another-passphrase", "new_password2": "another-passphrase"}


@pytest.fixture
def answer(company, sign_in):
    """answer(page, password) sends the page of the manager with this current password."""
    client, person = sign_in(company.manager), company.manager
    client.get("/")

    def send(name, password, **headers):
        if name in ("recovery_codes", "second_factor_off") and not person.has_second_factor:
            TOTPDevice.objects.create(user=person, confirmed=True, key=SECRET)
        own = {"old_password": password, "password": password, "code": "000000"}
        key = signing.dumps(SECRET, salt=f"{KEY_SALT} {person.pk}")
        return client.post(reverse(f"accounts:{name}"), {**NEW, **own, "key": key}, headers=headers)

    send.client = client
    return send


def traced():
    return AuditEntry.objects.filter(verb="密码验证失败").count()


@pytest.mark.parametrize("name", PAGES)
def test_five_wrong_ones_in_a_row_end_the_sign_in_and_tell_the_person(name, answer, company):
    for count in range(1, 5):
        assert answer(name, "wrong").status_code == 200
        assert traced() == count
    ended = answer(name, "wrong")
    assert ended["Location"] == f"{reverse('login')}?ended=1"
    assert "登录已结束，请重新登录。" in answer.client.get(ended["Location"]).content.decode()
    assert answer.client.get("/")["Location"].startswith(reverse("login"))
    assert (traced(), UserSession.objects.filter(user=company.manager).count()) == (5, 0)
    assert "连续 5 次输错当前密码" in Notification.objects.get(recipient=company.manager).text
    entry = AuditEntry.objects.filter(verb="结束登录").get()
    assert (entry.actor, entry.changes["原因"][1]) == (company.manager, "连续 5 次输错当前密码")
    answer(name, PASSWORD)
    assert company.manager.check_password(PASSWORD)


def test_all_pages_count_together_and_a_right_one_starts_anew(answer):
    for name in PAGES[:2] * 2:
        assert answer(name, "wrong").status_code == 200
    assert answer("recovery_codes", PASSWORD).status_code == 200
    for _ in range(4):
        assert answer("password", "wrong").status_code == 200
    assert answer("password", "wrong").status_code == 302


def test_an_empty_answer_is_no_guess(answer):
    for name in PAGES:
        answer(name, "")
    assert traced() == 0


def test_a_dialog_is_led_to_the_sign_in_page_as_a_whole(answer):
    for _ in range(5):
        ended = answer("second_factor_off", "wrong", HX_Request="true")
    assert ended["HX-Redirect"] == f"{reverse('login')}?ended=1"


def test_turning_it_on_asks_for_the_password(answer, company):
    assert "密码不正确" in answer("second_factor_on", "wrong").content.decode()
    assert "当前密码" in answer.client.get(reverse("accounts:second_factor_on")).content.decode()
    assert not company.manager.has_second_factor
