"""Pages of 客户流失: list, record, actions, scan by hand, workbench, menu, search."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from customers.churn.scan import scan_churn
from customers.models import ChurnCase, Customer, Order
from kit.jobs.models import Job
from kit.jobs.tasks import run_job
from tests import factories
from tests.exports import export
from tests.html import find, find_all, text, texts, urls

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate()
LIST = "/customers/churn/"


@pytest.fixture
def case(company):
    return factories.churn_case(company.manager, name="武汉楚天食品有限公司")


@pytest.fixture
def mine(company, sign_in):
    return sign_in(company.manager)


def again(record):
    return type(record).objects.get(pk=record.pk)


def page(client, address, status=200):
    response = client.get(address)
    assert response.status_code == status
    return response.content.decode()


def url(verb, case):
    return reverse(f"customers:churn_{verb}", args=[case.pk])


def measure(days=10, **values):
    kind = factories.entry("暂缓措施", "拜访").pk
    return {"measure_kind": kind, "text": "拜访设备科", "review_on": TODAY + timedelta(days=days), **values}


def loss(**values):
    return {"reason": "改用进口品牌", "lost_kind": factories.entry("流失原因", "价格").pk, **values}


def order(customer, days_ago, total=1000, status="paid"):
    at = timezone.make_aware(datetime.combine(TODAY - timedelta(days=days_ago), datetime.min.time()))
    number = f"{customer.pk}-{days_ago}-{status}"
    return Order.objects.create(customer=customer, number=number, ordered_at=at, total=total, status=status)


# The list


def test_the_list_opens_on_what_is_to_be_handled(company, mine, case):
    lost = factories.churn_case(company.manager, name="合肥庐阳家电有限公司")
    lost.confirm(by=company.manager, reason="改由集团指定", kind=factories.entry("流失原因", "其他"))
    case.defer(by=company.manager, kind=factories.entry("暂缓措施", "优惠"), text="约定样机试用")
    opened, everything = page(mine, LIST), page(mine, f"{LIST}?status=all")
    assert "武汉楚天食品有限公司" in opened
    assert "合肥庐阳家电有限公司" not in opened
    assert f"1 条，最近 {TODAY:%m-%d}：约定样机试用" in opened
    assert "原因：改由集团指定" in everything
    assert f"已 {case.silent_days} 天" in everything
    for head in ("编号", "客户", "客户经理", "上次下单时间", "12 个月净额（元）", "状态", "下次复核", "操作"):
        assert head in opened
    assert "确认流失时间" in texts(everything, "th")
    assert "确认流失时间" not in texts(opened, "th")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("customer=楚天", True),
        ("customer=长江", False),
        ("status=warning", True),
        ("status=confirmed", False),
        ("manager={manager}", True),
        ("manager={colleague}", False),
        ("mine=on", True),
        ("customer=楚天&manager={manager}&status=warning&sort=-last_purchase_on", True),
        ("sort=review_on", True),
        ("sort=-confirmed_at", True),
        ("sort=customer__name_pinyin", True),
    ],
)
def test_filters_combine(company, mine, case, query, found):
    query = query.format(manager=company.manager.pk, colleague=company.colleague.pk)
    assert ("武汉楚天食品有限公司" in page(mine, f"{LIST}?{query}")) == found


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("manager=x", "没有这个选项，请重新选择。"),
        ("manager=999999", "没有这个选项，请重新选择。"),
        ("customer=" + "长" * 101, "最多 100 字"),
    ],
)
def test_a_wrong_filter_is_said_beside_its_field_and_finds_nothing(mine, case, query, said):
    shown = page(mine, f"{LIST}?{query}")
    assert said in shown
    assert "武汉楚天食品有限公司" not in shown


def test_an_unknown_state_opens_the_list_as_it_opens_by_itself(mine, case):
    assert "武汉楚天食品有限公司" in page(mine, f"{LIST}?status=nonsense")


def test_a_list_page_takes_the_same_few_queries_for_many_rows(company, sign_in, django_assert_max_num_queries):
    for _ in range(25):
        factories.silent_customer(company.manager)
    scan_churn()
    client = sign_in(company.manager)
    page(client, LIST)
    with django_assert_max_num_queries(21):  # with scan, age of the orders, versions of what is counted once, and views
        page(client, LIST)


def test_own_rows_carry_actions_others_are_only_viewed(company, mine, sign_in, case):
    assert url("defer", case) in page(mine, LIST)
    other = page(sign_in(company.colleague), LIST)
    assert "武汉楚天食品有限公司" in other
    assert url("defer", case) not in other
    assert url("confirm", case) not in page(sign_in(company.supervisor), LIST)


def test_the_export_has_the_rows_and_needs_its_permission(company, mine, sign_in, case):
    response = export(mine, LIST)
    assert "武汉楚天食品有限公司" in b"".join(response).decode("utf-8-sig")
    assert export(sign_in(company.nobody), LIST).status_code == 403


# The record


def test_the_page_says_how_unusual_the_silence_is(company, mine, no_holidays):
    case = factories.churn_case(company.manager, last_purchase_on=TODAY - timedelta(days=310))
    for days in (310, 341, 372, 403):
        order(case.customer, days)
    order(case.customer, 3, status="cancelled")  # no purchase
    shown = page(mine, case.get_absolute_url())
    assert "该客户通常约 36 天下单一次（多在 24–55 天内），已 310 天未下单，为惯常的 8.6 倍。" in shown
    assert "2 次，2,000.00 元" in shown  # the others are older than twelve months
    assert "订单趋势" in shown


def test_with_fewer_than_four_order_days_only_the_rule_is_shown(company, mine):
    case = factories.churn_case(company.manager, last_purchase_on=TODAY - timedelta(days=200))
    order(case.customer, 200)
    order(case.customer, 260)
    assert "已 200 天未下单，超过六个月；下单不足 4 天" in page(mine, case.get_absolute_url())


def test_of_a_customer_that_never_bought_the_page_tells_since_when(company, mine):
    since = TODAY - timedelta(days=400)
    customer = factories.CustomerFactory(manager=company.manager, cooperation_since=since)
    scan_churn()
    shown = page(mine, customer.churn_cases.get().get_absolute_url())
    assert f"该客户从未下单；自 {since:%Y-%m-%d} 起已 400 天。" in shown


def test_the_page_of_a_case_takes_a_fixed_number_of_queries(company, mine, case, django_assert_max_num_queries):
    for number in range(12):
        case.defer(by=company.manager, kind=factories.entry("暂缓措施", "拜访"), text=f"第 {number} 次")
        order(case.customer, 300 + 20 * number)
    page(mine, case.get_absolute_url())
    with django_assert_max_num_queries(18):
        shown = page(mine, case.get_absolute_url())
    assert shown.count("第 1 次") >= 1


def test_a_case_outside_ones_view_does_not_exist(company, sign_in, case):
    for who in ("eastern", "stranger", "outsider", "administrator", "nobody"):
        client = sign_in(getattr(company, who))
        for verb in ("detail", "history", "defer", "confirm", "win_back"):
            assert "楚天" not in page(client, url(verb, case), 404)


# 暂缓流失


def test_a_measure_is_added_on_the_page(mine, case):
    response = mine.post(url("defer", case), measure())
    assert response["Location"] == case.get_absolute_url()
    shown = page(mine, case.get_absolute_url())
    assert "拜访设备科" in shown
    assert f"{TODAY + timedelta(days=10):%m-%d} 复核" in shown
    assert again(case).status == "deferred"


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"text": ""}, "请填写。"),
        ({"measure_kind": ""}, "请选择"),
        ({"measure_kind": "999999"}, "选择"),
        ({"review_on": ""}, "请填写。"),
        ({"review_on": "明天"}, "请填写日期"),
        ({"review_on": TODAY - timedelta(days=1)}, "不能早于今天"),
        ({"review_on": TODAY + timedelta(days=91)}, "最晚是 90 天后"),
        ({"text": "长" * 501}, "500"),
        ({"text": "a\x00b"}, "不能"),
    ],
)
def test_a_bad_measure_comes_back_beside_its_field_with_the_text_kept(mine, case, values, error):
    response = mine.post(url("defer", case), {"submission": "", **measure(**{"text": "保留的文字", **values})})
    shown = response.content.decode()
    assert response.status_code == 200
    assert error in shown
    if "text" not in values:
        assert "保留的文字" in shown
    assert not case.measures.exists()


def test_the_same_form_sent_twice_makes_one_measure(mine, case):
    sent = measure(submission="7d8a5a2e-3f53-4c0c-9a44-0d9f5c0f9d11")
    mine.post(url("defer", case), sent)
    mine.post(url("defer", case), sent)
    assert case.measures.count() == 1


# 确认流失, 挽回


def test_confirming_asks_first_and_changes_nothing_by_get(mine, case):
    shown = page(mine, url("confirm", case))
    assert "确认“客户：武汉楚天食品有限公司”已经流失？" in shown
    assert again(case).status == "warning"


def test_a_loss_is_confirmed_and_won_back(company, mine, sign_in, case):
    rival = factories.entry("竞争对手", "进口品牌").pk
    assert mine.post(url("confirm", case), loss(competitor=rival)).status_code == 302
    shown = page(mine, case.get_absolute_url())
    assert "改用进口品牌" in shown
    assert "进口品牌" in shown
    assert again(case.customer).status == "lost"
    assert "改用进口品牌" in page(sign_in(company.supervisor), "/")
    assert page(mine, url("defer", case), 409)
    assert mine.post(url("win_back", case), {"note": "重新签约"}).status_code == 302
    assert again(case).status == "won_back"
    assert again(case.customer).status == "normal"


@pytest.mark.parametrize("missing", ["reason", "lost_kind"])
def test_a_loss_needs_reason_and_kind(mine, case, missing):
    response = mine.post(url("confirm", case), loss(**{missing: ""}))
    assert response.status_code == 200
    assert again(case).status == "warning"


def test_posting_what_the_form_does_not_show_sets_nothing(mine, case):
    mine.post(url("defer", case), measure(status="won_back", customer="1", confirmed_at="2020-01-01", by="1"))
    after = again(case)
    assert (after.status, after.customer_id, after.confirmed_at) == ("deferred", case.customer_id, None)


@pytest.mark.parametrize("who", ["colleague", "supervisor", "executive"])
@pytest.mark.parametrize("verb", ["defer", "confirm", "win_back"])
def test_others_may_look_but_not_act(company, sign_in, case, who, verb):
    client = sign_in(getattr(company, who))
    page(client, case.get_absolute_url())
    before = ChurnCase.objects.values().get()
    assert client.get(url(verb, case)).status_code == 403
    assert client.post(url(verb, case), {**measure(), **loss(), "note": "x"}).status_code == 403
    assert ChurnCase.objects.values().get() == before


def test_script_in_the_texts_is_shown_as_text(mine, case):
    evil = "<script>alert(1)</script>"
    mine.post(url("defer", case), measure(text=evil))
    mine.post(url("confirm", case), loss(reason=evil))
    for address in (f"{LIST}?status=all", case.get_absolute_url(), case.customer.get_absolute_url(), "/"):
        shown = page(mine, address)
        assert evil not in shown
        assert (evil in text(shown)) is (address != "/")


# Customer's page, workbench, menu, search, scan


def test_the_customers_page_shows_its_case(company, mine, sign_in, case):
    shown = page(mine, case.customer.get_absolute_url())
    assert "客户流失" in texts(shown, "h2")
    assert case.get_absolute_url() in urls(shown)
    assert url("confirm", case) in urls(shown)
    assert url("confirm", case) not in page(sign_in(company.colleague), case.customer.get_absolute_url())
    Customer.objects.update(last_purchase_on=TODAY)
    ChurnCase.objects.all().delete()
    assert "客户流失" not in texts(page(mine, case.customer.get_absolute_url()), "h2")


def waiting(home):
    """Return (number, classes) of the mark on the menu item of churn cases."""
    item = find(home, "aside.side a", containing="客户流失管理")
    return [(text(mark), mark.get("class")) for mark in find_all(item, "span")]


def test_the_workbench_and_the_menu_show_ones_own_cases(company, mine, sign_in, case):
    home = page(mine, "/")
    assert "新的预警" in home
    assert case.get_absolute_url() in urls(home)
    assert waiting(home) == [("1", "n")]
    case.defer(by=company.manager, kind=factories.entry("暂缓措施", "拜访"), text="拜访", review_on=TODAY)
    home = page(mine, "/")
    assert "应复核 1" in home
    assert waiting(home) == [("1", "n hot")]
    assert "应复核" in page(mine, LIST)
    for who in ("colleague", "supervisor"):
        other = page(sign_in(getattr(company, who)), "/")
        assert case.get_absolute_url() not in other
        assert waiting(other) == []


def test_losses_of_other_departments_are_not_on_a_supervisors_workbench(company, sign_in, case):
    case.confirm(by=company.manager, reason="秘密原因", kind=factories.entry("流失原因", "价格"))
    assert "秘密原因" in page(sign_in(company.supervisor), "/")
    assert "秘密原因" not in page(sign_in(company.outsider), "/")


@pytest.mark.parametrize("word", ["确定流失", "确认流失"])
def test_both_words_lead_to_the_confirmed_losses(company, mine, sign_in, word):
    assert f"{LIST}?status=confirmed" in page(mine, f"/search/?q={word}")
    assert f"{LIST}?status=confirmed" not in page(sign_in(company.nobody), f"/search/?q={word}")
    assert word in page(mine, "/help/")


def test_an_administrator_starts_the_scan_and_reads_what_it_found(company, sign_in, django_capture_on_commit_callbacks):
    factories.silent_customer(company.manager)
    client = sign_in(company.administrator)
    assert "还没有运行过" in page(client, "/customers/churn/scan/")
    assert "/customers/churn/scan/" in page(client, "/")
    for _ in range(2):  # a second click does not start a second one
        assert client.post("/customers/churn/scan/").status_code == 302
    (job,) = Job.objects.all()
    assert job.owner == company.administrator
    run_job.func(job.pk)
    assert "新增 1 个预警" in page(client, "/customers/churn/scan/")
    assert "新增 1 个预警" in page(sign_in(company.manager), LIST)
    assert client.get(LIST).status_code == 403  # no business data


@pytest.mark.parametrize("who", ["manager", "supervisor", "executive", "nobody"])
def test_nobody_else_starts_the_scan(company, sign_in, who):
    client = sign_in(getattr(company, who))
    page(client, "/customers/churn/scan/", 403)
    assert client.post("/customers/churn/scan/").status_code == 403
    assert not Job.objects.exists()
