"""Where service requests appear: with the customer, at home, in the menu, by phone, in the search, among notices."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from customers.contacts.callers import customers_by_phone
from customers.models import Customer
from services.models import ServiceRequest
from tests import factories
from tests.html import markup, menu, text, texts, urls, value

pytestmark = pytest.mark.django_db


def test_the_customers_page_shows_services_and_complaints_of_twelve_months(customer, people, company, sign_in):
    factories.archived(*people, customer=customer, kind="投诉", summary="新投诉")
    old = factories.archived(*people, customer=customer, kind="投诉", summary="旧投诉")
    ServiceRequest.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=366))
    factories.dispatched(*people, customer=customer, summary="在办的")
    client = sign_in(company.manager)
    response = client.get(customer.get_absolute_url())
    card = response.context["work_cards"][0].facts
    assert [one.summary for one in card["complaints"]] == ["新投诉"]
    assert [one.summary for one in card["open"]] == ["在办的"]
    page = text(response)
    assert "近 12 个月投诉" in page
    assert "改进：增加接地检查" in page
    create = f"{reverse('services:request_create')}?customer={customer.number}"
    assert [url for url in urls(response) if url.startswith(create)]
    assert "投诉：新投诉（已归档）" in page


def test_home_and_menu_count_what_waits(people, company, sign_in):
    factories.service_request(company.manager, summary="待派的")
    late = factories.dispatched(*people, summary="晚了的")
    ServiceRequest.objects.filter(pk=late.pk).update(due_at=timezone.now() - timedelta(days=1))
    factories.handled(*people, summary="待反馈的")
    mine = sign_in(company.manager).get("/")
    assert all(word in text(mine) for word in ("晚了的", "待反馈的", "逾期"))
    theirs = sign_in(company.supervisor).get("/")
    assert all(word in text(theirs) for word in ("待派的", "下属逾期的服务请求", "晚了的"))
    assert (menu(mine)["服务处理"], menu(mine)["服务反馈"]) == ("1", "1")
    assert texts(mine, ".side nav a:has(.hot)") == ["服务处理1"]
    assert "服务处理" not in markup(theirs)
    nobody = sign_in(company.administrator).get("/")
    assert "工作台" in menu(nobody)
    assert "服务管理" not in " ".join(texts(nobody, ".side, .topbar"))


@pytest.mark.parametrize("person", ["manager", "supervisor"])
def test_home_asks_the_same_statements_for_one_request_of_each_kind_and_for_many(person, people, company, sign_in):
    client = sign_in(getattr(company, person))
    counts = []
    for rows in (1, 4):
        for n in range(rows):
            factories.service_request(company.manager, summary=f"待派的 {n}")
            factories.handled(*people, summary=f"待反馈的 {n}")
            late = factories.dispatched(*people, summary=f"晚了的 {n}")
            ServiceRequest.objects.filter(pk=late.pk).update(due_at=timezone.now() - timedelta(days=1))
            twice = factories.dispatched(*people, summary=f"退回的 {n}")
            ServiceRequest.objects.filter(pk=twice.pk).update(to_decide_since=timezone.now(), returns=2)
        client.get("/")
        with CaptureQueriesContext(connection) as captured:
            assert "待反馈的 0" in text(client.get("/")) or person == "supervisor"
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_a_phone_number_opens_the_callers_page(customer, company, sign_in):
    client, url = sign_in(company.manager), reverse("search")
    for phone in ("022-25708834", "02225708834", "+8602225708834", "13800001234"):
        assert client.get(url, {"phone": phone})["Location"] == customer.get_absolute_url(), phone
    unknown = client.get(url, {"phone": "0109999999"})
    assert "没有客户用这个号码" in text(unknown)
    for odd in ("", "1", "x" * 300, "'", "１２３４５６"):
        assert client.get(url, {"phone": odd}).status_code == 200
    foreign = sign_in(company.stranger).get(url, {"phone": "02225708834"})
    assert "天津滨城热电有限公司" in text(foreign)
    assert "同事的客户 · 客户经理 周经理" in text(foreign)
    assert customer.get_absolute_url() not in markup(foreign)
    assert "滨城" not in markup(sign_in(company.nobody).get(url, {"phone": "02225708834"}))
    factories.CustomerFactory(manager=company.manager, name="滨城二厂", phone="022 2570 8834")
    both = text(client.get(url, {"phone": "02225708834"}))
    assert "这个号码属于多个客户" in both
    assert "滨城二厂" in both


@pytest.mark.postgres
def test_a_phone_number_is_looked_up_in_the_indexes(customer):
    """On SQLite, which indexes no function of ours, numbers are compared in passing."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # of one row reading the table is cheaper
    plan = customers_by_phone("022-2570 8834").explain()
    names = ("customers_customer_phone", "customers_contact_office_phone", "customers_contact_mobile")
    assert [f"{name}_number" in plan for name in names] == [True] * 3


