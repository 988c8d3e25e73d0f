"""The pages of 服务管理: lists, creating with the picker, dispatch, work with drafts, and where requests appear."""

from __future__ import annotations

import io
from datetime import timedelta

import openpyxl
import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from customers.callers import customers_of_phone
from customers.models import Customer
from services.models import Draft, ServiceRequest
from tests import factories
from tests.exports import export
from tests.factories import fresh

pytestmark = pytest.mark.django_db


def text(response) -> str:
    return response.content.decode()


def form_values(**values):
    kind = values.pop("kind", "咨询")
    base = {"kind": str(factories.entry("服务类型", kind).pk), **factories.REQUEST}
    return {**base, "customer": "", "organisation": "", "contact": "", **values}


@pytest.fixture
def people(company):
    return (company.manager, company.supervisor, company.manager)


@pytest.fixture
def customer(company):
    made = factories.CustomerFactory(manager=company.manager, name="天津滨城热电有限公司", phone="022-2570 8834")
    factories.ContactFactory(customer=made, name="郝斌", mobile="138 0000 1234")
    return made


# Creating


@pytest.mark.parametrize("typed", ["number", "name", "phone", "mobile", "chosen", "short"])
def test_the_customer_is_found_by_number_name_or_phone(typed, customer, company, sign_in):
    words = {
        "number": customer.number.lower(), "name": "天津滨城热电 有限公司", "phone": "02225708834",
        "mobile": "+86 138-0000-1234", "chosen": f"{customer.number} {customer.name}", "short": "2225708834",
    }  # fmt: skip
    values = form_values(customer=words[typed], contact="郝斌")
    response = sign_in(company.manager).post(reverse("services:request_create"), values)
    record = ServiceRequest.objects.get()
    assert response["Location"] == record.get_absolute_url()
    assert (record.customer, record.contact.name, record.organisation) == (customer, "郝斌", "")


def test_a_request_needs_a_customer_or_an_organisation_not_both(customer, company, sign_in):
    client, address = sign_in(company.manager), reverse("services:request_create")
    for values, words in (
        ({}, "请选择客户；还不是客户的，请填写单位名称。"),
        ({"customer": customer.number, "organisation": "别的单位"}, "二者填一个"),
        ({"customer": "没有这家"}, "没有找到这个客户"),
        ({"organisation": "天津滨城热电有限公司"}, "已是客户：天津滨城热电有限公司（客户经理 周经理）"),
        ({"customer": customer.number, "contact": "不认识"}, "没有找到联系人「不认识」"),
        ({"organisation": "新单位", "contact": "郝斌"}, "请先选择客户"),
        ({"organisation": "新单位", "summary": "\x00"}, "控制字符"),
    ):
        response = client.post(address, form_values(**values))
        assert words in text(response), values
    assert not ServiceRequest.objects.exists()
    client.post(address, form_values(organisation=" 新单位 "))
    assert ServiceRequest.objects.get().party == "新单位"


def test_of_a_colleagues_customer_only_name_and_manager_are_shown(company, sign_in):
    hidden = factories.CustomerFactory(manager=company.stranger, name="海河化工有限公司", phone="022-1234 5678")
    factories.ContactFactory(customer=hidden, name="秘密人")
    client = sign_in(company.manager)
    for typed in ("海河化工有限公司", hidden.number, "02212345678"):
        for headers in ({}, {"HX-Request": "true"}):
            shown = text(client.get(reverse("services:find_customer"), {"customer": typed}, headers=headers))
            assert "海河化工有限公司" in shown
            assert "客户经理 外人甲" in shown
            assert hidden.get_absolute_url() not in shown
            assert "022-1234" not in shown
            assert typed == hidden.number or hidden.number not in shown
    for typed in ("海河化", "hhhg", "0221234"):
        assert "外人甲" not in text(client.get(reverse("services:find_customer"), {"customer": typed}))
    contacts = text(client.get(reverse("services:find_contacts"), {"customer": hidden.number}))
    assert "秘密人" not in contacts
    response = client.post(reverse("services:request_create"), form_values(customer=hidden.name), follow=True)
    record = ServiceRequest.objects.get()
    assert record.customer == hidden
    assert "海河化工有限公司" in text(response)
    assert "022-1234" not in text(response)
    assert f'href="{hidden.get_absolute_url()}"' not in text(response)
    refused = client.post(reverse("services:request_create"), form_values(customer=hidden.name, contact="秘密人"))
    assert "没有找到联系人「秘密人」" in text(refused)


