"""Two users edit one record: the second save shows own, stored and opened values, and loses no input."""

from __future__ import annotations

import pytest
from django.core import signing

from kit.audit.models import AuditEntry
from tests import factories
from tests.html import find_all, links, text
from tests.kit.conflicts import form_values, rows

pytestmark = pytest.mark.django_db

STORED = {"summary": "打开时的概要", "description": "打开时的描述", "contact_name": "高峰"}


@pytest.fixture
def record(company):
    return factories.opportunity(company.manager, **STORED)


@pytest.fixture
def edit_url(record):
    return f"/marketing/opportunities/{record.pk}/edit/"


@pytest.fixture
def two(company, sign_in):
    return sign_in(company.manager), sign_in(company.colleague)


def both_open(two, url):
    return [form_values(client.get(url)) for client in two]


def test_the_form_of_a_record_saves_unchanged(two, edit_url, record):
    """Control: form_values() returns what a browser sends."""
    mine, _ = both_open(two, edit_url)
    assert mine["customer_name"] == record.customer_name
    assert two[0].post(edit_url, mine).status_code == 302
    record.refresh_from_db()
    assert record.version == 0


def test_the_second_save_is_refused_and_shows_own_stored_and_opened_values(two, edit_url, record):
    mine, theirs = both_open(two, edit_url)
    assert two[1].post(edit_url, {**theirs, "summary": "同事的概要"}).status_code == 302
    response = two[0].post(edit_url, {**mine, "summary": "我的概要"})
    assert response.status_code == 409
    assert rows(response) == {"概要": ["我的概要", "同事的概要", "打开时的概要"]}
    assert "您的修改尚未保存，也没有丢失。有 1 个字段两人都改了" in text(response)
    assert "陈同事 保存于 今天" in text(response)
    record.refresh_from_db()
    assert record.summary == "同事的概要"


@pytest.mark.parametrize(("side", "summary"), [("mine", "我的概要"), ("theirs", "同事的概要")])
def test_saving_the_merged_form_keeps_the_chosen_side_and_both_users_other_changes(
    side, summary, two, edit_url, record
):
    mine, theirs = both_open(two, edit_url)
    two[1].post(edit_url, {**theirs, "summary": "同事的概要", "contact_name": "同事的联系人"})
    page = two[0].post(edit_url, {**mine, "summary": "我的概要", "description": "我的描述"})
    assert rows(page) == {
        "概要": ["我的概要", "同事的概要", "打开时的概要"],
        "机会描述": ["我的描述", "未改", "打开时的描述"],
        "联系人": ["未改", "同事的联系人", "高峰"],
    }
    response = two[0].post(edit_url, form_values(page, choose={"summary": side}), follow=True)
    assert "保存成功" in response.content.decode()
    record.refresh_from_db()
    assert (record.summary, record.description, record.contact_name) == (summary, "我的描述", "同事的联系人")


def test_changes_in_different_fields_need_no_choice(two, edit_url, record):
    mine, theirs = both_open(two, edit_url)
    two[1].post(edit_url, {**theirs, "contact_name": "同事的联系人"})
    response = two[0].post(edit_url, {**mine, "summary": "我的概要"})
    assert response.status_code == 409
    assert "两人改的不是同一处" in text(response)
    assert find_all(response, "input[type=radio]") == []
    two[0].post(edit_url, form_values(response))
    record.refresh_from_db()
    assert (record.summary, record.contact_name) == ("我的概要", "同事的联系人")


def test_the_same_change_by_two_users_shows_no_difference(two, edit_url, record):
    mine, theirs = both_open(two, edit_url)
    two[1].post(edit_url, {**theirs, "summary": "相同的概要"})
    page = two[0].post(edit_url, {**mine, "summary": "相同的概要"})
    assert rows(page) == {}
    assert two[0].post(edit_url, form_values(page)).status_code == 302


def test_a_third_change_in_between_is_refused_again(two, edit_url, record, company):
    mine, theirs = both_open(two, edit_url)
    two[1].post(edit_url, {**theirs, "summary": "第二次"})
    first = two[0].post(edit_url, {**mine, "summary": "我的概要"})
    record.edit(by=company.supervisor, summary="第三次")
    response = two[0].post(edit_url, form_values(first, choose={"summary": "mine"}))
    assert response.status_code == 409
    assert rows(response) == {"概要": ["我的概要", "第三次", "第二次"]}
    assert two[0].post(edit_url, form_values(response)).status_code == 302
    record.refresh_from_db()
    assert record.summary == "我的概要"


def test_discarding_links_to_the_record(two, edit_url, record):
    mine, theirs = both_open(two, edit_url)
    two[1].post(edit_url, {**theirs, "summary": "同事的概要"})
    page = two[0].post(edit_url, {**mine, "summary": "我的概要"})
    assert ("放弃我的修改", record.get_absolute_url()) in links(page)


