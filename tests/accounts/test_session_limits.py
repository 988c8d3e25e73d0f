"""How long a sign-in lasts, and that a form sent too late is kept for its writer and for nobody else."""

from __future__ import annotations

import pytest
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.test import Client

from accounts.models import User
from accounts.signin.unsent_forms import MAX_AGE_SECONDS, MAX_CHARACTERS
from customers.models import Customer
from kit.audit.models import AuditEntry
from marketing.models import Opportunity
from tests import factories
from tests.html import find, find_all, value, values

pytestmark = pytest.mark.django_db
NEW = "/marketing/opportunities/new/"
PASSWORD = "a-long-passphrase"
IDLE, HOURS = django_settings.CRM_SESSION_IDLE_MINUTES * 60, django_settings.CRM_SESSION_HOURS * 3600


@pytest.fixture
def client_of(sign_in):
    return sign_in


def rewind(client, **clocks):
    """Puts the clocks of the session back by so many seconds."""
    session = client.session
    for name, seconds in clocks.items():
        session[name] -= seconds
    session.save()


def is_in(client):
    return client.get("/help/").status_code == 200


def kept_form(page):
    """Return where a sign-in leads, and the form it keeps until then."""
    return {name: value(page, name) for name in ("next", "kept")}


def test_a_sign_in_ends_when_it_was_left_alone(company, client_of):
    client = client_of(company.manager)
    rewind(client, seen=IDLE - 5)
    assert is_in(client)
    assert client.session["seen"] > client.session["entered"] - 5  # being used starts the clock again
    key = client.session.session_key
    rewind(client, seen=IDLE)
    answer = client.get("/customers/?name=x")
    assert answer["Location"] == "/login/?next=%2Fcustomers%2F%3Fname%3Dx&expired=1"
    assert "登录已超时，请重新登录。" in client.get(answer["Location"]).content.decode()
    assert not Session.objects.filter(session_key=key).exists()
    entry = AuditEntry.objects.get(verb="登录超时")
    assert (entry.actor, entry.address) == (company.manager, "127.0.0.1")
    assert not is_in(client)


def test_pages_have_the_person_and_not_a_lazy_object_of_them(company, client_of):
    assert type(client_of(company.manager).get("/help/").wsgi_request.user) is User


def test_a_sign_in_ends_after_its_hours_however_busy(company, client_of):
    client = client_of(company.manager)
    rewind(client, entered=HOURS - 5)
    assert is_in(client)
    rewind(client, entered=5)
    assert not is_in(client)


def test_the_limits_are_settings_and_idling_may_be_allowed(company, client_of, settings):
    client = client_of(company.manager)
    settings.CRM_SESSION_IDLE_MINUTES = 0
    rewind(client, seen=IDLE * 3)
    assert is_in(client)
    settings.CRM_SESSION_IDLE_MINUTES = 1
    rewind(client, seen=61)
    assert not is_in(client)


def test_a_session_from_before_these_clocks_starts_them(company, client_of):
    client = client_of(company.manager)
    session = client.session
    del session["entered"], session["seen"]
    session.save()
    assert is_in(client)
    assert "entered" in client.session


def test_a_page_that_asks_by_itself_keeps_nobody_signed_in(company, client_of):
    client = client_of(company.manager)
    rewind(client, seen=100)
    before = client.session["seen"]
    client.get("/jobs/", headers={"HX-Request": "true", "HX-Target": "job"})
    assert client.session["seen"] == before
    client.get("/jobs/", headers={"HX-Request": "true", "HX-Target": "list"})
    assert client.session["seen"] > before


def test_being_used_writes_the_session_once_a_minute_at_most(company, client_of, django_assert_max_num_queries):
    client = client_of(company.manager)
    client.get("/help/")
    with django_assert_max_num_queries(30) as queries:
        client.get("/help/")
    assert [q for q in queries if "UPDATE" in q["sql"]] == []


# Typed text


TYPED = {**factories.OPPORTUNITY, "description": '\n第一行\n"引号" <b>&amp;', "summary": "很长的概要"}


