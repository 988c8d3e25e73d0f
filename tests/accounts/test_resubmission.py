"""Whatever ended the session, what one person had typed is offered to them again, and to nobody else."""

from __future__ import annotations

import io

import pytest
from django.contrib.sessions.models import Session
from django.core import signing
from django.test import Client

from accounts.sessions.models import end_sessions
from crm.headers import WITHOUT_SESSION
from customers.models import Customer, Interaction
from kit.pages import form_token
from kit.pages.models import Submission
from marketing.models import Opportunity
from tests import factories
from tests.html import find, find_all, links, text, values

pytestmark = pytest.mark.django_db
NEW = "/marketing/opportunities/new/"
PASSWORD = "a-long-passphrase"
TEXT = "整晚写下的概要"


class Browser:
    """One browser: cookies, and forms that stay open in its tabs. Cross-site checks are on, no Sec-Fetch headers."""

    def __init__(self):
        self.client = Client(enforce_csrf_checks=True)

    def sign_in(self, person, password=PASSWORD, **more):
        return self.answer(self.client.get("/login/"), person, **{"password": password, **more})

    def tab(self, address):
        """Return what a form that is open in a tab sends besides what one types."""
        return hidden(self.client.get(address))

    def answer(self, page, person, **more):
        """Sign in on the page that a form was answered with."""
        form = values(page, "main form")
        return self.client.post("/login/", {**form, "username": person.username, "password": PASSWORD, **more})


def source(response):
    """Return all that was sent, whether it is shown or not."""
    return response.content.decode()


def hidden(response, within="main"):
    """Return what the hidden fields of a page send, without those of the menus around it."""
    return {
        field.get("name"): field.get("value", "") for field in find_all(find(response, within), "input[type=hidden]")
    }


@pytest.fixture
def desk(company):
    desk = Browser()
    desk.sign_in(company.manager)
    return desk


def typed(tab, **values):
    return {**factories.OPPORTUNITY, **tab, "summary": TEXT, **values}


def cookie_gone(desk, company):
    """Overnight: the cookie has ended, the one of the forms' tokens lasts a year."""
    del desk.client.cookies["sessionid"]


def all_cookies_gone(desk, company):
    desk.client.cookies.clear()


def table_emptied(desk, company):
    Session.objects.all().delete()


def signed_out_in_another_tab(desk, company):
    assert desk.client.post("/logout/", desk.tab(NEW)).status_code == 302


def ended_elsewhere(desk, company):
    end_sessions(company.manager)


def idle(desk, company):
    session = desk.client.session
    session["seen"] -= 86000
    session.save()


ENDINGS = [cookie_gone, all_cookies_gone, table_emptied, signed_out_in_another_tab, ended_elsewhere, idle]


@pytest.mark.parametrize("end", ENDINGS)
def test_whatever_ended_the_session_the_form_is_offered_after_signing_in(end, desk, company):
    tab = desk.tab(NEW)
    end(desk, company)
    page = desk.client.post(NEW, typed(tab))
    assert page.status_code == 401
    assert "您刚才提交的内容没有丢" in text(page)
    assert TEXT not in source(page)
    again = desk.answer(page, company.manager)
    assert values(again)["summary"] == TEXT
    assert ("放弃", NEW) in links(again)
    desk.client.post(NEW, values(again))
    assert Opportunity.objects.get().summary == TEXT


def test_over_http_a_form_opened_before_signing_in_anew_is_offered_at_once(desk, company):
    tab = desk.tab(NEW)
    del desk.client.cookies["sessionid"]
    desk.sign_in(company.manager)
    page = desk.client.post(NEW, typed(tab))
    assert page.status_code == 403
    assert values(page)["summary"] == TEXT
    desk.client.post(NEW, values(page))
    assert Opportunity.objects.get().summary == TEXT


