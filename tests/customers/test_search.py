"""Words that find a customer: what they may stand in, who may find by it, in which order, and why; kept right."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from crm.search import find_groups
from customers.imports.importing import CustomerImport
from customers.models import Contact, Customer, SearchText, merge_customers, reclassify_customers
from customers.rollup_tasks import check_nightly
from customers.search.customers import find_candidates, find_customers
from customers.search_tasks import describe_search_differences, rebuild_search_texts
from kit.domain.search_words import read_query
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def glass(company):
    """The customer in Tangshan in glass whose buyer is 姜."""
    customer = factories.CustomerFactory(
        name="暄和制品有限公司", manager=company.manager, address="唐山市开平路 3 号", phone="0315-5555 1200",
        industry=factories.entry("行业", "机械制造"), external_number="X-77", license_number="91110000600037341X",
    )  # fmt: skip
    factories.ContactFactory(customer=customer, name="姜文博", position="采购主管", office_phone="0315-5555 1274")
    return customer


def found(person, words):
    return find_customers(person, read_query(words), 20)


def hits(person, words, title="客户"):
    """Return (title, why) of what is found of one kind."""
    groups = {group.title: group for group in find_groups(person, read_query(words), 20)}
    return [(hit.title, hit.why) for hit in groups[title].hits] if title in groups else []


# What words may stand in


@pytest.mark.parametrize(
    "words",
    [
        "唐山 机械 姜", "姜　唐山", "暄和 华北", "xh 采购", "XUANHE 唐山", "jwb 唐山", "jiangwen 暄和", "x-77 唐山",
        "91110000600037341x", "唐山 1274", "0315-5555 1274", "+86 315 5555 1200", "暄和（制品） 有限",
    ],
)  # fmt: skip
def test_every_word_may_stand_anywhere(words, glass, company):
    factories.CustomerFactory(name="唐山别家有限公司", manager=company.manager)
    assert found(company.manager, words) == [glass]


@pytest.mark.parametrize("words", ["唐山 造纸 姜", "唐山 王", "uanhe", "x-7", "%", "|", "_ %", "'", "\\", "唐山市路"])
def test_a_word_too_many_finds_nothing(words, glass, company):
    assert found(company.manager, words) == []


@pytest.mark.parametrize("part", ["9111", "00600037", "91110000600037341", "暄和 600037341"])
def test_a_part_of_a_code_finds_nothing(part, glass, company):
    assert found(company.manager, part) == []


def test_a_renamed_entry_of_the_dictionary_is_found_at_once(glass, company):
    entry = factories.entry("行业", "机械制造")
    type(entry).objects.filter(pk=entry.pk).update(item="玻璃制造")
    assert found(company.manager, "唐山 玻璃 姜") == [glass]
    assert found(company.manager, "唐山 机械 姜") == []


def test_a_surname_is_found_by_both_readings(company):
    customer = factories.CustomerFactory(name="曾记单县食品有限公司", manager=company.manager)
    factories.ContactFactory(customer=customer, name="单晓波")
    for words in ("zengji", "cengji", "zj", "cj", "shanxiaobo", "dan 食品", "sxb"):
        assert found(company.manager, words) == [customer], words


def test_former_names_find_the_customer_and_say_so(glass, company):
    with transaction.atomic():
        glass.edit(by=company.manager, name="砚丰制品有限公司")
    assert found(company.manager, "暄和 姜") == [glass]
    ((_, why),) = hits(company.manager, "暄和")
    assert "曾用 <mark>暄和</mark>制品有限公司" in why
    other = factories.CustomerFactory(name="泊屿有限公司", manager=company.manager)
    factories.ContactFactory(customer=other, name="褚一鸣")
    merge_customers(glass, [other], by=company.supervisor, reason="重复")
    glass.refresh_from_db()
    for words in ("泊屿", other.number, "褚一鸣", "暄和 泊屿 砚丰"):
        assert found(company.manager, words) == [glass], words
    assert describe_search_differences(sample=None) == []


# Who may find by it


def test_hits_are_of_ones_own_view(glass, company):
    for person in (company.stranger, company.outsider, company.eastern, company.administrator, company.nobody):
        assert found(factories.fresh(person), "唐山 姜") == [], person
        assert find_groups(factories.fresh(person), read_query("唐山 姜"), 20) == [], person


@pytest.mark.parametrize("number", ["5555 1200", "1274", "唐山 1274", "5555"])
def test_numbers_find_for_those_only_who_see_them(number, glass, company):
    assert found(company.manager, number) == [glass]
    assert found(company.executive, number) == []
    assert hits(company.executive, number, "联系人") == []
    assert found(company.executive, "唐山 姜") == [glass]  # who sees the customer all the same
    assert "1274" not in str(hits(company.executive, "唐山 姜", "联系人"))


def test_a_number_in_view_is_not_told_of_a_colleagues_customer(glass, company):
    assert found(company.colleague, "姜") == [glass]
    assert found(company.colleague, "1274") == []


# In which order, and why


def test_exact_number_then_beginning_name_contact_rest_and_mine_first(company):
    def made(name, manager=company.colleague, **values):
        return factories.CustomerFactory(name=name, manager=manager, **{"address": "x", **values})

    rest = made("一号有限公司", address="青云路 1 号")
    contact = made("二号有限公司")
    factories.ContactFactory(customer=contact, name="青云")
    theirs, mine = made("甲青云有限公司"), made("乙青云有限公司", company.manager)
    begins = made("青云有限公司")
    exact = made("四号有限公司", address="青云路 2 号", external_number="QY-1")
    assert found(company.manager, "青云") == [begins, mine, theirs, contact, exact, rest]
    assert found(company.manager, "qy-1 青云")[0] == exact


def test_more_than_are_ranked_still_leave_mine_and_the_beginnings_first(company, monkeypatch):
    monkeypatch.setattr("customers.search.customers.ENOUGH", 3)
    for n in range(6):
        factories.CustomerFactory(name=f"华{n}青云有限公司", manager=company.colleague)
    begins = factories.CustomerFactory(name="青云有限公司", manager=company.colleague)
    mine = factories.CustomerFactory(name="华九青云有限公司", manager=company.manager)
    assert found(company.manager, "青云")[:2] == [begins, mine]


def test_each_hit_says_why_with_the_words_marked(glass, company):
    ((title, why),) = hits(company.manager, "xuanhe 姜 机械 开平 1200")
    assert title == "<mark>暄和</mark>制品有限公司"
    for words in (
        "联系人 <mark>姜</mark>文博，采购主管",
        "行业 <mark>机械</mark>制造",
        "地址 唐山市<mark>开平</mark>路 3 号",
    ):
        assert words in why, words
    assert "电话 0315-5555 <mark>1200</mark>" in why
    assert f"客户经理 {company.manager}" in why
    ((name, line),) = hits(company.manager, "暄和 姜 1274", "联系人")
    assert (name, line) == (
        "<mark>姜</mark>文博",
        "采购主管 · <mark>暄和</mark>制品有限公司 · 0315-5555 <mark>1274</mark>",
    )


def test_what_is_shown_is_escaped(company):
    customer = factories.CustomerFactory(name="甲<b>乙&丙", manager=company.manager, address="<i>青云</i>路")
    factories.ContactFactory(customer=customer, name="<u>姜", position="<s>")
    ((title, why),) = hits(company.manager, "甲b乙 姜 i青")
    assert title == "<mark>甲&lt;b&gt;乙</mark>&amp;丙"
    assert "联系人 &lt;u&gt;<mark>姜</mark>，&lt;s&gt;" in why
    assert "地址 &lt;<mark>i&gt;青</mark>云&lt;/i&gt;路" in why


def test_a_contact_has_a_word_of_its_own_and_the_rest_is_its_customers(glass, company):
    factories.ContactFactory(customer=glass, name="王海", position="设备科")
    assert [name for name, _ in hits(company.manager, "唐山 姜", "联系人")] == ["<mark>姜</mark>文博"]
    assert hits(company.manager, "姜 王海", "联系人") == []
    assert hits(company.manager, "唐山", "联系人") == []


def test_orders_requests_opportunities_and_products_are_found_by_several_words(glass, company):
    order = factories.order(glass, number="DD-20261")
    request = factories.service_request(company.manager, customer=glass, summary="流量计漂移")
    chance = factories.opportunity(company.manager, customer_name="暄和制品", summary="压力变送器改造")
    factories.stocked("YS-1", name="电磁流量计", model="DN25")
    ((title, why),) = hits(company.manager, "唐山 dd-2026", "订单")
    assert (title, why) == (f"<mark>DD-2026</mark>{order.number[7:]}", glass.name)
    assert len(hits(company.manager, "姜 流量", "服务请求")) == len(hits(company.manager, request.number)) + 1
    assert hits(company.manager, "暄和 变送器", "销售机会")[0][0] == f"<mark>暄和</mark>{chance.customer_name[2:]}"
    assert hits(company.manager, "流量 dn25", "产品") == [("电磁<mark>流量</mark>计", "YS-1 · <mark>DN25</mark>")]
    for words, title in (("唐山 dd-2026", "订单"), ("姜 流量", "服务请求"), ("暄和 变送器", "销售机会")):
        assert hits(company.stranger, words, title) == [], title


@pytest.mark.parametrize("words", ["制品 姜", "120555", "wxid_many", "0532 制品"])
def test_many_hits_cost_no_query_more_than_one(words, company, glass):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            groups = find_groups(factories.fresh(company.supervisor), read_query(words), 20)
        return len(captured), sum(len(group.hits) for group in groups)

    def add(number):
        customer = factories.CustomerFactory(name=f"制品{number}", manager=company.manager)
        numbers = {"mobile": f"120555{number:05}", "office_phone": "0532-88880000", "wechat": f"wxid_many{number}"}
        factories.ContactFactory(customer=customer, name="姜平", **numbers)
        factories.opportunity(company.manager, customer_name=f"制品{number}", contact_phone=numbers["mobile"])

    add(0)
    few = queries()
    for number in range(1, 10):
        add(number)
    many = queries()
    assert (many[0], many[1] > few[1] + 8) == (few[0], True)


# Kept right


def test_a_contact_that_changes_leaves_or_is_erased_is_no_longer_found(glass, company):
    contact = glass.contacts.get()
    with transaction.atomic():
        contact.edit(by=company.manager, name="褚一鸣", mobile="13900001111")
    assert found(company.manager, "姜") == []
    assert found(company.manager, "褚一鸣") == found(company.manager, "0000 1111") == [glass]
    with transaction.atomic():
        contact.erase(by=company.supervisor)
    assert found(company.manager, "褚") == found(company.manager, "00001111") == []
    assert "褚" not in str(SearchText.objects.filter(pk=glass.pk).values())
    other = factories.ContactFactory(customer=glass, name="单晓波")
    with transaction.atomic():
        other.remove(by=company.manager)
    assert found(company.manager, "单晓波") == []


def test_what_writes_many_customers_writes_what_they_are_found_by(company, tmp_path):
    table = tmp_path / "客户.csv"
    table.write_text("名称,地区,客户等级,地址,电话\n暄和玻璃,华北,普通客户,唐山路 1 号,0315-5555 1200\n", "utf-8")
    task = CustomerImport(manager=company.manager, by=company.manager)
    task.read(table)
    task.write()
    customer = Customer.objects.get(name="暄和玻璃")
    assert found(company.manager, "唐山 华北 xhbl 55551200") == [customer]
    reader = factories.fresh(company.supervisor)
    with transaction.atomic():
        reclassify_customers([customer], by=reader, region=factories.entry("地区", "北京"))
    assert found(company.manager, "暄和 华北") == []
    assert found(company.manager, "暄和 北京") == [customer]


def test_the_night_finds_what_was_written_past_it_and_mends_it(glass, company):
    assert describe_search_differences(sample=None) == []
    assert rebuild_search_texts().endswith("更正 0 个客户。")
    kept = SearchText.objects.filter(pk=glass.pk).values().get()
    Customer.objects.filter(pk=glass.pk).update(name="绕过的名称")
    Contact.objects.filter(customer=glass).update(name="绕过的人")
    assert "1 个客户的搜索文本不一致" in check_nightly()
    assert SearchText.objects.filter(pk=glass.pk).values().get() != kept
    SearchText.objects.all().delete()
    with pytest.raises(CommandError, match=f"客户 {glass.pk} 的搜索文本"):
        call_command("rebuild_search", "--check")
    call_command("rebuild_search")
    call_command("rebuild_search", "--check")
    assert found(company.manager, "唐山 绕过的人") == [glass]


def test_candidates_know_nothing_of_mere_punctuation(company):
    assert find_candidates(company.manager, read_query("（）")) == []
    assert not read_query("  ")


# Pinyin inside names


@pytest.fixture
def inside(company):
    """A customer whose name does not begin with what people call it."""
    return factories.CustomerFactory(name="唐山暄和玻璃制品 2 厂有限公司", manager=company.manager, address="x")


@pytest.mark.parametrize("words", ["xuanhe", "xhbl", "XuanHeBo", "boli", "xhblzp2c", "zhipin2chang", "tsxhblzp2c"])
def test_pinyin_is_found_from_each_character_of_a_name_on(words, inside, company):
    assert found(company.manager, words) == [inside]
    ((title, _),) = hits(company.manager, words)
    assert "<mark>" in title


@pytest.mark.parametrize("words", ["uanhe", "youxian", "yxgs", "hexuan", "2chang"])
def test_pinyin_begins_with_a_character_and_never_with_the_legal_form(words, inside, company):
    assert found(company.manager, words) == []


def test_inside_a_name_both_readings_are_found_and_marked(company):
    customer = factories.CustomerFactory(name="青岛曾记食品有限公司", manager=company.manager)
    for words in ("zengji", "cengji", "zjsp", "cjsp"):
        assert found(company.manager, words) == [customer], words
        assert "青岛<mark>曾记" in hits(company.manager, words)[0][0], words


def test_a_name_that_begins_so_comes_before_one_with_it_inside(inside, company):
    begins = factories.CustomerFactory(name="暄和有限公司", manager=company.colleague)
    assert found(company.manager, "xuanhe") == [begins, inside]


def test_a_former_name_and_a_contact_are_found_by_pinyin_inside_too(inside, company):
    factories.ContactFactory(customer=inside, name="姜文博")
    with transaction.atomic():
        inside.edit(by=company.manager, name="砚丰有限公司")
    assert found(company.manager, "xuanhe wenbo") == [inside]


# What is read once


def test_a_search_reads_candidates_and_the_dictionary_once(glass, company):
    with CaptureQueriesContext(connection) as captured:
        find_groups(factories.fresh(company.manager), read_query("唐山 dd-2026"), 20)
    statements = [one["sql"] for one in captured if '"customers_searchtext"."names"' in one["sql"].partition("FROM")[0]]
    entries = [one["sql"] for one in captured if 'FROM "basedata_dictionaryentry"' in one["sql"]]
    assert statements
    assert sorted(statements) == sorted(set(statements))
    assert len(entries) == 1


# The customer list by the same words


def listed(client, person, words, **parameters):
    client.force_login(person)
    response = client.get("/customers/", {"status": "all", "words": words, **parameters})
    assert response.status_code == 200
    return response


@pytest.mark.parametrize("named", [0, 3000])
@pytest.mark.parametrize("words", ["唐山 机械 姜", "xuanhe 1274", "wxid_glass", "（）", "唐山 王", "唐山"])
def test_the_list_filtered_by_words_holds_what_the_search_finds(words, named, glass, company, client, monkeypatch):
    monkeypatch.setattr("customers.search.customers.LISTED", named)
    factories.CustomerFactory(name="唐山别家有限公司", manager=company.manager)
    factories.ContactFactory(customer=glass, name="褚一鸣", wechat="wxid_glass")
    for person in (company.manager, company.colleague, company.executive, company.supervisor):
        rows = listed(client, person, words).context["view"].shown_rows()
        assert set(rows) == set(found(factories.fresh(person), words)), person


def test_a_search_leads_to_the_list_with_a_pill_that_goes(glass, company, client):
    client.force_login(company.manager)
    for address in ("/search/", "/search/palette/"):
        answer = client.get(address, {"q": "唐山 姜"}).content.decode()
        assert "在客户列表里按这些词筛选" in answer
        assert "words=%E5%94%90%E5%B1%B1+%E5%A7%9C" in answer
    response = listed(client, company.manager, "唐山 姜")
    (condition,) = response.context["applied"]
    assert (condition.label, condition.value) == ("搜索", "唐山 姜")
    assert "words" not in condition.url
    assert glass.name in response.content.decode()