def test_the_picker_finds_by_part_of_name_number_initials_and_phone(customer, company, sign_in):
    client = sign_in(company.manager)
    typings = ("滨城", customer.number[:6], "tjbc", "ＴＪＢＣ", "tianjin", "2570", "02225708834", "+86 22 2570 8834")
    for typed in (*typings, "（天津）滨城", "2570 8834", customer.number.lower()):
        found = text(client.get(reverse("services:find_customer"), {"customer": typed}, headers={"HX-Request": "true"}))
        assert f'data-value="{customer.number} {customer.name}"' in found, typed
        assert "<html" not in found
    page = text(client.get(reverse("services:find_customer"), {"customer": "滨城"}))
    assert f"?customer={customer.number}%20" in page
    form = text(client.get(reverse("services:request_create"), {"customer": f"{customer.number} {customer.name}"}))
    assert f'value="{customer.number} {customer.name}"' in form
    assert "用单位名称创建" in text(client.get(reverse("services:find_customer"), {"customer": "没有这家"}))
    people = text(client.get(reverse("services:find_contacts"), {"customer": customer.number}))
    assert '<option value="郝斌">' in people
    for odd in ("%", "'", "x" * 500, "😀", "0"):
        assert client.get(reverse("services:find_customer"), {"customer": odd}).status_code == 200


def test_editing_keeps_the_customer_and_refuses_a_second_save(customer, people, company, sign_in):
    record = factories.service_request(company.manager, customer=customer)
    client, address = sign_in(company.manager), reverse("services:request_update", args=[record.pk])
    page = client.get(address)
    opened = page.context["form"].initial["opened"]
    shown = f"{customer.number} {customer.name}"
    assert f'value="{shown}"' in text(page)
    values = form_values(customer=shown, summary="改过", opened=opened)
    assert client.post(address, values)["Location"] == record.get_absolute_url()
    record.refresh_from_db()
    assert (record.summary, record.customer, record.version) == ("改过", customer, 1)
    stale = client.post(address, {**values, "summary": "又改"})
    assert stale.status_code == 409
    assert "这条记录刚被别人改过" in text(stale)
    fresh_opened = client.get(address).context["form"].initial["opened"]
    client.post(address, form_values(organisation="新单位", summary="改过", opened=fresh_opened))
    record.refresh_from_db()
    assert (record.customer, record.party, record.keeper) == (None, "新单位", company.manager)
    assert not customer.timeline.filter(kind="service").exists()


def test_an_organisation_becomes_an_opportunity_filled_in(company, sign_in):
    record = factories.service_request(company.manager, summary="想买流量计")
    client = sign_in(company.manager)
    address = client.get(record.get_absolute_url()).context["lead_url"]
    form = text(client.get(address))
    assert 'value="滨州海悦新材料有限公司"' in form
    assert 'value="想买流量计"' in form
    assert "停泵后仍显示" in form
    assert "转销售机会" not in text(sign_in(company.executive).get(record.get_absolute_url()))


# Lists


def test_each_list_shows_its_own_rows(people, company, sign_in):
    make = {name: {"summary": f"甲{name}"} for name in ("新", "派", "处", "归")}
    factories.service_request(company.manager, **make["新"])
    factories.dispatched(*people, **make["派"])
    factories.handled(*people, **make["处"])
    factories.archived(*people, **make["归"])
    other = (company.colleague, company.supervisor, company.colleague)
    factories.dispatched(*other, summary="别人派")
    factories.handled(*other, summary="别人处")
    seen = {}
    for who, name in (
        ("supervisor", "dispatch"),
        ("manager", "handling"),
        ("manager", "feedback"),
        ("manager", "archive"),
    ):
        page = text(sign_in(getattr(company, who)).get(reverse(f"services:{name}")))
        seen[name] = {word for word in ("甲新", "甲派", "甲处", "甲归", "别人派", "别人处") if word in page}
    assert seen == {"dispatch": {"甲新"}, "handling": {"甲派"}, "feedback": {"甲处"}, "archive": {"甲归"}}
    everything = text(sign_in(company.executive).get(reverse("services:archive") + "?status=all"))
    assert all(word in everything for word in ("甲新", "甲派", "甲处", "甲归", "别人派", "别人处"))


