"""Filters of lists: values of one are alternatives, days may be relative, and paging loses none of it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from customers.models import Customer, CustomerMetrics
from kit.domain.days import midnight
from marketing.models import Opportunity
from tests import factories
from tests.exports import export
from tests.html import errors, find, find_all, links, notices, text, urls

pytestmark = pytest.mark.django_db
LIST = "/customers/"
TODAY = date(2026, 11, 18)


@pytest.fixture
def four(company):
    """Customers of three regions and two levels, one of them without a level."""
    north, east, south = (factories.entry("地区", item) for item in ("华北", "中南", "东北"))
    large, plain = (factories.entry("客户等级", item) for item in ("大客户", "普通客户"))
    places = {"甲厂": (north, large), "乙厂": (east, plain), "丙厂": (south, plain), "丁厂": (east, None)}
    for name, (region, level) in places.items():
        factories.CustomerFactory(name=name, manager=company.manager, region=region, level=level)
    company.regions, company.levels = (north, east, south), (large, plain)
    return company


def names(answer):
    assert answer.status_code == 200
    return {text(link) for link in find_all(answer, "table.tbl tbody td.m-t > a")}


def test_values_of_one_filter_are_alternatives_and_filters_combine(four, sign_in):
    client, (north, east, south), (large, plain) = sign_in(four.manager), four.regions, four.levels
    both = f"{LIST}?region={north.pk}&region={east.pk}"
    assert names(client.get(both)) == {"甲厂", "乙厂", "丁厂"}
    assert names(client.get(f"{both}&level={plain.pk}")) == {"乙厂"}
    assert names(client.get(f"{both}&level={plain.pk}&level=null")) == {"乙厂", "丁厂"}
    assert names(client.get(f"{LIST}?region={south.pk}&level={large.pk}")) == set()
    assert names(client.get(f"{LIST}?region={south.pk}")) == {"丙厂"}  # one value, as in links of before
    assert names(client.get(f"{LIST}?region=&region={south.pk}&region={south.pk}")) == {"丙厂"}
    assert notices(client.get(both)) == []


def test_several_people_and_departments_are_alternatives(company, sign_in):
    for name, person in (("甲厂", company.manager), ("乙厂", company.colleague), ("丙厂", company.eastern)):
        factories.CustomerFactory(name=name, manager=person)
    client = sign_in(company.executive)
    people = f"manager={company.manager.pk}&manager={company.eastern.pk}"
    assert names(client.get(f"{LIST}?{people}")) == {"甲厂", "丙厂"}
    departments = f"department={company.manager.department_id}&department={company.eastern.department_id}"
    assert names(client.get(f"{LIST}?{departments}")) == {"甲厂", "乙厂", "丙厂"}
    assert names(client.get(f"{LIST}?department={company.eastern.department_id}")) == {"丙厂"}


def test_each_value_is_a_pill_that_takes_it_alone_away(four, sign_in):
    client, (north, east, _), (_, plain) = sign_in(four.manager), four.regions, four.levels
    answer = client.get(f"{LIST}?region={north.pk}&region={east.pk}&level={plain.pk}&sort=name_pinyin&page=1")
    pills = dict(links(answer, "a.pill"))
    assert list(pills) == ["去掉条件 地区 华北", "去掉条件 地区 中南", "去掉条件 客户等级 普通客户"]
    query = parse_qs(urlsplit(pills["去掉条件 地区 华北"]).query)
    assert query == {"region": [str(east.pk)], "level": [str(plain.pk)], "sort": ["name_pinyin"]}
    assert names(client.get(pills["去掉条件 客户等级 普通客户"])) == {"甲厂", "乙厂", "丁厂"}


def test_the_words_for_no_row_and_of_an_export_say_or(four, sign_in):
    client, (north, east, _), (large, _) = sign_in(four.executive), four.regions, four.levels
    query = {"region": [north.pk, east.pk], "level": large.pk, "name": "没有"}
    assert "「地区 华北或中南」「客户等级 大客户」" in text(find(client.get(LIST, query), ".empty"))
    rows = export(client, f"{LIST}?region={north.pk}&region={east.pk}", "csv")
    content = b"".join(rows.streaming_content).decode("utf-8-sig") if rows.streaming else rows.content.decode()
    assert ("甲厂" in content, "乙厂" in content, "丙厂" in content) == (True, True, False)


@pytest.mark.parametrize("value", ["abc", "0", "99999999999999999999", "-1", "null"])
@pytest.mark.parametrize("name", ["region", "manager", "department"])
def test_an_unknown_value_is_named_and_no_row_is_shown(name, value, four, sign_in):
    if (name, value) == ("region", "null"):
        pytest.skip("stands for 未填写")
    client = sign_in(four.manager)
    answer = client.get(f"{LIST}?{name}={four.regions[0].pk}&{name}={value}")
    assert names(answer) == set()
    assert errors(answer) == ["没有这个选项，请重新选择。"]
    assert export(sign_in(four.executive), f"{LIST}?{name}={value}").status_code == 400


def test_several_values_of_a_text_are_named_as_before(four, sign_in):
    answer = sign_in(four.manager).get(f"{LIST}?name=甲&name=乙")
    assert "只按最后一个「乙」显示" in text(find(answer, ".msg.amber"))


def test_a_user_with_two_of_the_chosen_roles_is_listed_once(company, sign_in):
    roles = list(company.manager.groups.all()) + list(company.supervisor.groups.all())
    company.manager.groups.add(*roles)
    query = "&".join(f"groups={role.pk}" for role in roles)
    answer = sign_in(company.administrator).get(f"/accounts/users/?state=all&{query}")
    listed = [text(link) for link in find_all(answer, "table.tbl tbody td.m-t > a")]
    assert sorted(listed) == sorted(set(listed))
    assert company.manager.name in listed


# Relative days


@pytest.fixture
def clock(monkeypatch):
    """The noon of TODAY in Shanghai."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: timezone.make_aware(datetime(2026, 11, 18, 12)))


