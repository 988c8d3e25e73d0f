"""The customer's link: opened without signing in, used once, and what everybody else gets who tries."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kit.audit.models import AuditEntry
from services.models import ServiceRequest, ServiceRound
from services.ratings import pages as rating
from services.ratings.links import SIGNER, qr_code, rating_url
from tests import factories
from tests.html import errors, find, markup, text, written
from tests.services.pages import says_nothing

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fresh_counter")]


def test_the_customer_archives_with_their_own_stars(record, link, company, client):
    page = client.get(link)
    assert page.status_code == 200
    assert all(word in text(page) for word in ("零点漂移", "已归零", "周经理", record.number))
    assert "海悦" not in markup(page)
    assert page["Cache-Control"] == "no-store, private"
    assert "请选择星数。" in text(client.post(link, {"comment": "谢谢"}))
    assert client.post(link, {"satisfaction": "9"}).status_code == 200
    done = client.post(link, {"satisfaction": "5", "comment": "谢谢<b>"})
    assert "谢谢您的评价" in text(done)
    record.refresh_from_db()
    last = record.rounds.get()
    assert (record.status, record.satisfaction, record.satisfaction_by) == ("archived", 5, "customer")
    assert (last.satisfaction_by, last.comment, last.result) == ("customer", "谢谢<b>", "已归零")
    row = AuditEntry.objects.about(record).first()
    assert (row.actor_name, row.verb) == ("系统", "反馈并归档")
    assert row.changes["代客户经理"][1] == "周经理"
    assert "客户给「零点漂移」评了 5 星" in company.manager.notifications.first().text
    for verb in ("get", "post"):
        again = getattr(client, verb)(link, {"satisfaction": "1"})
        assert (again.status_code, says_nothing(again)) == (410, True)
        assert "已经用过" in text(again)


def test_few_stars_return_the_request_and_the_link_is_used(record, link, company, client):
    client.post(link, {"satisfaction": "1", "comment": "还是漂"})
    record.refresh_from_db()
    assert (record.status, record.returns, record.assignee) == ("assigned", 1, company.manager)
    assert "第 1 次退回" in company.supervisor.notifications.first().text
    record.handle(by=company.manager, handling="再来")
    assert client.post(link, {"satisfaction": "5"}).status_code == 410
    record.refresh_from_db()
    assert record.status == "handled"


def test_a_forged_expired_or_replaced_link_says_so_and_reveals_nothing(record, link, company, client, rf):
    current = record.rounds.get()
    token = link.split("/rate/")[1].rstrip("/")
    key, signature = token.split(":")
    forged = ["x", f"{token}x", key, f"{current.pk}:{signature}", "0" * 300, "%00", "😀", f"{key[::-1]}:{signature}"]
    for one in forged:
        response = client.get(f"/rate/{one}/")
        assert response.status_code in (400, 404), one
        assert says_nothing(response)
        assert client.post(f"/rate/{one}/", {"satisfaction": "5"}).status_code in (400, 404)
    newer = rating_url(record.invite(by=company.manager, result="已归零"), rf.get("/"))
    assert "请用新链接" in text(client.get(link))
    ServiceRound.objects.update(rating_until=timezone.now() - timedelta(seconds=1))
    late = client.post(newer, {"satisfaction": "5"})
    assert (late.status_code, says_nothing(late)) == (410, True)
    assert "已过期" in text(late)
    record.refresh_from_db()
    assert (record.status, record.satisfaction) == ("handled", None)


def test_a_link_is_worthless_once_the_manager_has_written_the_score_down(record, link, company, client):
    record.feedback(by=company.manager, result="已归零", satisfaction=4)
    assert client.post(link, {"satisfaction": "1"}).status_code == 410
    assert ServiceRequest.objects.get().satisfaction == 4


def test_visits_from_one_address_are_limited(record, link, client, monkeypatch):
    monkeypatch.setattr(rating, "PER_MINUTE", 3)
    assert [client.get("/rate/x/").status_code for _ in range(3)] == [404] * 3
    response = client.get(link)
    assert (response.status_code, says_nothing(response)) == (429, True)
    assert Client(REMOTE_ADDR="10.0.0.9").get(link).status_code == 200
    cache.clear()
    assert client.get(link).status_code == 200


def test_the_link_needs_the_token_of_its_form(link):
    assert Client(enforce_csrf_checks=True).post(link, {"satisfaction": "5"}).status_code == 403


def test_the_assignee_gets_link_and_code_after_saving_the_result(record, company, sign_in, client):
    mine = sign_in(company.manager)
    page = reverse("services:request_feedback", args=[record.pk])
    picture = reverse("services:rating_picture", args=[record.pk])
    assert mine.get(picture).status_code == 404
    assert "评价链接" not in markup(mine.get(page))
    assert "请填写" in text(mine.post(reverse("services:request_invite", args=[record.pk]), {"result": ""}))
    page_after = mine.post(reverse("services:request_invite", args=[record.pk]), {"result": "已归零"}, follow=True)
    link = page_after.context["rating_url"]
    assert find(page_after, "#rating-url").get("value") == link
    assert written(page_after, "[name=result]") == ["已归零"]
    code = mine.get(picture)
    assert code["Content-Type"] == "image/svg+xml"
    assert code.content == qr_code(link)
    assert sign_in(company.colleague).get(picture).status_code == 403
    assert sign_in(company.stranger).get(picture).status_code == 404
    assert client.get(link).status_code == 200


def test_the_code_is_a_picture_without_script_and_holds_the_url():
    code = qr_code("https://crm.example/rate/" + SIGNER.sign("k" * 32) + "/").decode()
    assert code.startswith("<svg")
    assert "script" not in code
    assert "style=" not in code


def test_a_complaint_asks_for_cause_and_improvement_before_the_link(company, sign_in):
    record = factories.handled(company.manager, company.supervisor, company.manager, kind="投诉")
    url = reverse("services:request_invite", args=[record.pk])
    client = sign_in(company.manager)
    refused = client.post(url, {"result": "好了"})
    assert sorted(errors(refused)) == ["请填写。", "请选择。"]
    values = {"cause": factories.entry("投诉原因", "产品质量").pk, "improvement": "出厂加测"}
    response = client.post(url, {"result": "好了", **values}, follow=True)
    Client().post(response.context["rating_url"], {"satisfaction": "3"})
    record.refresh_from_db()
    assert (record.status, record.improvement) == ("archived", "出厂加测")