def test_search_finds_requests_in_view(customer, people, company, sign_in):
    record = factories.dispatched(*people, customer=customer, summary="零点漂移")
    for typed in (record.number, "零点", "滨城"):
        assert record.get_absolute_url() in urls(sign_in(company.manager).get(reverse("search"), {"q": typed}))
        assert record.get_absolute_url() not in markup(sign_in(company.stranger).get(reverse("search"), {"q": typed}))


def test_transfer_on_screen_takes_open_requests_along(customer, people, company, sign_in):
    record = factories.dispatched(*people, customer=customer)
    client = sign_in(company.supervisor)
    client.post(reverse("customer_transfer", args=[customer.pk]), {"to": company.colleague.pk, "reason": "换区"})
    record.refresh_from_db()
    assert (record.assignee, record.keeper) == (company.colleague, company.colleague)
    many = {"ids": [customer.pk], "to": company.eastern.pk, "reason": "再换"}
    url = reverse("customer_transfer_many")
    client.post(url, {**many, "opened": value(client.get(url, many), "opened")})
    record.refresh_from_db()
    assert (record.assignee, Customer.objects.get(pk=customer.pk).manager) == (company.eastern, company.eastern)


def test_a_notification_about_a_request_goes_with_it(people, company, sign_in):
    record = factories.dispatched(*people)
    assert "分配给您" in text(sign_in(company.manager).get(reverse("notifications")))
    record.reassign(company.eastern, by=company.supervisor, reason="换区")
    ServiceRequest.objects.filter(pk=record.pk).update(created_by=company.eastern, keeper=company.eastern)
    assert "分配给您" not in markup(sign_in(company.manager).get(reverse("notifications")))


def test_a_creator_finds_no_way_from_the_request_into_a_customer_that_was_handed_over(customer, company, sign_in):
    contact = customer.contacts.get()
    record = factories.service_request(company.manager, customer=customer)
    record.edit(by=company.manager, contact=contact)
    customer.transfer(company.eastern, by=company.supervisor, reason="换区")
    client = sign_in(company.manager)
    edit = reverse("services:request_update", args=[record.pk])
    pages = (record.get_absolute_url(), reverse("services:request_history", args=[record.pk]), edit)
    for page in (*pages, f"{reverse('services:archive')}?status=all"):
        response = client.get(page)
        assert response.status_code == 200, page
        for word in (customer.get_absolute_url(), "郝斌", "2570", customer.number, "普通客户"):
            assert word not in markup(response), (page, word)
    opened = client.get(edit).context["form"]
    values = {name: opened[name].value() or "" for name in opened.fields}
    assert client.post(edit, {**values, "summary": "改过"}).status_code == 302
    record.refresh_from_db()
    assert (record.summary, record.contact, record.customer) == ("改过", contact, customer)


def test_what_its_creator_still_sees_of_a_request_is_read_only(customer, company, sign_in):
    record = factories.dispatched(company.stranger, company.supervisor, company.manager, customer=customer)
    client = sign_in(company.stranger)
    page = client.get(record.get_absolute_url())
    assert page.status_code == 200
    assert not page.context["head"]
    assert page.context["note_form"] is None
    assert client.get(reverse("services:request_update", args=[record.pk])).status_code == 409
    for action in ("handle", "note", "wait"):
        url = reverse(f"services:request_{action}", args=[record.pk])
        assert client.post(url, {"text": "x", "handling": "x", "note": "x"}).status_code in (403, 409), action
    record.refresh_from_db()
    assert record.status == "assigned"
