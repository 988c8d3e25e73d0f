"""Pages of 提前预警: the list beside the states of cases, its actions, 工作台, and the line once a week."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Notification
from basedata.models import SpecialDay, WorkCalendar
from customers.insight.weekly import is_first_working_day, tell_weekly
from customers.models import Alert, AlertPause, ChurnCase, CustomerMetrics
from customers.sync.orders import write_orders
from kit.domain.days import show_day
from tests import factories
from tests.customers.feeds import ORDER
from tests.html import find, find_all, text, texts, urls

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_holidays")]
TODAY = timezone.localdate()
LIST = "/customers/churn/early/"
REASON = "工厂搬迁，九月前不采购"


@pytest.fixture
def red(company):
    return factories.late_customer(company.manager, silent=90, name="武汉楚天食品有限公司")


def rows(client, query=""):
    """Return the names in the list, in order."""
    response = client.get(f"{LIST}?{query}")
    assert response.status_code == 200
    return texts(response, "td.m-t")


def url(verb, customer):
    return reverse(f"customers:alert_{verb}", args=[customer.pk])


def test_red_comes_first_then_the_larger_customer_and_the_head_adds_them_up(company, sign_in, red):
    amber = factories.late_customer(company.manager, silent=70, name="合肥庐阳家电有限公司")
    large = factories.late_customer(company.manager, silent=100, name="沈阳北辰泵业有限公司")
    for customer, net in ((red, 100), (amber, 5000), (large, 300)):
        CustomerMetrics.objects.filter(customer=customer).update(net_12m=net)
    client = sign_in(company.manager)
    assert rows(client) == [large.name, red.name, amber.name]
    assert rows(client, "sort=-net_12m") == [amber.name, large.name, red.name]
    assert rows(client, "level=amber") == [amber.name]
    assert rows(client, "net_from=300") == [large.name, amber.name]
    page = client.get(LIST)
    assert text(find(page, ".qf > .sum")).split() == [
        "共", "3", "家，12", "个月净额合计", "5,400.00", "元", "晚于惯常", "2", "家", "400.00", "元",
        "该下单了", "1", "家", "5,000.00", "元",
    ]  # fmt: skip
    assert texts(page, "table.tbl tbody tr:nth-child(2) td")[3:7] == [
        "34 天 （23–49）", show_day(TODAY - timedelta(days=90)), "90", "2.6",
    ]  # fmt: skip


def test_everybody_sees_the_alerts_of_their_customers_and_the_states_beside_them(company, sign_in, red):
    eastern = factories.late_customer(company.eastern, silent=90, name="合肥庐阳家电有限公司")
    factories.churn_case(company.manager, name="沈阳北辰泵业有限公司")
    assert rows(sign_in(company.manager)) == [red.name]
    assert rows(sign_in(company.eastern)) == [eastern.name]
    executive = sign_in(company.executive)
    assert sorted(rows(executive)) == sorted([eastern.name, red.name])
    assert rows(executive, f"manager={company.eastern.pk}") == [eastern.name]
    assert find_all(executive.get(LIST), ".ra a", containing="暂不提醒") == []
    tabs = texts(executive.get(f"{LIST}?manager={company.manager.pk}"), "nav.states a")
    assert tabs[:4] == ["提前预警1", "全部1", "待处理1", "预警1"]
    tab = find(executive.get(f"/customers/churn/?manager={company.eastern.pk}"), "nav.states a", containing="提前预警")
    assert (text(tab), tab.get("href")) == ("提前预警1", f"{LIST}?manager={company.eastern.pk}")


def test_a_pause_hides_the_row_from_its_owner_alone_and_a_purchase_ends_both(company, sign_in, red):
    mine, theirs = sign_in(company.manager), sign_in(company.supervisor)
    answer = mine.post(url("pause", red), {"span": "30", "until": "", "reason": REASON})
    assert (answer.status_code, answer["Location"]) == (302, LIST)
    assert AlertPause.objects.get().until == TODAY + timedelta(days=30)
    assert rows(mine) == []
    assert rows(mine, "paused=on") == rows(theirs) == [red.name]
    marked = find(theirs.get(LIST), "td.m-r small")
    assert (text(marked), marked.get("title")) == (f"暂不提醒至 {TODAY + timedelta(days=30):%m-%d}", REASON)
    assert find_all(mine.get("/"), "h2", containing="晚于惯常") == []
    bought = {**ORDER, "number": "S-NEW", "customer_number": "X", "ordered_at": timezone.now()}
    write_orders([bought], {"X": red.pk})
    assert rows(mine, "paused=on") == rows(theirs) == []
    assert not AlertPause.objects.open().exists()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"span": "", "until": "", "reason": REASON}, "请选择暂停多久"),
        ({"span": "30", "until": TODAY + timedelta(days=181), "reason": REASON}, "暂停最长 180 天"),
        ({"span": "30", "until": TODAY - timedelta(days=1), "reason": REASON}, "不能早于今天"),
        ({"span": "30", "until": "", "reason": " "}, "请填写"),
    ],
)
def test_a_pause_needs_a_day_within_half_a_year_and_a_reason(company, sign_in, red, values, said):
    answer = sign_in(company.manager).post(url("pause", red), values)
    assert said in " ".join(texts(answer, ".err"))
    assert not AlertPause.objects.exists()


def test_listed_as_a_warning_it_is_a_case_and_no_alert(company, sign_in, red):
    client = sign_in(company.manager)
    assert "已 90 天未下单" in text(find(client.get(url("warn", red)), "form.dlg"))
    answer = client.post(url("warn", red))
    case = ChurnCase.objects.get()
    assert (case.status, case.origin, answer["Location"]) == ("warning", "hand", case.get_absolute_url())
    assert rows(client) == []
    assert client.post(url("warn", red)).status_code == 409


@pytest.mark.parametrize(
    ("opened_from", "leads_to"),
    [
        (f"http://testserver{LIST}?level=red&talked=over-30&page=2", f"{LIST}?level=red&talked=over-30&page=2"),
        (f"http://testserver{LIST}", LIST),
        ("http://testserver/customers/1/?tab=info", LIST),
        ("", LIST),
        (f"http://elsewhere.example{LIST}?level=red", f"{LIST}?level=red"),  # of another site only the conditions
        (f"http://testserver{LIST}?customer={'x' * 900}", LIST),
    ],
)
def test_a_pause_leads_back_to_the_list_as_it_was(opened_from, leads_to, company, sign_in, red):
    client = sign_in(company.manager)
    form = client.get(url("pause", red), headers={"referer": opened_from} if opened_from else {})
    carried = {field.get("name"): field.get("value") for field in find_all(form, "input[name=list_query]")}
    values = {"span": "30", "until": "", **carried}
    again = client.post(url("pause", red), {**values, "reason": ""})  # shown again, it still knows
    assert [one.get("value") for one in find_all(again, "input[name=list_query]")] == [*carried.values()]
    answer = client.post(url("pause", red), {**values, "reason": REASON})
    assert (answer.status_code, answer["Location"]) == (302, leads_to)


def test_amounts_are_for_who_sees_orders(company, sign_in, red):
    factories.churn_case(company.manager, name="沈阳北辰泵业有限公司")
    CustomerMetrics.objects.update(net_12m=54321)
    role = company.manager.groups.get()
    role.permissions.remove(role.permissions.get(codename="view_order"))
    client = sign_in(company.manager)
    for address in (f"{LIST}?net_from=1&at_risk=true&sort=-net_12m", "/customers/churn/?status=open", "/"):
        page = client.get(address)
        assert page.status_code == 200
        assert "54,321" not in text(page)
        assert "净额" not in text(find(page, "main"))
    page = client.get(f"{LIST}?net_from=99999999")
    assert texts(page, "td.m-t") == [red.name]
    assert "没有「net_from」这个条件" in text(page)
    assert "共 1 家" in text(page)


def test_the_list_takes_the_same_queries_for_many_rows(company, sign_in, red, django_assert_num_queries):
    client = sign_in(company.manager)
    client.get(LIST)
    with django_assert_num_queries(16) as few:  # with the versions of what is counted once, and the views
        client.get(LIST)
    number = len(few)
    for _ in range(12):
        factories.late_customer(company.manager, silent=95)
    client.get(LIST)
    with django_assert_num_queries(number):
        assert len(rows(client)) == 13


def test_a_row_counts_days_as_the_calendar_does(company, red):
    SpecialDay.objects.bulk_create(
        SpecialDay(day=TODAY - timedelta(days=ago), kind=kind, name="春节")
        for ago, kind in ((0, "rest"), (5, "rest"), (6, "work"), (90, "rest"), (91, "rest"))
    )
    WorkCalendar.renew()
    row = Alert.objects.alerted(TODAY).with_rest_days().get()
    assert row.silent_days == Alert.objects.get(pk=row.pk).silent_days == 88


def test_home_shows_the_five_largest_of_ones_own(company, sign_in):
    for net in range(7):
        customer = factories.late_customer(company.manager, silent=90, name=f"第{net}水泵厂")
        CustomerMetrics.objects.filter(customer=customer).update(net_12m=net)
    factories.late_customer(company.colleague, silent=90, name="别人的水泵厂")
    factories.late_customer(company.manager, silent=70, name="还不红的水泵厂")
    page = sign_in(company.manager).get("/")
    card = find(page, "section.card", containing="晚于惯常")
    assert texts(card, ".g > a") == [f"第{net}水泵厂" for net in (6, 5, 4, 3, 2)]
    assert f"{LIST}?manager={company.manager.pk}&level=red" in urls(card)


# Once a week

MONDAY = TODAY - timedelta(days=TODAY.weekday())


def test_the_first_working_day_follows_the_calendar():
    monday = date(2026, 11, 16)
    assert [is_first_working_day(monday + timedelta(days=ahead)) for ahead in range(3)] == [True, False, False]
    SpecialDay.objects.create(day=monday, kind="rest", name="放假")
    WorkCalendar.renew()
    assert [is_first_working_day(monday + timedelta(days=ahead)) for ahead in range(3)] == [False, True, False]
    SpecialDay.objects.create(day=monday - timedelta(days=1), kind="work", name="班")  # of the week before
    WorkCalendar.renew()
    assert is_first_working_day(monday + timedelta(days=1))


def test_each_owner_with_new_alerts_is_told_once_a_week_of_those_since_the_last_time(company, sign_in, monkeypatch):
    for silent in (82, 78, 40):
        factories.late_customer(company.manager, silent=silent)
    factories.late_customer(company.colleague, silent=95)  # red for more than a week
    assert tell_weekly(MONDAY + timedelta(days=1)) == "不是本周第一个工作日"
    for _ in range(2):
        tell_weekly(MONDAY)
    told = Notification.objects.get()
    assert (told.recipient, told.text) == (company.manager, "本周新增 1 家提前预警：晚于惯常 1 家。")
    answer = sign_in(company.manager).post(told.get_absolute_url())
    assert answer["Location"] == f"{LIST}?manager={company.manager.pk}"
    tell_weekly(MONDAY + timedelta(days=7))
    assert Notification.objects.count() == 1  # the orders stand still: nothing is new
    monkeypatch.setattr("customers.insight.weekly.orders_as_of", lambda: TODAY + timedelta(days=24))
    tell_weekly(MONDAY + timedelta(days=21))
    assert Notification.objects.latest("pk").text == "本周新增 2 家提前预警：晚于惯常 1 家、该下单了 1 家。"


def test_an_alert_of_the_day_one_was_told_of_is_not_new_the_week_after(company, monkeypatch):
    factories.late_customer(company.manager, silent=80)  # red since today; the colleague was never told of anything
    tell_weekly(MONDAY)
    monkeypatch.setattr("customers.insight.weekly.orders_as_of", lambda: TODAY + timedelta(days=5))
    tell_weekly(MONDAY + timedelta(days=7))
    assert Notification.objects.get().text == "本周新增 1 家提前预警：晚于惯常 1 家。"