def test_somebody_else_who_signed_in_in_that_browser_reads_and_saves_nothing(desk, company):
    tab = desk.tab(NEW)
    del desk.client.cookies["sessionid"]
    desk.sign_in(company.colleague)
    page = desk.client.post(NEW, typed(tab))
    assert page.status_code == 401
    assert "用另一个账号打开" in text(page)
    assert TEXT not in source(page)
    assert desk.client.get("/help/").status_code == 200  # the colleague is still in
    other = desk.answer(page, company.colleague)
    assert (other.status_code, other["Location"]) == (302, NEW)
    again = desk.answer(page, company.manager, csrfmiddlewaretoken=desk.tab(NEW)["csrfmiddlewaretoken"])
    assert values(again)["summary"] == TEXT
    assert "周经理" in text(again)
    assert Opportunity.objects.count() == 0


def test_a_form_of_another_person_is_not_carried_out_even_with_a_good_token(company, sign_in):
    """Without the cross-site check: the form says itself whose it is."""
    page = sign_in(company.colleague).post(NEW, typed(hidden(sign_in(company.manager).get(NEW))))
    assert page.status_code == 401
    assert Opportunity.objects.count() == 0


def test_to_another_person_signing_in_on_the_answer_not_a_word_is_shown(desk, company):
    tab = desk.tab(NEW)
    table_emptied(desk, company)
    page = desk.client.post(NEW, typed(tab))
    answer = desk.answer(page, company.colleague)
    assert (answer.status_code, answer["Location"]) == (302, NEW)
    assert TEXT not in source(desk.client.get(NEW))


def test_nothing_is_stored_for_somebody_who_has_not_signed_in(desk, company):
    tab = desk.tab(NEW)
    table_emptied(desk, company)
    desk.client.post(NEW, typed(tab))
    assert (Session.objects.count(), Submission.objects.count()) == (0, 0)


def test_a_token_is_good_for_a_day_and_for_its_signer_only(desk, company, monkeypatch):
    tab = desk.tab(NEW)
    assert form_token.GOOD_FOR == 86400
    table_emptied(desk, company)
    for forged in ("x", tab["form_token"][:-2], signing.dumps([company.manager.pk, NEW], salt="other"), "\0"):
        answer = desk.client.post(NEW, typed(tab, form_token=forged))
        assert (answer.status_code, answer["Location"]) == (302, f"/login/?next={NEW}")
    monkeypatch.setattr(form_token, "GOOD_FOR", -1)
    assert desk.client.post(NEW, typed(tab)).status_code == 302


def test_a_one_time_form_sent_on_after_signing_in_makes_one_record(desk, company):
    tab = desk.tab(NEW)
    assert tab["submission"]
    table_emptied(desk, company)
    again = desk.answer(desk.client.post(NEW, typed(tab)), company.manager)
    sent = values(again)
    assert sent["submission"] == tab["submission"]
    for _ in range(2):
        desk.client.post(NEW, sent)
    assert Opportunity.objects.count() == 1


def test_long_texts_are_kept_and_longer_ones_said_not_to_be(desk, company):
    tab = desk.tab(NEW)
    table_emptied(desk, company)
    sent = {"content_type": "application/x-www-form-urlencoded"}
    for length, is_kept in ((190_000, True), (200_001, False)):
        body = "&".join(f"{name}={value}" for name, value in tab.items()) + "&summary=" + "%E5%AD%97" * length
        assert len(body) < WITHOUT_SESSION
        page = desk.client.post(NEW, body, **sent)
        assert (page.status_code, "没有丢" in text(page), "太长，没有保留" in text(page)) == (401, is_kept, not is_kept)
        if is_kept:
            assert len(hidden(page)["kept"]) < WITHOUT_SESSION


def test_passwords_are_never_kept(desk, company):
    tab = desk.tab("/accounts/password/")
    table_emptied(desk, company)
    answer = desk.client.post("/accounts/password/", {**tab, "old_password": PASSWORD, "new_password1": "geheim"})
    assert answer.status_code == 302


