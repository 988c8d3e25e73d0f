"""The pages of 服务管理: lists, creating with the picker, dispatch, work with drafts."""

from __future__ import annotations

import io
from datetime import timedelta

import openpyxl
import pytest
from django.urls import reverse
from django.utils import timezone

from services.models import Draft, ServiceRequest
from tests import factories
from tests.exports import export
from tests.factories import fresh
from tests.html import errors, find_all, markup, text, texts, urls, value, written
from tests.services.pages import request_values

pytestmark = pytest.mark.django_db


# Creating


@pytest.mark.parametrize("typed", ["number", "name", "phone", "mobile", "chosen", "short"])
def test_the_customer_is_found_by_number_name_or_phone(typed, customer, company, sign_in):
    words = {
        "number": customer.number.lower(), "name": "天津滨城热电 有限公司", "phone": "02225708834",
        "mobile": "+86 138-0000-1234", "chosen": f"{customer.number} {customer.name}", "short": "2225708834",
    }  # fmt: skip
    values = request_values(customer=words[typed], contact="郝斌")
    response = sign_in(company.manager).post(reverse("services:request_create"), values)
    record = ServiceRequest.objects.get()
    assert response["Location"] == record.get_absolute_url()
    assert (record.customer, record.contact.name, record.organisation) == (customer, "郝斌", "")


def test_a_request_needs_a_customer_or_an_organisation_not_both(customer, company, sign_in):
    client, url = sign_in(company.manager), reverse("services:request_create")
    for values, words in (
        ({}, "请选择客户；还不是客户的，请填写单位名称。"),
        ({"customer": customer.number, "organisation": "别的单位"}, "二者填一个"),
        ({"customer": "没有这家"}, "没有找到这个客户"),
        ({"organisation": "天津滨城热电有限公司"}, "已是客户：天津滨城热电有限公司（客户经理 周经理）"),
        ({"customer": customer.number, "contact": "不认识"}, "没有找到联系人「不认识」"),
        ({"organisation": "新单位", "contact": "郝斌"}, "请先选择客户"),
        ({"organisation": "新单位", "summary": "\x00"}, "控制字符"),
    ):
        response = client.post(url, request_values(**values))
        assert words in text(response), values
    assert not ServiceRequest.objects.exists()
    client.post(url, request_values(organisation=" 新单位 "))
    assert ServiceRequest.objects.get().party == "新单位"


def test_of_a_colleagues_customer_only_name_and_manager_are_shown(company, sign_in):
    hidden = factories.CustomerFactory(manager=company.stranger, name="海河化工有限公司", phone="022-1234 5678")
    factories.ContactFactory(customer=hidden, name="秘密人")
    client = sign_in(company.manager)
    for typed in ("海河化工有限公司", hidden.number, "02212345678"):
        for headers in ({}, {"HX-Request": "true"}):
            html = markup(client.get(reverse("services:find_customer"), {"customer": typed}, headers=headers))
            assert "海河化工有限公司" in html
            assert "客户经理 外人甲" in html
            assert hidden.get_absolute_url() not in html
            assert "022-1234" not in html
            assert typed == hidden.number or hidden.number not in html
    for typed in ("海河化", "hhhg", "0221234"):
        assert "外人甲" not in markup(client.get(reverse("services:find_customer"), {"customer": typed}))
    contacts = markup(client.get(reverse("services:find_contacts"), {"customer": hidden.number}))
    assert "秘密人" not in contacts
    response = client.post(reverse("services:request_create"), request_values(customer=hidden.name), follow=True)
    record = ServiceRequest.objects.get()
    assert record.customer == hidden
    assert "海河化工有限公司" in text(response)
    assert "022-1234" not in markup(response)
    assert hidden.get_absolute_url() not in urls(response, "[href]")
    refused = client.post(reverse("services:request_create"), request_values(customer=hidden.name, contact="秘密人"))
    assert "没有找到联系人「秘密人」" in text(refused)


def test_the_picker_finds_by_part_of_name_number_initials_and_phone(customer, company, sign_in):
    client = sign_in(company.manager)
    typings = ("滨城", customer.number[:6], "tjbc", "ＴＪＢＣ", "tianjin", "2570", "02225708834", "+86 22 2570 8834")
    for typed in (*typings, "（天津）滨城", "2570 8834", customer.number.lower()):
        options = client.get(reverse("services:find_customer"), {"customer": typed}, headers={"HX-Request": "true"})
        values = [option.get("data-value") for option in find_all(options, "li[role=option]")]
        assert values == [f"{customer.number} {customer.name}"], typed
        assert find_all(options, "html") == []
    page = client.get(reverse("services:find_customer"), {"customer": "滨城"})
    (url,) = urls(page, "ul.rows a.btn")
    assert url.startswith(f"{reverse('services:request_create')}?customer={customer.number}%20")
    for form in (client.get(url), client.get(reverse("services:request_create"), {"customer": values[0]})):
        assert value(form, "customer") == f"{customer.number} {customer.name}"
    assert "用单位名称创建" in text(client.get(reverse("services:find_customer"), {"customer": "没有这家"}))
    people = client.get(reverse("services:find_contacts"), {"customer": customer.number})
    assert [option.get("value") for option in find_all(people, "option")] == ["郝斌"]
    for odd in ("%", "'", "x" * 500, "😀", "0"):
        assert client.get(reverse("services:find_customer"), {"customer": odd}).status_code == 200