def test_filters_of_the_archive(customer, people, company, sign_in):
    old = factories.archived(*people, summary="老的咨询", customer=customer)
    ServiceRequest.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=40))
    new = factories.archived(*people, summary="新的投诉", kind="投诉")
    late = factories.dispatched(*people, summary="逾期的")
    ServiceRequest.objects.filter(pk=late.pk).update(due_at=timezone.now() - timedelta(days=1))
    client = sign_in(company.manager)
    today = timezone.localdate()
    for query, found in (
        ({}, {old, new}),
        ({"status": "all"}, {old, new, late}),
        ({"customer": "滨城"}, {old}),
        ({"customer": "海悦"}, {new}),
        ({"summary": "投诉"}, {new}),
        ({"kind": factories.entry("服务类型", "咨询").pk}, {old}),
        ({"created_from": today - timedelta(days=1)}, {new}),
        ({"created_to": today - timedelta(days=1)}, {old}),
        ({"number": new.number}, {new}),
        ({"status": "all", "overdue": "on"}, {late}),
        ({"created_from": "x"}, set()),
        ({"kind": "99999999999999999999"}, set()),
    ):
        response = client.get(reverse("services:archive"), query)
        shown = {one for one in (old, new, late) if f'href="{one.get_absolute_url()}"' in text(response)}
        assert (query, shown) == (query, found)


def test_an_exported_archive_holds_rounds_and_times(people, company, sign_in):
    factories.archived(*people, summary="=SUM(A1)", kind="投诉")
    response = export(sign_in(company.manager), reverse("services:archive"), "xlsx")
    book = openpyxl.load_workbook(io.BytesIO(b"".join(response)))
    head, row = list(book.active.values)[:2]
    found = dict(zip(head, row, strict=True))
    assert found["概要"].endswith("=SUM(A1)")
    assert (found["评价人"], found["投诉原因"], found["满意度"]) == ("客户经理代录", "产品质量", 5)
    assert found["处理用时（分钟）"] == 0


@pytest.mark.parametrize(
    ("name", "who"), [("dispatch", "supervisor"), ("handling", "manager"), ("archive", "executive")]
)
def test_a_list_asks_no_query_per_row(name, who, people, customer, company, sign_in, django_assert_max_num_queries):
    maker = {"dispatch": factories.service_request}.get(name, factories.dispatched)
    arguments = people[:1] if name == "dispatch" else people
    client, address = sign_in(getattr(company, who)), reverse(f"services:{name}") + "?status=all"

    def count() -> int:
        with django_assert_max_num_queries(60) as asked:
            assert client.get(address).status_code == 200
        return len(asked)

    maker(*arguments, customer=customer)
    before = count()
    for _ in range(5):
        maker(*arguments, customer=customer)
        maker(*arguments)
    assert count() == before


def test_the_request_page_asks_a_fixed_number_of_queries(
    people, customer, company, sign_in, django_assert_max_num_queries
):
    record = factories.handled(*people, customer=customer)
    client = sign_in(company.manager)
    with django_assert_max_num_queries(40) as first:
        client.get(record.get_absolute_url())
    for _ in range(3):
        record.note(by=company.manager, text="备注")
        record.feedback(by=company.manager, result="没好", satisfaction=1)
        record.handle(by=company.manager, handling="再来")
        factories.archived(*people, customer=customer)
    with django_assert_max_num_queries(len(first)):
        client.get(record.get_absolute_url())


# Dispatch


def test_the_choice_shows_load_region_and_whose_customer_it_is(customer, people, company, sign_in):
    company.colleague.regions.add(customer.region)
    for _ in range(2):
        factories.dispatched(company.manager, company.supervisor, company.colleague)
    record = factories.service_request(company.manager, customer=customer)
    response = sign_in(company.supervisor).get(reverse("services:request_assign", args=[record.pk]))
    ranked = response.context["candidates"]
    assert [one.user.name for one in ranked] == ["周经理", "陈同事", "王华东"]
    assert [(one.keeps_customer, one.fits_region, one.open) for one in ranked] == [
        (True, False, 0), (False, True, 2), (False, False, 0),
    ]  # fmt: skip
    assert "分区适合" in text(response)
    assert "客户的客户经理" in text(response)


