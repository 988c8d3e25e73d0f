"""Signing in under attack: what refusals tell, locks, sessions, forged forms and where it leads."""

from __future__ import annotations

from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.signin.forms import SIGN_IN_FAILED
from kit.audit.models import AuditEntry
from marketing.models import Opportunity
from tests import factories
from tests.hazards.forms import (
    FORMS,
    PASSWORD,
    SCRIPT,
    business_texts,
)
from tests.html import find_all, parse, texts, values

pytestmark = pytest.mark.django_db


def enter(client, username, password, address="10.0.0.1", **more):
    return client.post("/login/", {"username": username, "password": password, **more}, REMOTE_ADDR=address)


def alert(response):
    """Return what the page says in red; nothing where it says nothing."""
    return "".join(texts(response, '[role="alert"]'))


def plain(response):
    """Return every element of the page, without what differs by design: the token and the typed name."""
    page = parse(response)
    for field in find_all(page, 'input[name="csrfmiddlewaretoken"], input[name="username"]'):
        field.attrib.pop("value", None)
    return tuple((element.tag, *element.attrib.items(), element.text, element.tail) for element in page.iter())


def test_unknown_wrong_disabled_and_locked_read_the_same(company, person):
    disabled = factories.UserFactory(is_active=False)
    answers = {
        "unknown": enter(Client(), "niemand", PASSWORD, "10.0.0.2"),
        "wrong": enter(Client(), person.username, "wrong", "10.0.0.3"),
        "disabled": enter(Client(), disabled.username, PASSWORD, "10.0.0.4"),
    }
    for _ in range(5):
        enter(Client(), person.username, "wrong", "10.0.0.5")
    answers["locked"] = enter(Client(), person.username, PASSWORD, "10.0.0.5")
    assert {name: (answer.status_code, alert(answer)) for name, answer in answers.items()} == dict.fromkeys(
        answers, (200, SIGN_IN_FAILED)
    )
    assert len({plain(answer) for answer in answers.values()}) == 1


def test_the_fifth_wrong_password_locks_the_account_from_this_address_only(person, company):
    for _ in range(4):
        enter(Client(), person.username, "wrong")
    assert enter(Client(), person.username, PASSWORD).status_code == 302  # and begins anew
    for _ in range(5):
        assert alert(enter(Client(), person.username, "wrong")) == SIGN_IN_FAILED
    assert alert(enter(Client(), person.username, PASSWORD)) == SIGN_IN_FAILED
    assert enter(Client(), person.username, PASSWORD, "10.0.0.9").status_code == 302
    assert enter(Client(), company.colleague.username, PASSWORD).status_code == 302


def test_a_lock_ends_after_15_minutes(person):
    for _ in range(5):
        enter(Client(), person.username, "wrong")
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=14))
    assert enter(Client(), person.username, PASSWORD).status_code == 200
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))
    assert enter(Client(), person.username, PASSWORD).status_code == 302


def test_a_forged_forwarded_address_does_not_dodge_the_lock(person):
    for n in range(6):
        client = Client(headers={"X-Forwarded-For": f"8.8.8.{n}"})
        enter(client, person.username, "wrong")
    assert alert(enter(Client(), person.username, PASSWORD)) == SIGN_IN_FAILED


def test_signing_in_and_failing_to_are_in_the_trail_with_the_address(person):
    enter(Client(), person.username, "wrong", "10.0.0.7")
    enter(Client(), person.username, PASSWORD, "10.0.0.8")
    failed, entered = AuditEntry.objects.get(verb="登录失败"), AuditEntry.objects.get(verb="登录")
    assert (failed.actor, failed.object_text, failed.address) == (None, person.username, "10.0.0.7")
    assert (entered.actor, entered.address) == (person, "10.0.0.8")
    assert not AuditEntry.objects.filter(changes__icontains="wrong").exists()


