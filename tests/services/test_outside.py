"""What customers meet at their link in each of its states, and when something goes wrong; and that no log holds it."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crm.public_paths import KEY_PATHS
from crm.settings import BASE_DIR
from kit.pages import public_pages
from services.models import ServiceRequest, ServiceRound
from services.ratings import pages as rating
from services.ratings.links import SIGNER, rating_url
from tests import factories
from tests.html import find, find_all, markup, text, values, written
from tests.services.pages import says_nothing

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fresh_counter")]
COMMENT = "还是<b>漂</b>，请再来一次"


def is_for_outsiders(response):
    """Nothing of the staff's layout, menu or search, and no URL of the product but its files."""
    html = markup(response)
    ours = any(word in html for word in ("客户关系管理", "回工作台", "系统管理员", "搜索")) or find_all(response, "nav")
    pointing = find_all(response, "[href], [src], [action]")
    urls = [one.get(name, "") for one in pointing for name in ("href", "src", "action")]
    return not ours and all("/static/" in url for url in urls if url.startswith("/"))


# The states of a link


def test_a_replaced_link_says_that_there_is_a_newer_one(link, invite, client):
    newer = invite()
    for verb in ("get", "post"):
        answer = getattr(client, verb)(link, {"satisfaction": "5", "comment": ""})
        assert (answer.status_code, says_nothing(answer), is_for_outsiders(answer)) == (410, True, True)
        assert "请用新链接" in text(answer)
        assert "评价已经收到" not in markup(answer)
    assert client.get(newer).status_code == 200
    newest = invite()
    assert all("请用新链接" in text(client.get(one)) for one in (link, newer))
    assert client.get(newest).status_code == 200


def test_a_round_closed_by_its_manager_says_so_and_not_that_a_score_came(link, invite, record, company, client):
    newer = invite()
    record.feedback(by=company.manager, result="已归零", satisfaction=4)
    for one in (link, newer):
        answer = client.get(one)
        assert (answer.status_code, says_nothing(answer)) == (410, True)
        assert "不需要再评价" in text(answer)
        assert not any(words in markup(answer) for words in ("评价已经收到", "新链接"))


def test_after_the_score_every_link_of_the_round_says_that_it_came(link, invite, client):
    newer = invite()
    client.post(newer, {"satisfaction": "5"})
    for one in (link, newer):
        assert "评价已经收到" in text(client.get(one))


def test_a_link_of_a_request_no_longer_waiting_is_closed(link, record, client):
    ServiceRequest.objects.update(status="assigned")
    assert "这次评价已经结束" in text(client.get(link))


def test_an_expired_link_says_so(link, client):
    ServiceRound.objects.update(rating_until=timezone.now() - timedelta(seconds=1))
    assert "已过期" in text(client.get(link))


def test_forged_and_unknown_links_get_one_constant_answer(link, client, company, sign_in):
    token = link.split("/rate/")[1].rstrip("/")
    key, signature = token.split(":")
    others = ["x", f"{token}x", key, f"{key[::-1]}:{signature}", "0" * 300, "%00", "😀", "a/b", SIGNER.sign("k" * 32)]
    answers = [visitor.get(f"/rate/{one}/") for one in others for visitor in (client, sign_in(company.manager))]
    answers += [client.post(f"/rate/{one}/", {"satisfaction": "5", "comment": COMMENT}) for one in others]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert says_nothing(answers[0])
    assert is_for_outsiders(answers[0])
    assert "链接无效" in text(answers[0])


def test_a_link_whose_record_is_gone_is_unknown(link, record, client):
    ServiceRound.objects.all().delete()
    assert client.get(link).content == client.get("/rate/x/").content


# Something goes wrong


def test_a_visitor_whose_browser_keeps_no_cookie_gives_a_score_all_the_same(link, record):
    page = Client(enforce_csrf_checks=True).get(link)
    sent = {**values(page), "satisfaction": "5", "comment": COMMENT}
    assert "谢谢您的评价" in text(Client(enforce_csrf_checks=True).post(link, sent))
    assert record.rounds.get().comment == COMMENT