def test_several_are_assigned_together_and_what_cannot_be_is_left_out(people, company, sign_in):
    new = [factories.service_request(company.manager) for _ in range(3)]
    taken = factories.dispatched(*people)
    foreign = factories.service_request(company.stranger)
    ids = [one.pk for one in (*new, taken, foreign)] + [10**9]
    client, address = sign_in(company.supervisor), reverse("services:assign_many")
    page = client.get(address, {"ids": ids})
    assert "另外 3 个不能由您分配" in text(page)
    assert "请选择一位客户经理" in text(client.post(address, {"ids": ids}))
    answer = client.post(address, {"ids": ids, "to": company.eastern.pk}, follow=True)
    assert "已把 3 个服务请求分配给 王华东。另外 3 个不能分配，已略去。" in text(answer)
    assert ServiceRequest.objects.filter(assignee=company.eastern).count() == 3
    foreign.refresh_from_db()
    taken.refresh_from_db()
    assert (foreign.assignee, taken.assignee) == (None, company.manager)
    again = client.post(address, {"ids": ids, "to": company.manager.pk})
    assert again.status_code == 409
    nothing = client.get(address, {"ids": [foreign.pk]}, follow=True)
    assert "没有选中您可以分配的服务请求" in text(nothing)


def test_the_supervisor_decides_on_the_page_and_at_home(people, company, sign_in):
    record = factories.dispatched(*people)
    for _ in range(2):
        record.handle(by=company.manager, handling="到场")
        record.feedback(by=company.manager, result="没好", satisfaction=1)
    client = sign_in(company.supervisor)
    assert "<h2>请决定是否改派</h2>" in text(client.get("/"))
    assert "请决定：" in text(client.get(record.get_absolute_url()))
    assert "请决定：" not in text(sign_in(company.manager).get(record.get_absolute_url()))
    client.post(reverse("services:request_keep", args=[record.pk]), {"reason": "他最熟悉"})
    assert "<h2>请决定是否改派</h2>" not in text(client.get("/"))
    gone = client.post(reverse("services:request_keep", args=[record.pk]), {"reason": "再说"})
    assert gone.status_code == 409


# Work, with drafts


def test_what_was_typed_is_found_again_until_it_is_saved(people, company, sign_in):
    record = factories.dispatched(*people)
    client, address = sign_in(company.manager), reverse("services:request_handle", args=[record.pk])
    keep = reverse("services:draft_handle", args=[record.pk])
    assert client.post(keep, {"handling": "写到一半", "evil": "x"}).status_code == 204
    assert Draft.objects.get().values == {"handling": "写到一半"}
    page = text(sign_in(company.manager).get(address))
    assert "写到一半" in page
    assert "的草稿" in page
    client.post(keep, {"handling": "写到一半，又多了"})
    assert Draft.objects.get().values == {"handling": "写到一半，又多了"}
    assert "写到一半" not in text(sign_in(company.supervisor).get(record.get_absolute_url()))
    refused = client.post(address, {"handling": ""})
    assert "请填写" in text(refused)
    assert Draft.objects.exists()
    assert client.post(address, {"handling": "写完了"})["Location"] == record.get_absolute_url()
    assert not Draft.objects.exists()
    assert client.post(keep, {"handling": "太迟"}).status_code == 409
    assert sign_in(company.colleague).post(keep, {"handling": "别人的"}).status_code == 403
    assert sign_in(company.stranger).post(keep, {"handling": "别人的"}).status_code == 404
    assert (
        client.post(reverse("services:draft_feedback", args=[record.pk]), {"result": "", "x": "y"}).status_code == 204
    )
    assert not Draft.objects.exists()