@pytest.mark.parametrize("name", ["", "a" * 100_000, "\x00", "a\x00b", "𠮷", "' OR 1=1 --", SCRIPT, "null", "*"])
def test_a_senseless_name_is_refused_like_any_other(name, person):
    response = enter(Client(), name, PASSWORD)
    assert response.status_code == 200
    assert "登录" in response.content.decode()


@pytest.mark.parametrize("password", ["", "\x00", "x" * 100_000, "𠮷", "\u200b"])
def test_a_senseless_password_is_refused(password, person):
    assert enter(Client(), person.username, password).status_code == 200


def test_the_session_changes_at_sign_in_and_ends_at_sign_out(person):
    client = Client()
    session = client.session
    session["planted"] = True
    session.save()
    planted = session.session_key
    enter(client, person.username, PASSWORD)
    entered = client.session.session_key
    assert entered != planted
    assert not Session.objects.filter(session_key=planted).exists()
    client.post("/logout/")
    assert not Session.objects.filter(session_key=entered).exists()
    assert client.get("/")["Location"].startswith("/login/")
    assert AuditEntry.objects.filter(verb="退出", actor=person).count() == 1


def test_a_stolen_session_key_of_before_the_password_change_is_worthless(person, sign_in):
    client = sign_in(person)
    thief = Client()
    thief.cookies[django_settings.SESSION_COOKIE_NAME] = client.session.session_key
    assert thief.get("/").status_code == 200
    values = {"old_password": PASSWORD, "new_password1": "another-passphrase", "new_password2": "another-passphrase"}
    client.post("/accounts/password/", values)
    assert thief.get("/")["Location"].startswith("/login/")


ELSEWHERE = [
    "https://evil.example/", "//evil.example/", "///evil.example", "/\\evil.example", "javascript:alert(1)",
    "http:///evil.example", "\\\\evil.example", "https:evil.example",
]  # fmt: skip


@pytest.mark.parametrize("target", ELSEWHERE)
def test_signing_in_leads_nowhere_outside(target, person):
    response = enter(Client(), person.username, PASSWORD, next=target)
    assert response["Location"] == "/"
    signed_in = Client()
    signed_in.force_login(person, backend="accounts.backends.RoleBackend")
    assert signed_in.get("/login/", {"next": target})["Location"] == "/"
    assert signed_in.post("/accounts/theme/", {"theme": "dark", "next": target})["Location"] == "/"
    assert signed_in.post("/accounts/density/", {"density": "roomy", "next": target})["Location"] == "/"
    assert signed_in.post("/logout/", {"next": target})["Location"] == "/login/"


def test_signing_in_leads_to_the_page_that_was_asked_for(person):
    asked = Client().get("/customers/?name=%E5%8C%97")["Location"]
    target = values(Client().get(asked), "form.stack")["next"]
    assert enter(Client(), person.username, PASSWORD, next=target)["Location"] == "/customers/?name=%E5%8C%97"


def test_a_form_without_its_token_is_refused_in_chinese(person):
    client = Client(enforce_csrf_checks=True)
    response = enter(client, person.username, PASSWORD)
    assert response.status_code == 403
    assert "这次提交没有生效" in response.content.decode()
    client.force_login(person, backend="accounts.backends.RoleBackend")
    for address in ("/marketing/opportunities/new/", "/accounts/theme/", "/logout/", "/notifications/read/"):
        response = client.post(address, factories.OPPORTUNITY)
        assert (address, response.status_code) == (address, 403)
        assert "这次提交没有生效" in response.content.decode()
    assert Opportunity.objects.count() == 0


@pytest.mark.parametrize("verb", ["put", "patch", "delete"])
def test_other_verbs_change_nothing(verb, clients, ids):
    for address, _, _ in FORMS.values():
        with transaction.atomic():
            response = getattr(clients["manager"], verb)(address.format(**ids), "x=1")
            assert response.status_code in (403, 404, 405, 409)
    assert Opportunity.objects.count() == 3


def test_no_page_changes_anything_when_it_is_only_read(clients, ids):
    before = business_texts()
    for address, _, _ in FORMS.values():
        for client in clients.values():
            client.get(address.format(**ids))
    assert business_texts() == before