def test_a_form_that_was_not_ours_is_shown_again_with_what_was_typed(link, record):
    client = Client(enforce_csrf_checks=True)
    for proof in ({}, {"proof": "x"}, {"proof": "é"}):
        answer = client.post(link, {"satisfaction": "4", "comment": COMMENT, **proof})
        assert answer.status_code == 403
        assert is_for_outsiders(answer)
        assert written(answer) == [COMMENT]
        assert find(answer, "input[name=satisfaction]:checked").get("value") == "4"
        assert record.rounds.get().closed_at is None
    client.cookies.clear()
    client.post(link, values(answer))
    assert record.rounds.get().satisfaction == 4


def test_the_signature_of_one_link_is_none_for_another(link, company, rf):
    other = factories.handled(company.manager, company.supervisor, company.manager)
    second = rating_url(other.invite(by=company.manager, result="好"), rf.get("/"))
    client = Client(enforce_csrf_checks=True)
    sent = {"satisfaction": "5", "proof": values(client.get(link))["proof"]}
    client.cookies.clear()
    assert client.post(second, sent).status_code == 403


@pytest.mark.parametrize("state", ["replaced", "closed", "too many"])
def test_the_comment_of_a_form_that_came_too_late_can_be_copied(state, link, invite, record, company, monkeypatch):
    if state == "replaced":
        invite()
    elif state == "closed":
        record.feedback(by=company.manager, result="已归零", satisfaction=4)
    else:
        monkeypatch.setattr(rating, "PER_MINUTE", 0)
    answer = Client().post(link, {"satisfaction": "5", "comment": COMMENT})
    assert answer.status_code == (429 if state == "too many" else 410)
    assert written(answer, "textarea[readonly]") == [COMMENT]
    assert COMMENT not in markup(answer)  # shown as text
    assert (says_nothing(answer), is_for_outsiders(answer)) == (True, True)


def test_a_complaint_that_lacks_something_by_now_is_not_said_to_be_rated(company, rf):
    record = factories.handled(company.manager, company.supervisor, company.manager, kind="投诉")
    cause = factories.entry("投诉原因", "产品质量")
    made = record.invite(by=company.manager, result="好了", cause=cause, improvement="出厂加测")
    ServiceRequest.objects.update(improvement="")
    answer = Client().post(rating_url(made, rf.get("/")), {"satisfaction": "5", "comment": COMMENT})
    assert answer.status_code == 409
    assert "现在不能提交" in text(answer)
    assert written(answer) == [COMMENT]


def test_a_crash_and_other_faults_at_a_link_get_pages_for_customers(link, monkeypatch, settings):
    client = Client(raise_request_exception=False)
    assert is_for_outsiders(client.put(link))
    assert client.put(link).status_code == 405
    assert is_for_outsiders(client.get(link, {"q": "\0"}))
    assert is_for_outsiders(client.get(link, headers={"host": "evil.example"}))
    long = client.generic("POST", link, b"", CONTENT_LENGTH="9999999")
    assert (long.status_code, is_for_outsiders(long)) == (413, True)

    def crash(*args):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(rating, "read_token", crash)
    answer = client.post(link, {"satisfaction": "5", "comment": COMMENT})
    assert (answer.status_code, is_for_outsiders(answer)) == (500, True)
    assert written(answer, "textarea[readonly]") == [COMMENT]
    assert "secret" not in markup(answer)


def test_a_visitor_at_a_url_that_leads_nowhere_learns_nothing_of_the_product(client):
    answer = client.get("/rat/abc/")
    assert answer.status_code == 404
    assert "没有这个页面" in text(answer)
    assert not any(words in markup(answer) for words in ("客户关系管理", "搜索", "工作台"))


# The company's name and URL


def test_the_companys_name_and_logo_stand_on_every_page_for_outsiders(link, client, settings, tmp_path):
    picture = tmp_path / "logo.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    assert find_all(client.get(link), ".company") == []
    settings.CRM_COMPANY_NAME, settings.CRM_COMPANY_LOGO = "海岳<阀门>", str(picture)
    for url, status in ((link, 200), ("/rate/x/", 404), ("/nowhere/", 404)):
        answer = client.get(url)
        assert answer.status_code == status
        assert text(find(answer, "p.company")) == "海岳<阀门>"
        assert find(answer, "p.company img").get("src") == "data:image/png;base64,iVBORw0KGgo="
    assert "data:" in client.get(link)["Content-Security-Policy"]