@pytest.fixture
def talked(clock, company):
    """Customers by the days since they were last talked with; one never was."""
    for days in (0, 30, 31, None):
        customer = factories.CustomerFactory(name=f"{days} 天", manager=company.manager)
        day = None if days is None else TODAY - timedelta(days=days)
        CustomerMetrics.objects.update_or_create(customer=customer, defaults={"last_interaction_on": day})
    return company


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("within-30", {"0 天", "30 天"}),
        ("over-30", {"31 天", "None 天"}),
        ("within-31", {"0 天", "30 天", "31 天"}),
        ("over-9999", {"None 天"}),
    ],
)
def test_within_and_over_so_many_days_are_each_other_s_rest(value, expected, talked, sign_in):
    answer = sign_in(talked.manager).get(f"{LIST}?talked={value}")
    assert names(answer) == expected
    assert find(answer, "#id_talked option[selected]").get("value") == value


def test_a_moment_counts_by_its_day_in_shanghai(clock, company, sign_in):
    start = midnight(TODAY - timedelta(days=7))
    for name, at in (("前一刻", start - timedelta(seconds=1)), ("零点", start)):
        factories.opportunity(company.manager, customer_name=name, created_at=at)
    client = sign_in(company.manager)
    answer = client.get("/marketing/opportunities/?created=within-7")
    rest = client.get("/marketing/opportunities/?created=over-7")
    assert (names(answer), names(rest)) == ({"零点"}, {"前一刻"})
    assert links(answer, "a.pill")[0][0] == "去掉条件 创建 近 7 天创建"


@pytest.mark.parametrize("value", ["abc", "within-0", "over--1", "within-99999", "over-３０", "30"])
def test_a_day_that_is_no_number_of_days_is_named(value, company, sign_in):
    answer = sign_in(company.manager).get(LIST, {"talked": value})
    assert errors(answer) == ["看不懂这个值，请重新选择。"]


# Paging