def test_a_feedback_draft_comes_back_with_its_stars(people, company, sign_in):
    record = factories.handled(*people, kind="投诉")
    client, address = sign_in(company.manager), reverse("services:request_feedback", args=[record.pk])
    cause = factories.entry("投诉原因", "交货延误").pk
    draft = {"result": "客户说", "satisfaction": "4", "cause": str(cause)}
    client.post(reverse("services:draft_feedback", args=[record.pk]), draft)
    form = client.get(address).context["form"]
    assert (form["result"].value(), form["satisfaction"].value(), form["cause"].value()) == ("客户说", "4", str(cause))


def test_feedback_archives_or_returns_and_says_so(people, company, sign_in):
    record = factories.handled(*people, kind="投诉")
    client, address = sign_in(company.manager), reverse("services:request_feedback", args=[record.pk])
    missing = client.post(address, {"result": "好了", "satisfaction": "4"})
    assert text(missing).count("归档前请填写。") >= 2
    assert "好了" in text(missing)
    back = client.post(address, {"result": "没好", "satisfaction": "2"}, follow=True)
    assert "已退回重新处理" in text(back)
    assert "满意度 2，已退回重新处理" in text(back)
    record.refresh_from_db()
    record.handle(by=company.manager, handling="换整机")
    values = {"cause": factories.entry("投诉原因", "产品质量").pk, "improvement": "出厂加测", "satisfaction": "5"}
    done = client.post(address, {"result": "好了", **values}, follow=True)
    assert "反馈成功，已归档。" in text(done)
    assert "第 2 次处理" in text(done)
    assert "出厂加测" in text(done)
    assert client.get(address).status_code == 409


def test_the_helper_notes_and_cannot_close(people, company, sign_in):
    record = factories.dispatched(*people)
    client = sign_in(company.manager)
    client.post(reverse("services:request_involve", args=[record.pk]), {"person": company.eastern.pk})
    helper = sign_in(fresh(company.eastern))
    noted = helper.post(reverse("services:request_note", args=[record.pk]), {"text": "先看接地"}, follow=True)
    assert "先看接地" in text(noted)
    assert helper.post(reverse("services:request_note", args=[record.pk]), {"text": ""}).status_code == 200
    assert helper.post(reverse("services:request_handle", args=[record.pk]), {"handling": "x"}).status_code == 403
    row = record.helpers.get()
    client.post(reverse("services:request_release", args=[record.pk, row.pk]))
    assert not record.helpers.exists()
    assert helper.get(record.get_absolute_url()).status_code == 404
    assert client.get(reverse("services:request_release", args=[record.pk, row.pk])).status_code == 404


# Where requests appear


def test_the_customers_page_shows_services_and_complaints_of_twelve_months(customer, people, company, sign_in):
    factories.archived(*people, customer=customer, kind="投诉", summary="新投诉")
    old = factories.archived(*people, customer=customer, kind="投诉", summary="旧投诉")
    ServiceRequest.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=366))
    factories.dispatched(*people, customer=customer, summary="在办的")
    client = sign_in(company.manager)
    response = client.get(customer.get_absolute_url())
    card = response.context["services"]
    assert [one.summary for one in card["complaints"]] == ["新投诉"]
    assert [one.summary for one in card["open"]] == ["在办的"]
    page = text(response)
    assert "近 12 个月投诉" in page
    assert "改进：增加接地检查" in page
    assert f"{reverse('services:request_create')}?customer={customer.number}" in page
    assert "投诉：新投诉（已归档）" in page


def test_home_and_menu_count_what_waits(people, company, sign_in):
    factories.service_request(company.manager, summary="待派的")
    late = factories.dispatched(*people, summary="晚了的")
    ServiceRequest.objects.filter(pk=late.pk).update(due_at=timezone.now() - timedelta(days=1))
    factories.handled(*people, summary="待反馈的")
    mine = text(sign_in(company.manager).get("/"))
    assert all(word in mine for word in ("晚了的", "待反馈的", "逾期"))
    theirs = text(sign_in(company.supervisor).get("/"))
    assert all(word in theirs for word in ("待派的", "下属逾期的服务请求", "晚了的"))
    assert '服务处理<span class="n hot">1</span>' in mine
    assert '服务反馈<span class="n">1</span>' in mine
    assert "服务处理" not in theirs
    nobody = text(sign_in(company.administrator).get("/"))
    assert "服务管理" not in nobody.split("<main")[0]