def late(client, path=NEW, sent=TYPED, **more):
    rewind(client, seen=IDLE)
    return client.post(path, sent, **more)


def test_a_form_sent_too_late_is_offered_again_after_signing_in(company, client_of):
    client = client_of(company.manager)
    answer = late(client)
    html = answer.content.decode()
    assert answer.status_code == 401
    assert "您刚才提交的内容没有丢" in html
    assert "很长的概要" not in html  # whoever sits there now has not signed in yet
    assert Opportunity.objects.count() == 0
    kept = kept_form(answer)
    wrong = client.post("/login/", {"username": company.manager.username, "password": "x", **kept})
    kept["kept"] = value(wrong, "kept")
    page = client.post("/login/", {"username": company.manager.username, "password": PASSWORD, **kept})
    assert find(page, "form.card").get("action") == NEW
    assert "还没有保存" in page.content.decode()
    assert values(page)["description"] == TYPED["description"]
    again = client.post(NEW, values(page))
    made = Opportunity.objects.get()
    assert again["Location"] == made.get_absolute_url()
    assert (made.description.strip(), made.summary) == (TYPED["description"].strip(), "很长的概要")


def test_what_was_typed_is_shown_to_its_writer_only(company, client_of):
    kept = kept_form(late(client_of(company.manager)))
    other = Client()
    answer = other.post("/login/", {"username": company.colleague.username, "password": PASSWORD, **kept})
    assert (answer.status_code, answer["Location"]) == (302, NEW)
    for forged in ("x", kept["kept"][:-3], kept["kept"] + "a", "\x00"):
        sent = {"username": company.manager.username, "password": PASSWORD, **kept, "kept": forged}
        assert Client().post("/login/", sent).status_code == 302


def test_a_kept_form_is_forgotten_after_a_day(company, client_of, monkeypatch):
    kept = value(late(client_of(company.manager)), "kept")
    sent = {"username": company.manager.username, "password": PASSWORD, "kept": kept}
    assert MAX_AGE_SECONDS == 86400
    monkeypatch.setattr("accounts.signin.unsent_forms.MAX_AGE_SECONDS", -1)
    assert Client().post("/login/", sent).status_code == 302


def test_passwords_and_very_long_texts_are_not_kept(company, client_of):
    secret = late(client_of(company.manager), "/accounts/password/", {"old_password": "geheim"})
    assert "kept" not in secret.content.decode()
    long = late(client_of(company.manager), sent={"description": "长" * (MAX_CHARACTERS + 1)})
    assert find_all(long, "[name=kept]") == []


def test_a_form_inside_a_page_gets_the_sign_in_as_a_page(company, client_of):
    customer = factories.CustomerFactory(manager=company.manager)
    headers = {"HX-Request": "true", "HX-Target": "contacts"}
    answer = late(
        client_of(company.manager), f"/customers/{customer.pk}/contacts/new/", {"name": "李工"}, headers=headers
    )
    assert (answer.status_code, answer["HX-Retarget"], answer["HX-Reswap"]) == (200, "body", "innerHTML")
    assert value(answer, "kept")


def test_a_visitor_without_a_session_is_sent_to_sign_in_as_ever():
    assert Client().post(NEW, TYPED)["Location"] == f"/login/?next={NEW}"


def test_a_form_opened_before_signing_in_elsewhere_is_offered_again_to_our_own_page_only(company):
    client = Client(enforce_csrf_checks=True)
    client.force_login(company.manager, backend="accounts.backends.RoleBackend")
    foreign = client.post(NEW, TYPED, headers={"Sec-Fetch-Site": "cross-site"})
    assert (foreign.status_code, find_all(foreign, "textarea")) == (403, [])
    assert find_all(client.post(NEW, TYPED), "textarea") == []
    ours = client.post(NEW, TYPED, headers={"Sec-Fetch-Site": "same-origin"})
    assert ours.status_code == 403
    client.post(NEW, values(ours))
    assert Opportunity.objects.get().summary == "很长的概要"
    assert Customer.objects.count() == 0