def test_paging_sorting_and_tabs_keep_every_value(four, sign_in):
    north, east, _ = four.regions
    for number in range(25):
        factories.CustomerFactory(name=f"{number} 号", manager=four.manager, region=north if number % 2 else east)
    client = sign_in(four.manager)
    sent = [("region", str(north.pk)), ("region", str(east.pk)), ("page_size", "10"), ("talked", "over-30")]
    answer = client.get(LIST, parse_query(sent))
    for part in ("nav.states", "table.tbl thead", "div.pager"):
        hrefs = urls(answer, f"{part} a[href]")
        assert hrefs, part
        for href in hrefs:
            assert set(sent) <= set(parse_qsl(urlsplit(href).query)), (part, href)
    hidden = [(field.get("name"), field.get("value")) for field in find_all(answer, "div.pager input[type=hidden]")]
    assert set(sent[:2]) <= set(hidden)
    following = client.get(find(answer, 'div.pager a[href*="page=2"]').get("href"))
    assert text(find(following, "caption")) == "客户信息管理，第 2 页，共 3 页"
    assert names(following).isdisjoint(names(answer))


def parse_query(pairs):
    query: dict[str, list[str]] = {}
    for name, value in pairs:
        query.setdefault(name, []).append(value)
    return query


def test_the_line_says_number_and_sum_of_the_whole_result(four, sign_in):
    CustomerMetrics.objects.bulk_create(
        [CustomerMetrics(customer=customer, net_12m="100.10") for customer in Customer.objects.all()],
        update_conflicts=True,
        unique_fields=["customer"],
        update_fields=["net_12m"],
    )
    client = sign_in(four.manager)
    east = four.regions[1]
    assert text(find(client.get(LIST), ".qf > .sum")) == "4 家，近 12 个月合计 400.40 元"
    assert text(find(client.get(f"{LIST}?region={east.pk}"), ".qf > .sum")) == "2 家，近 12 个月合计 200.20 元"


def test_more_rows_and_more_values_ask_no_more_statements(four, sign_in):
    client, (north, east, south) = sign_in(four.manager), four.regions
    client.get(LIST)

    def statements(query):
        with CaptureQueriesContext(connection) as asked:
            assert client.get(f"{LIST}?{query}").status_code == 200
        return len(asked)

    one = statements(f"region={north.pk}")
    assert statements(f"region={north.pk}&region={east.pk}&region={south.pk}&level=null&talked=over-30") == one
    for number in range(12):
        factories.CustomerFactory(name=f"{number} 号", manager=four.manager, region=north)
    assert statements(f"region={north.pk}") == one


# Density and keys


def test_density_is_a_setting_of_the_person_that_leads_back(company, sign_in):
    client = sign_in(company.manager)
    assert find(client.get(LIST), "html").get("data-density") == "compact"
    answer = client.post("/accounts/density/", {"density": "roomy", "next": f"{LIST}?name=a"})
    assert answer["Location"] == f"{LIST}?name=a"
    page = client.get(LIST)
    assert find(page, "html").get("data-density") == "roomy"
    assert find(page, "form.density button").get("aria-pressed") == "false"
    client.post("/accounts/density/", {"density": "tiny"})
    assert User.objects.get(pk=company.manager.pk).density == "roomy"


def test_keys_are_off_for_who_switched_them_off(company, sign_in):
    User.objects.filter(pk=company.manager.pk).update(has_key_shortcuts=False)
    assert find(sign_in(company.manager).get(LIST), "html").get("data-keys") is None
    assert find(sign_in(company.supervisor).get(LIST), "html").get("data-keys") is not None


def test_the_same_action_of_two_rows_has_two_names(company, sign_in):
    factories.opportunity(company.manager, summary="甲厂二期")
    factories.opportunity(company.manager, summary="乙厂二期")
    answer = sign_in(company.manager).get("/marketing/opportunities/")
    spoken = [link.get("aria-label") for link in find_all(answer, ".ra > a")]
    assert len(spoken) == len(set(spoken)) == 2 * Opportunity.objects.count()