def test_a_form_with_large_files_is_kept_too_when_no_session_is_left(desk, company):
    customer = factories.CustomerFactory(manager=company.manager)
    address = f"/customers/{customer.pk}/interactions/new/"
    tab = desk.tab(address)
    cookie_gone(desk, company)
    file = io.BytesIO(b"%PDF-1.4" + b"x" * (WITHOUT_SESSION + 1))
    file.name = "图纸.pdf"
    page = desk.client.post(address, {**tab, "summary": TEXT, "files": file})
    assert page.status_code == 401
    again = desk.answer(page, company.manager)
    assert values(again)["summary"] == TEXT
    assert "「图纸.pdf」" in text(again)


def test_the_cookie_that_lets_large_forms_in_is_ours_and_lasts_a_day(desk, rf):
    cookie = desk.client.cookies[form_token.COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 90000)
    for value, is_known in ((cookie.value, True), ("1", False), (cookie.value[:-1], False), ("", False)):
        request = rf.get("/")
        request.COOKIES[form_token.COOKIE] = value
        assert form_token.is_remembered_browser(request) is is_known
    assert form_token.COOKIE not in desk.client.get("/help/").cookies  # written once an hour at most


def test_files_are_not_kept_and_named_to_be_chosen_again(desk, company):
    customer = factories.CustomerFactory(manager=company.manager)
    address = f"/customers/{customer.pk}/interactions/new/"
    tab = desk.tab(address)
    table_emptied(desk, company)
    file = io.BytesIO(b"%PDF-1.4 secret")
    file.name = "报价<1>.pdf"
    page = desk.client.post(address, {**tab, "summary": TEXT, "files": file})
    again = desk.answer(page, company.manager)
    assert "请重新选择：「报价<1>.pdf」" in text(again)
    assert "files" not in values(again)
    assert Interaction.objects.count() == 0


def test_a_form_in_a_dialog_is_answered_as_a_page_and_leads_back_to_where_it_stood(desk, company):
    customer = factories.CustomerFactory(manager=company.manager)
    address, page_around = f"/customers/{customer.pk}/contacts/new/", f"/customers/{customer.pk}/"
    htmx = {"HX-Request": "true", "HX-Target": "dialog", "HX-Current-URL": f"http://testserver{page_around}?tab=x"}
    tab = hidden(desk.client.get(address, headers=htmx), "form")
    table_emptied(desk, company)
    page = desk.client.post(address, {**tab, "name": "李工"}, headers=htmx)
    assert (page.status_code, page["HX-Retarget"]) == (200, "body")
    assert ("放弃", page_around) in links(desk.answer(page, company.manager))


def test_a_person_who_first_needs_a_password_of_their_own_keeps_the_form(desk, company):
    tab = desk.tab(NEW)
    table_emptied(desk, company)
    company.manager.must_change_password = True
    company.manager.save()
    again = desk.answer(desk.client.post(NEW, typed(tab)), company.manager)
    page = desk.client.post(NEW, values(again))
    assert page.status_code == 403
    assert values(page)["summary"] == TEXT
    assert find(page, "main a[target=_blank]").get("href") == "/accounts/password/"


def test_every_form_that_is_posted_carries_the_token_once(desk, company):
    customer = factories.CustomerFactory(manager=company.manager)
    for address in (NEW, f"/customers/{customer.pk}/", "/customers/new/", "/accounts/password/", "/notifications/"):
        forms = find_all(desk.client.get(address), "form[method=post]")
        assert forms
        assert [len(find_all(form, "[name=form_token]")) for form in forms] == [1] * len(forms)


def test_visitors_get_no_token_and_are_sent_to_sign_in_as_ever(company):
    client = Client()
    assert "form_token" not in source(client.get("/login/"))
    assert client.post(NEW, factories.OPPORTUNITY)["Location"] == f"/login/?next={NEW}"
    assert Customer.objects.count() == 0