def test_a_phone_number_opens_the_callers_page(customer, company, sign_in):
    client, address = sign_in(company.manager), reverse("search")
    for phone in ("022-25708834", "02225708834", "+8602225708834", "13800001234"):
        assert client.get(address, {"phone": phone})["Location"] == customer.get_absolute_url(), phone
    unknown = client.get(address, {"phone": "0109999999"})
    assert "没有客户用这个号码" in text(unknown)
    for odd in ("", "1", "x" * 300, "'", "１２３４５６"):
        assert client.get(address, {"phone": odd}).status_code == 200
    foreign = sign_in(company.stranger).get(address, {"phone": "02225708834"})
    assert "天津滨城热电有限公司" in text(foreign)
    assert "同事的客户 · 客户经理 周经理" in text(foreign)
    assert customer.get_absolute_url() not in text(foreign)
    assert "滨城" not in text(sign_in(company.nobody).get(address, {"phone": "02225708834"}))
    factories.CustomerFactory(manager=company.manager, name="滨城二厂", phone="022 2570 8834")
    both = text(client.get(address, {"phone": "02225708834"}))
    assert "这个号码属于多个客户" in both
    assert "滨城二厂" in both


@pytest.mark.postgres
def test_a_phone_number_is_looked_up_in_the_indexes(customer):
    """On SQLite, which indexes no function of ours, numbers are compared in passing."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # of one row reading the table is cheaper
    plan = customers_of_phone("022-2570 8834").explain()
    names = ("customers_customer_phone", "customers_contact_office_phone", "customers_contact_mobile")
    assert [f"{name}_number" in plan for name in names] == [True] * 3


def test_search_finds_requests_in_view(customer, people, company, sign_in):
    record = factories.dispatched(*people, customer=customer, summary="零点漂移")
    for typed in (record.number, "零点", "滨城"):
        assert record.get_absolute_url() in text(sign_in(company.manager).get(reverse("search"), {"q": typed}))
        assert record.get_absolute_url() not in text(sign_in(company.stranger).get(reverse("search"), {"q": typed}))


def test_transfer_on_screen_takes_open_requests_along(customer, people, company, sign_in):
    record = factories.dispatched(*people, customer=customer)
    client = sign_in(company.supervisor)
    client.post(reverse("customer_transfer", args=[customer.pk]), {"to": company.colleague.pk, "reason": "换区"})
    record.refresh_from_db()
    assert (record.assignee, record.keeper) == (company.colleague, company.colleague)
    many = {"ids": [customer.pk], "to": company.eastern.pk, "reason": "再换"}
    client.post(reverse("customer_transfer_many"), many)
    record.refresh_from_db()
    assert (record.assignee, Customer.objects.get(pk=customer.pk).manager) == (company.eastern, company.eastern)


def test_a_notification_about_a_request_goes_with_it(people, company, sign_in):
    record = factories.dispatched(*people)
    assert "分配给您" in text(sign_in(company.manager).get(reverse("notifications")))
    record.reassign(company.eastern, by=company.supervisor, reason="换区")
    ServiceRequest.objects.filter(pk=record.pk).update(created_by=company.eastern, keeper=company.eastern)
    assert "分配给您" not in text(sign_in(company.manager).get(reverse("notifications")))


def test_a_creator_finds_no_way_from_the_request_into_a_customer_that_was_handed_over(customer, company, sign_in):
    contact = customer.contacts.get()
    record = factories.service_request(company.manager, customer=customer)
    record.edit(by=company.manager, contact=contact)
    customer.transfer(company.eastern, by=company.supervisor, reason="换区")
    client = sign_in(company.manager)
    edit = reverse("services:request_update", args=[record.pk])
    pages = (record.get_absolute_url(), reverse("services:request_history", args=[record.pk]), edit)
    for page in (*pages, f"{reverse('services:archive')}?status=all"):
        shown = client.get(page)
        assert shown.status_code == 200, page
        for word in (customer.get_absolute_url(), "郝斌", "2570", customer.number, "普通客户"):
            assert word not in text(shown), (page, word)
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
        address = reverse(f"services:request_{action}", args=[record.pk])
        assert client.post(address, {"text": "x", "handling": "x", "note": "x"}).status_code in (403, 409), action
    record.refresh_from_db()
    assert record.status == "assigned"