@pytest.mark.parametrize("forged", [None, "", "garbage", "eyJ2ZXJzaW9uIjowfQ:1a:b", "signed for another form"])
def test_a_missing_or_forged_version_saves_nothing_and_keeps_the_input(forged, two, edit_url, record):
    mine, _ = both_open(two, edit_url)
    if forged == "signed for another form":
        forged = signing.dumps({"version": 0, "values": {}}, salt="another form")
    values = {**mine, "summary": "我写了很久的概要", "opened": forged}
    if forged is None:
        del values["opened"]
    response = two[0].post(edit_url, values)
    assert response.status_code == 400
    assert "页面已过期。您填写的内容还在，请核对后再次保存。" in text(response)
    record.refresh_from_db()
    assert record.summary == "打开时的概要"
    again = form_values(response)
    assert again["summary"] == "我写了很久的概要"
    assert two[0].post(edit_url, again).status_code == 302
    record.refresh_from_db()
    assert record.summary == "我写了很久的概要"


def test_the_signed_version_of_one_record_does_not_save_another(two, edit_url, record, company):
    """Only the version counts: that of a record saved more often is refused."""
    other = factories.opportunity(company.manager)
    other.edit(by=company.manager, summary="x")
    snapshot = form_values(two[0].get(f"/marketing/opportunities/{other.pk}/edit/"))["opened"]
    mine, _ = both_open(two, edit_url)
    assert two[0].post(edit_url, {**mine, "opened": snapshot, "summary": "我的概要"}).status_code == 409


def test_an_error_in_the_form_comes_before_the_conflict_and_keeps_the_version(two, edit_url, record):
    mine, theirs = both_open(two, edit_url)
    two[1].post(edit_url, {**theirs, "summary": "同事的概要"})
    refused = two[0].post(edit_url, {**mine, "summary": "我的概要", "success_rate": "101"})
    response = two[0].post(edit_url, {**form_values(refused), "success_rate": "50"})
    assert response.status_code == 409
    assert rows(response)["概要"] == ["我的概要", "同事的概要", "打开时的概要"]


def test_a_conflict_writes_no_event(two, edit_url, record):
    mine, theirs = both_open(two, edit_url)
    two[1].post(edit_url, {**theirs, "summary": "同事的概要"})
    before = AuditEntry.objects.count()
    two[0].post(edit_url, {**mine, "summary": "我的概要"})
    assert AuditEntry.objects.count() == before


# Customers


@pytest.fixture
def customer(company):
    return factories.CustomerFactory(name="海河水务有限公司", manager=company.manager, by=company.manager)


@pytest.fixture
def pair(company, sign_in):
    return sign_in(company.manager), sign_in(company.supervisor)


def test_a_conflict_on_a_customer_shows_labels_and_is_resolved_by_field(pair, customer):
    url = f"/customers/{customer.pk}/edit/"
    mine, theirs = both_open(pair, url)
    north, west = factories.entry("地区", "华北"), factories.entry("地区", "西部")
    beijing = factories.entry("地区", "北京")
    assert customer.region == north
    pair[1].post(url, {**theirs, "region": west.pk, "satisfaction": "1", "fax": "010-1"})
    response = pair[0].post(url, {**mine, "region": beijing.pk, "satisfaction": "5", "address": "我的地址"})
    assert response.status_code == 409
    assert rows(response) == {
        "地区": ["北京", "西部", "华北"],
        "客户满意度": ["5", "1", "4"],
        "地址": ["我的地址", "未改", "北京市某路 1 号"],
        "传真": ["未改", "010-1", "—"],
    }
    pair[0].post(url, form_values(response, choose={"region": "theirs", "satisfaction": "mine"}))
    customer.refresh_from_db()
    assert (customer.region, customer.satisfaction, customer.address, customer.fax) == (west, 5, "我的地址", "010-1")


def test_a_changed_level_keeps_its_reason_through_a_conflict(pair, customer):
    url = f"/customers/{customer.pk}/edit/"
    mine, theirs = both_open(pair, url)
    pair[1].post(url, {**theirs, "fax": "010-1"})
    level = factories.entry("客户等级", "大客户")
    page = pair[0].post(url, {**mine, "level": level.pk, "level_reason": "年采购翻倍"})
    assert pair[0].post(url, form_values(page)).status_code == 302
    customer.refresh_from_db()
    assert (customer.level, customer.fax) == (level, "010-1")
    assert AuditEntry.objects.about(customer).first().changes["原因"] == ["", "年采购翻倍"]


def test_a_conflict_on_a_contact_is_resolved_by_field(pair, customer):
    contact = factories.ContactFactory(customer=customer, name="高峰", is_primary=True)
    url = f"/customers/{customer.pk}/contacts/{contact.pk}/edit/"
    mine, theirs = both_open(pair, url)
    del theirs["is_primary"]  # an unticked box sends nothing
    pair[1].post(url, {**theirs, "mobile": "139"})
    response = pair[0].post(url, {**mine, "name": "高志峰"})
    assert response.status_code == 409
    assert rows(response) == {
        "姓名": ["高志峰", "未改", "高峰"],
        "手机": ["未改", "139", "—"],
        "主要联系人": ["未改", "否", "是"],
    }
    assert pair[0].post(url, form_values(response)).status_code == 302
    contact.refresh_from_db()
    assert (contact.name, contact.mobile, contact.is_primary) == ("高志峰", "139", False)