def test_editing_keeps_the_customer_and_refuses_a_second_save(customer, people, company, sign_in):
    record = factories.service_request(company.manager, customer=customer)
    client, url = sign_in(company.manager), reverse("services:request_update", args=[record.pk])
    page = client.get(url)
    opened = page.context["form"].initial["opened"]
    caller = f"{customer.number} {customer.name}"
    assert value(page, "customer") == caller
    values = request_values(customer=caller, summary="改过", opened=opened)
    assert client.post(url, values)["Location"] == record.get_absolute_url()
    record.refresh_from_db()
    assert (record.summary, record.customer, record.version) == ("改过", customer, 1)
    stale = client.post(url, {**values, "summary": "又改"})
    assert stale.status_code == 409
    assert "这条记录刚被别人改过" in text(stale)
    fresh_opened = client.get(url).context["form"].initial["opened"]
    client.post(url, request_values(organisation="新单位", summary="改过", opened=fresh_opened))
    record.refresh_from_db()
    assert (record.customer, record.party, record.keeper) == (None, "新单位", company.manager)
    assert not customer.timeline.filter(kind="service").exists()


def test_an_organisation_becomes_an_opportunity_filled_in(company, sign_in):
    record = factories.service_request(company.manager, summary="想买流量计")
    client = sign_in(company.manager)
    url = client.get(record.get_absolute_url()).context["lead_url"]
    form = client.get(url)
    assert value(form, "customer_name") == "滨州海悦新材料有限公司"
    assert value(form, "summary") == "想买流量计"
    assert "停泵后仍显示" in written(form, "[name=description]")[0]
    assert "转销售机会" not in markup(sign_in(company.executive).get(record.get_absolute_url()))


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
    rows_of = {}
    for who, name in (
        ("supervisor", "dispatch"),
        ("manager", "handling"),
        ("manager", "feedback"),
        ("manager", "archive"),
    ):
        page = text(sign_in(getattr(company, who)).get(reverse(f"services:{name}")))
        rows_of[name] = {word for word in ("甲新", "甲派", "甲处", "甲归", "别人派", "别人处") if word in page}
    assert rows_of == {"dispatch": {"甲新"}, "handling": {"甲派"}, "feedback": {"甲处"}, "archive": {"甲归"}}
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
    for query, expected in (
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
        listed = {one for one in (old, new, late) if one.get_absolute_url() in urls(response)}
        assert (query, listed) == (query, expected)


def test_an_exported_archive_holds_rounds_and_times(people, company, sign_in):
    factories.archived(*people, summary="=SUM(A1)", kind="投诉")
    response = export(sign_in(company.manager), reverse("services:archive"), "xlsx")
    book = openpyxl.load_workbook(io.BytesIO(b"".join(response)))
    head, row = list(book.active.values)[:2]
    cells = dict(zip(head, row, strict=True))
    assert cells["概要"].endswith("=SUM(A1)")
    assert (cells["评价人"], cells["投诉原因"], cells["满意度"]) == ("客户经理代录", "产品质量", 5)
    assert cells["处理用时（分钟）"] == 0


@pytest.mark.parametrize(
    ("name", "who"), [("dispatch", "supervisor"), ("handling", "manager"), ("archive", "executive")]
)
def test_a_list_asks_no_query_per_row(name, who, people, customer, company, sign_in, django_assert_max_num_queries):
    maker = {"dispatch": factories.service_request}.get(name, factories.dispatched)
    arguments = people[:1] if name == "dispatch" else people
    client, url = sign_in(getattr(company, who)), reverse(f"services:{name}") + "?status=all"

    def count() -> int:
        with django_assert_max_num_queries(60) as queries:
            assert client.get(url).status_code == 200
        return len(queries)

    maker(*arguments, customer=customer)
    count()  # what a process reads once and keeps
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
    assert [(one.owns_customer, one.fits_region, one.open) for one in ranked] == [
        (True, False, 0), (False, True, 2), (False, False, 0),
    ]  # fmt: skip
    assert "分区适合" in text(response)
    assert "客户的客户经理" in text(response)


def test_several_are_assigned_together_and_what_cannot_be_is_left_out(people, company, sign_in):
    new = [factories.service_request(company.manager) for _ in range(3)]
    assigned = factories.dispatched(*people)
    foreign = factories.service_request(company.stranger)
    ids = [one.pk for one in (*new, assigned, foreign)] + [10**9]
    client, url = sign_in(company.supervisor), reverse("services:assign_many")
    page = client.get(url, {"ids": ids, "mode": "one", "to": company.eastern.pk})
    assert "选中的另外 3 条不会分配" in text(page)
    assert "需要换人时请改派" in text(page)
    sent = {"ids": ids, "opened": value(page, "opened"), "plan": value(page, "plan")}
    assert "选择您范围内在职的客户经理" in text(client.post(url, {**sent, f"to_{new[0].pk}": company.stranger.pk}))
    answer = client.post(url, {**sent, f"to_{new[0].pk}": company.manager.pk}, follow=True)
    assert "已分配 3 个服务请求，对方会收到通知。另有 3 条没有分配" in text(answer)
    assert ServiceRequest.objects.filter(assignee=company.eastern).count() == 2
    foreign.refresh_from_db()
    assigned.refresh_from_db()
    assert (foreign.assignee, assigned.assignee) == (None, company.manager)
    again = client.post(url, sent)
    assert again.status_code == 409
    nothing = client.get(url, {"ids": [foreign.pk]}, follow=True)
    assert "没有选中您可以分配的服务请求" in text(nothing)


def test_the_supervisor_decides_on_the_page_and_at_home(people, company, sign_in):
    record = factories.dispatched(*people)
    for _ in range(2):
        record.handle(by=company.manager, handling="到场")
        record.feedback(by=company.manager, result="没好", satisfaction=1)
    client = sign_in(company.supervisor)
    assert "请决定是否改派" in texts(client.get("/"), "h2")
    assert "请决定：" in text(client.get(record.get_absolute_url()))
    assert "请决定：" not in markup(sign_in(company.manager).get(record.get_absolute_url()))
    client.post(reverse("services:request_keep", args=[record.pk]), {"reason": "最熟悉情况"})
    assert "请决定是否改派" not in texts(client.get("/"), "h2")
    gone = client.post(reverse("services:request_keep", args=[record.pk]), {"reason": "再说"})
    assert gone.status_code == 409


# Work, with drafts


def test_what_was_typed_is_found_again_until_it_is_saved(people, company, sign_in):
    record = factories.dispatched(*people)
    client, url = sign_in(company.manager), reverse("services:request_handle", args=[record.pk])
    keep = reverse("services:draft_handle", args=[record.pk])
    assert client.post(keep, {"handling": "写到一半", "evil": "x"}).status_code == 204
    assert Draft.objects.get().values == {"handling": "写到一半"}
    page = sign_in(company.manager).get(url)
    assert written(page, "[name=handling]") == ["写到一半"]
    assert "的草稿" in text(page)
    client.post(keep, {"handling": "写到一半，又多了"})
    assert Draft.objects.get().values == {"handling": "写到一半，又多了"}
    assert "写到一半" not in markup(sign_in(company.supervisor).get(record.get_absolute_url()))
    refused = client.post(url, {"handling": ""})
    assert "请填写" in text(refused)
    assert Draft.objects.exists()
    assert client.post(url, {"handling": "写完了"})["Location"] == record.get_absolute_url()
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
    client, url = sign_in(company.manager), reverse("services:request_feedback", args=[record.pk])
    cause = factories.entry("投诉原因", "交货延误").pk
    draft = {"result": "客户说", "satisfaction": "4", "cause": str(cause)}
    client.post(reverse("services:draft_feedback", args=[record.pk]), draft)
    form = client.get(url).context["form"]
    assert (form["result"].value(), form["satisfaction"].value(), form["cause"].value()) == ("客户说", "4", str(cause))


def test_feedback_archives_or_returns_and_says_so(people, company, sign_in):
    record = factories.handled(*people, kind="投诉")
    client, url = sign_in(company.manager), reverse("services:request_feedback", args=[record.pk])
    missing = client.post(url, {"result": "好了", "satisfaction": "4"})
    assert errors(missing) == ["归档前请填写。"] * 2
    assert written(missing, "[name=result]") == ["好了"]
    back = client.post(url, {"result": "没好", "satisfaction": "2"}, follow=True)
    assert "已退回重新处理" in text(back)
    assert "满意度 2，已退回重新处理" in text(back)
    record.refresh_from_db()
    record.handle(by=company.manager, handling="换整机")
    values = {"cause": factories.entry("投诉原因", "产品质量").pk, "improvement": "出厂加测", "satisfaction": "5"}
    done = client.post(url, {"result": "好了", **values}, follow=True)
    assert "反馈成功，已归档。" in text(done)
    assert "第 2 次处理" in text(done)
    assert "出厂加测" in text(done)
    assert client.get(url).status_code == 409


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