def test_a_logo_that_cannot_be_shown_is_refused_at_the_start(tmp_path):
    large = tmp_path / "large.png"
    large.write_bytes(b"x" * (public_pages.MAX_LOGO_BYTES + 1))
    for path, words in ((tmp_path / "a.exe", "PNG"), (tmp_path / "none.svg", "不存在"), (large, "超过")):
        assert words in public_pages.logo_problem(str(path))
    large.write_bytes(b"x")
    assert public_pages.logo_problem(str(large)) == ""


def test_every_link_for_outsiders_begins_as_the_setting_says(record, company, sign_in, settings, invite):
    settings.CRM_BASE_URL = "https://crm.example.com"
    made = invite()
    assert made.startswith("https://crm.example.com/rate/")
    url, client = reverse("services:request_feedback", args=[record.pk]), sign_in(company.manager)
    assert client.get(url, headers={"host": "127.0.0.1"}).context["rating_url"] == made
    settings.CRM_BASE_URL = ""
    page = client.get(url)
    assert page.context["rating_url"] == made.replace("https://crm.example.com", "http://testserver")


def test_the_url_of_the_first_administrator_begins_so_too(settings, capsys):
    settings.CRM_BASE_URL = "https://crm.example.com"
    call_command("setup_link")
    assert "https://crm.example.com/setup/" in capsys.readouterr().out


def test_a_base_without_scheme_is_refused(monkeypatch):
    path = BASE_DIR / "crm" / "settings.py"
    monkeypatch.setenv("CRM_BASE_URL", "crm.example.com")
    with pytest.raises(ImproperlyConfigured, match="CRM_BASE_URL"):
        exec(path.read_text(), {"__file__": str(path), "__name__": "settings_of_the_test"})


# No link in any log


def test_no_log_holds_a_link(link, caplog, monkeypatch):
    token = link.split("/rate/")[1].rstrip("/")
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    with caplog.at_level(logging.DEBUG):
        client.post(link, {"satisfaction": "5"})
        client.get(f"{link}?q=%00")

        def crash(*args):
            raise RuntimeError(f"failed at {link}")

        monkeypatch.setattr(rating, "read_token", crash)
        client.get(link)
        client.get("/setup/abc:def/")
    assert "CSRF cookie" in caplog.text
    assert "/rate/…" in caplog.text
    assert token not in caplog.text
    assert "abc:def" not in caplog.text


def test_a_link_in_a_traceback_or_an_access_line_is_hidden(link):
    record = logging.LogRecord("x", logging.INFO, "x", 1, '"GET %(U)s" "%(f)s"', ({"U": link, "f": f"a {link}"},), None)
    assert public_pages.HideKeys(KEY_PATHS).filter(record)
    assert record.getMessage() == '"GET http://testserver/rate/…" "a http://testserver/rate/…"'
    plain = logging.LogRecord("x", logging.INFO, "x", 1, "/customers/%s/", (1,), None)
    assert public_pages.HideKeys(KEY_PATHS).filter(plain)
    assert (plain.msg, plain.args) == ("/customers/%s/", (1,))


def test_the_url_of_the_page_goes_to_no_other_site(link, client):
    assert {client.get(one)["Referrer-Policy"] for one in (link, link[:-1], "/rate/x/")} == {"strict-origin"}
    assert client.get("/login/")["Referrer-Policy"] == "same-origin"


LOGGED_BEFORE_SETTINGS = """
import logging, runpy
names = runpy.run_path("gunicorn.conf.py")
record = logging.LogRecord("x", logging.INFO, "x", 1, "GET %s", ("/rate/abc/",), None)
names["HideKeys"](names["KEY_PATHS"]).filter(record)
print(record.getMessage())
"""


def test_the_server_hides_links_before_it_has_settings():
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    command = [sys.executable, "-c", LOGGED_BEFORE_SETTINGS]
    done = subprocess.run(command, env=environment, cwd=BASE_DIR, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("GET /rate/…", "")
