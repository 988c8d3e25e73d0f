"""我的, views and columns of lists: over all lists, and in detail on 客户信息管理."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import SavedView
from customers.models import CustomerMetrics
from kit.lists.list_addresses import list_page_at
from tests import factories, html
from tests.exports import export
from tests.html import find, find_all, links, menu, text, texts, texts_of, urls
from tests.permissions.asking import url_of
from tests.permissions.tables import people_who, records_of
from tests.walks import CLASSES, LISTS

pytestmark = pytest.mark.django_db
LIST, NAME = "/customers/", "customers:customer_list"


def strip(answer):
    """Return {label: number} of the tabs over a list."""
    tabs = {}
    for tab in find_all(answer, "nav.views a:not(.add)"):
        count = "".join(texts(tab, ".n"))
        tabs[text(tab).removesuffix(count).strip()] = count
    return tabs


def heads(answer):
    return [head for head in texts(answer, "table.tbl thead th[scope=col]") if head != "操作"]


def names(answer):
    return set(texts(answer, "table.tbl tbody td.m-t > a"))


def ticks(answer):
    boxes = find_all(answer, ".coltick input[type=checkbox][name]")
    return {str(box.get("value")): "checked" in box.attrib for box in boxes}


def misread(answer):
    """Return the sentences about what the URL says and the list does not know."""
    return texts_of(find_all(answer, ".msg.amber[role=status]", containing="清除全部条件"))


@pytest.fixture
def three(company):
    """One customer of the manager and two of a colleague; the first was spoken to yesterday."""
    mine = factories.CustomerFactory(name="周经理的客户", manager=company.manager)
    for name in ("同事的甲", "同事的乙"):
        factories.CustomerFactory(name=name, manager=company.colleague)
    CustomerMetrics.objects.update_or_create(
        customer=mine, defaults={"last_interaction_on": timezone.localdate() - timedelta(days=1)}
    )


# All lists


def opened(world, enter):
    """Yield (name, address, person, client) of every list, as the first person gets it who may."""
    for name in LISTS:
        record = records_of(name)[0]
        person = people_who(name, record, "GET", "200")[0]
        yield name, url_of(name, record, world), person, enter(person)


@pytest.mark.walk
def test_every_list_has_columns_of_different_names_and_shows_each_that_is_asked_for(world, enter):
    for name, address, _, client in opened(world, enter):
        columns = CLASSES[name].columns
        keys = [column.key for column in columns]
        assert (name, sorted(set(keys))) == (name, sorted(keys))
        known = list(ticks(client.get(address)))
        answer = client.get(address, {"columns": ",".join(reversed(known))})
        assert (name, answer.status_code, misread(answer)) == (name, 200, [])
        if answer.context["table"]:
            assert (name, len(heads(answer))) == (name, len(known) + 1)
        for href in urls(answer, "div.pager a[href], nav.states a[href], table.tbl thead a[href]"):
            if urlsplit(href).path == address:  # not of the other list of the same strip
                assert parse_qs(urlsplit(href).query)["columns"] == [",".join(reversed(known))]


@pytest.mark.walk
def test_every_tab_of_every_list_leads_to_as_many_rows_as_it_says(world, enter):
    factories.CustomerFactory(name="同事的客户", manager=world.company.colleague)
    seen = set()
    for name, address, person, client in opened(world, enter):
        for label, href in links(client.get(address), "nav.views a:not(.add)"):
            count = int("".join(c for c in label if c.isdigit()) or 0) if label[-1:].isdigit() else None
            answer = client.get(href, follow=True)
            assert (name, label, misread(answer)) == (name, label, [])
            assert (name, label, dict(answer.context["filter_form"].errors)) == (name, label, {})
            if count is not None and not any(ch.isdigit() for ch in label.rstrip("0123456789")):
                assert (name, person, label, answer.context["pager"].total) == (name, person, label, count)
                seen.add(name)
    assert len(seen) > 8


@pytest.mark.walk
def test_each_list_that_stands_alone_saves_a_view_and_opens_it_again(world, enter):
    for name, address, person, client in opened(world, enter):
        if list_page_at(name) is None:
            assert (name, find_all(client.get(address), "nav.views")) == (name, [])
            continue
        add = find(client.get(address, {"page_size": 10}), "nav.views a.add").get("href")
        answer = client.post(add, {**html.values(client.get(add)), "name": "我存的"})
        view = SavedView.objects.get(owner=world.people[person], page=name)
        assert (name, answer["Location"]) == (name, f"{address}?view={view.pk}")
        again = client.get(answer["Location"], follow=True)
        assert (name, misread(again)) == (name, [])
        assert "我存的" in texts(again, 'nav.views a[aria-current="page"]')[0]


# 我的


def test_the_menu_leads_to_ones_own_rows_and_a_plain_url_shows_all(company, sign_in, three):
    client = sign_in(company.manager)
    entry = dict(links(client.get("/"), ".side nav a"))["客户信息管理"]
    assert entry == f"{LIST}?mine=1"
    assert names(client.get(entry)) == {"周经理的客户"}
    assert names(client.get(LIST)) == {"周经理的客户", "同事的甲", "同事的乙"}
    answer = client.get(entry)
    assert texts(answer, 'nav.views a[aria-current="page"]') == ["我的1"]
    assert strip(answer)["全部可见"] == "3"
    assert strip(client.get(LIST))["我的"] == "1"


def test_who_edits_others_is_offered_their_own_and_who_edits_nobody_is_not(company, sign_in, three):
    supervisor, executive = sign_in(company.supervisor), sign_in(company.executive)
    assert dict(links(supervisor.get("/"), ".side nav a"))["客户信息管理"] == LIST
    assert strip(supervisor.get(LIST))["我的"] == "0"
    assert "我的" not in strip(executive.get(LIST))
    assert "这里没有「mine」这个条件，没有按它筛选。" in html.messages(executive.get(LIST, {"mine": "1"}))[0]


def test_own_rows_stay_through_states_filters_pages_and_export(company, sign_in, three):
    client = sign_in(company.manager)
    answer = client.get(LIST, {"mine": "1"})
    for href in urls(answer, "nav.states a, table.tbl thead a"):
        assert parse_qs(urlsplit(href).query)["mine"] == ["1"]
    assert {field.get("name"): field.get("value") for field in find_all(answer, "form.qf input[type=hidden]")}[
        "mine"
    ] == "1"
    assert urls(answer, "form.qf a.btn") == [f"{LIST}?mine=1"]
    rows = list(csv.reader(io.StringIO(export(client, f"{LIST}?mine=1").content.decode("utf-8-sig"))))[1:]
    assert len(rows) == 1
    assert "不能是「ja」" in html.messages(client.get(LIST, {"mine": "ja"}))[0]


def test_the_tabs_of_losses_and_alerts_keep_ones_own(company, sign_in):
    client = sign_in(company.manager)
    other = find(client.get("/customers/churn/?mine=1"), "nav.states a", containing="提前预警").get("href")
    assert parse_qs(urlsplit(other).query) == {"mine": ["1"]}


# Columns


def test_rhythm_and_unpaid_come_onto_the_page_in_the_order_asked_for(company, sign_in, three):
    client = sign_in(company.manager)
    assert not {"节奏", "未回款（元）"} & set(heads(client.get(LIST)))
    answer = client.get(LIST, {"columns": "metrics.unpaid_amount,rhythm,name"})
    assert heads(answer) == ["名称 / 客户编号", "未回款（元）", "节奏"]
    assert ticks(answer)["rhythm"] is True
    assert ticks(answer)["number"] is False


def test_a_column_that_is_not_the_readers_is_left_out_with_its_name(company, sign_in, three):
    role = company.manager.groups.get()
    role.permissions.remove(role.permissions.get(codename="view_churncase"))
    answer = sign_in(company.manager).get(LIST, {"columns": "name,rhythm,status,neu"})
    assert heads(answer) == ["名称 / 客户编号", "状态"]
    assert "「节奏」这一列没有" in html.messages(answer)[0]
    assert "「neu」这一列没有" in html.messages(answer)[0]


def test_the_choosers_form_moves_a_column_and_opens_again(company, sign_in, three):
    client = sign_in(company.manager)
    sent = {"column": ["name", "status", "region", "rhythm"], "up": "rhythm", "sort": "number"}
    answer = client.get(LIST, sent)
    assert answer.status_code == 302
    assert parse_qs(urlsplit(answer["Location"]).query) == {
        "sort": ["number"],
        "columns": ["name,status,rhythm,region"],
        "choosing": ["rhythm"],
    }
    page = client.get(answer["Location"])
    find(page, ".tools details[open]")
    assert find(page, ".coltick button[autofocus]").get("value") == "rhythm"
    applied = client.get(LIST, {"column": ["name", "status"]})["Location"]
    assert parse_qs(urlsplit(applied).query) == {"columns": ["name,status"]}
    assert "choosing" not in "".join(urls(page, "table.tbl thead a, nav.states a"))


def test_the_lists_own_columns_need_no_parameter(company, sign_in, three):
    client = sign_in(company.manager)
    usual = [key for key, ticked in ticks(client.get(LIST)).items() if ticked]
    assert client.get(LIST, {"column": ["name", *usual]})["Location"] == LIST


def test_a_file_has_all_columns_until_some_are_chosen(company, sign_in, three):
    client = sign_in(company.manager)

    def header(address):
        return next(csv.reader(io.StringIO(export(client, address).content.decode("utf-8-sig"))))

    assert {"客户编号", "名称", "节奏", "注册资本（万元）"} <= set(header(LIST))
    assert header(f"{LIST}?columns=name,rhythm,status") == ["名称", "客户编号", "节奏", "状态"]


@pytest.mark.parametrize("value", ["", ",", "x" * 3000, "\ud800", "名称", "name,name,name", "__class__"])
def test_no_value_of_columns_breaks_the_list(value, company, sign_in, three):
    answer = sign_in(company.manager).get(LIST, {"columns": value.encode("utf-8", "surrogatepass")})
    assert answer.status_code in (200, 400)


# Views


def test_shipped_views_narrow_to_what_their_names_say(company, sign_in, three):
    client = sign_in(company.manager)
    answer = client.get(LIST)
    assert strip(answer)["30 天没联系"] == "2"
    quiet = find(answer, "nav.views a", containing="30 天没联系").get("href")
    assert names(client.get(quiet)) == {"同事的甲", "同事的乙"}
    own = find(client.get(f"{LIST}?mine=1"), "nav.views a", containing="30 天没联系").get("href")
    assert names(client.get(own)) == set()


def test_late_customers_are_those_of_the_alerts(company, sign_in):
    late = factories.CustomerFactory(name="晚了的", manager=company.manager)
    factories.CustomerFactory(name="按时的", manager=company.manager)
    day = timezone.localdate()
    CustomerMetrics.objects.update_or_create(customer=late, defaults={"late_from": day, "alarm_from": day})
    assert names(sign_in(company.manager).get(LIST, {"view": "late"}, follow=True)) == {"晚了的"}


def test_a_view_alone_leads_to_its_conditions_and_an_unknown_one_says_so(company, sign_in, three):
    client = sign_in(company.manager)
    assert client.get(LIST, {"view": "quiet"})["Location"].startswith(f"{LIST}?view=quiet&status=normal&talked=over-30")
    answer = client.get(LIST, {"view": "nowhere"})
    assert "没有「nowhere」这个视图" in html.messages(answer)[0]
    assert export(client, f"{LIST}?view=nowhere").status_code == 400


def test_a_view_whose_condition_is_gone_says_what_it_left_out(company, sign_in, three):
    view = SavedView.create(by=company.manager, page=NAME, name="旧的", query="gone=1&columns=name,away&mine=1")
    answer = sign_in(company.manager).get(LIST, {"view": view.pk}, follow=True)
    told = html.messages(answer)[0]
    assert "没有「gone」这个条件" in told
    assert "「away」这一列没有" in told
    assert names(answer) == {"周经理的客户"}


def test_more_than_six_views_stand_under_the_rest(company, sign_in, three):
    for number in range(5):
        SavedView.create(by=company.manager, page=NAME, name=f"视图{number}", query=f"name={number}")
    client = sign_in(company.manager)
    answer = client.get(LIST)
    assert texts(answer, "nav.views a.rest") == texts(answer, ".tools .menu:not(.coltick) a") == ["视图3", "视图4"]
    last = SavedView.objects.get(name="视图4")
    assert "视图4" not in texts(client.get(LIST, {"view": last.pk}, follow=True), "nav.views a.rest")


def test_views_and_their_numbers_cost_one_statement_more(company, sign_in, three):
    client, region = sign_in(company.manager), factories.entry("地区", "华北")
    client.get(LIST)

    def statements():
        with CaptureQueriesContext(connection) as captured:
            client.get(LIST)
        return [query["sql"] for query in captured]

    without = [sql for sql in statements() if "accounts_savedview" not in sql]
    queries = ("name=甲", f"region={region.pk}", f"manager={company.manager.pk}", "talked=over-10&mine=1", "rhythm=red")
    for number, query in enumerate(queries):
        SavedView.create(by=company.manager, page=NAME, name=f"视图{number}", query=query)
    after = statements()
    assert len(after) == len(without) + 1


def test_the_default_view_opens_from_the_menu_until_it_is_gone(company, sign_in, three):
    client = sign_in(company.manager)
    view = SavedView.create(by=company.manager, page=NAME, name="甲的", query="name=甲")
    client.post(reverse("accounts:view_choose", args=[NAME]), {"view": view.pk})
    entry = dict(links(client.get("/"), ".side nav a"))["客户信息管理"]
    assert names(client.get(entry, follow=True)) == {"同事的甲"}
    assert names(client.get(LIST)) == {"周经理的客户", "同事的甲", "同事的乙"}
    view.remove(by=company.manager)
    answer = client.get(entry, follow=True)
    assert "默认的视图已经不在" in html.messages(answer)[0]
    assert names(answer) == {"周经理的客户"}
    assert menu(answer)["客户信息管理"] == ""
