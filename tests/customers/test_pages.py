"""The pages of 客户信息管理: list, record page, editing, contacts."""

from __future__ import annotations

import csv
import io
import uuid

import pytest
from django.db import transaction

from customers.models import Contact, Customer
from kit.audit.models import AuditEntry
from tests import factories
from tests.exports import export
from tests.html import errors, find, find_all, messages, text, texts, value
from tests.html import values as form_values

pytestmark = pytest.mark.django_db
LIST = "/customers/"
CODE = "91110000600037341L"  # a valid 统一社会信用代码


def names(page):
    """Return the names of the customers in the list."""
    return texts(page, "table.tbl tbody td.m-t a")


def at(customer, step=""):
    return f"{LIST}{customer.pk}/{step}"


def values_of(customer, **changes):
    """What the edit form of this customer sends, with its memory."""
    return {
        "name": customer.name,
        "region": customer.region_id or "",
        "level": customer.level_id or "",
        "satisfaction": customer.satisfaction or "",
        "credit": customer.credit or "",
        "address": customer.address,
        "phone": customer.phone,
        **changes,
    }


def opened(client, address):
    """Return the memory of a form that is opened now."""
    return value(client.get(address), "opened")


@pytest.fixture
def customer(company):
    return factories.CustomerFactory(name="海河水务有限公司", manager=company.manager, by=company.manager)


@pytest.fixture
def edit(manager, customer):
    """edit(field=value) saves the customer's form and gives the answer."""

    def send(**changes):
        address = at(customer, "edit/")
        memory = opened(manager, address)
        customer.refresh_from_db()
        return manager.post(address, {**values_of(customer, **changes), "opened": memory}, follow=True)

    return send


# The list


@pytest.fixture
def three(company):
    west, big = factories.entry("地区", "西部"), factories.entry("客户等级", "大客户")
    factories.CustomerFactory(name="北京首钢", manager=company.manager, region=west, satisfaction=5)
    factories.CustomerFactory(
        name="沈阳北辰", manager=company.colleague, level=big, industry=factories.entry("行业", "化工"), satisfaction=1
    )
    factories.CustomerFactory(name="天津海河", manager=company.manager, satisfaction=3)
    lost = factories.CustomerFactory(name="流失的", manager=company.manager)
    Customer.objects.filter(pk=lost.pk).update(status="lost")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"北京首钢", "沈阳北辰", "天津海河", "流失的"}),
        ("name=北", {"北京首钢", "沈阳北辰"}),
        ("name=海河", {"天津海河"}),
        ("region=西部", {"北京首钢"}),
        ("level=大客户", {"沈阳北辰"}),
        ("industry=化工", {"沈阳北辰"}),
        ("manager=陈同事", {"沈阳北辰"}),
        ("status=lost", {"流失的"}),
        ("status=normal&name=北&manager=周经理", {"北京首钢"}),
    ],
)
def test_each_filter_of_the_list(query, expected, three, manager, company):
    keys = {"西部": "地区", "大客户": "客户等级", "化工": "行业"}
    for word, category in keys.items():
        query = query.replace(word, str(factories.entry(category, word).pk))
    for person in (company.manager, company.colleague):
        query = query.replace(person.name, str(person.pk))
    assert set(names(manager.get(f"{LIST}?{query}"))) == expected


def test_the_number_filter_finds_part_of_a_number(three, manager):
    one = Customer.objects.get(name="天津海河")
    assert names(manager.get(f"{LIST}?number={one.number[-5:]}")) == ["天津海河"]
    assert len(names(manager.get(f"{LIST}?number=kh"))) == 4


def test_names_are_sorted_by_pinyin(three, manager):
    page = manager.get(f"{LIST}?sort=name_pinyin")
    assert names(page) == ["北京首钢", "流失的", "沈阳北辰", "天津海河"]


def test_a_dictionary_entry_of_another_category_is_no_filter(three, manager):
    wrong = factories.entry("客户等级", "大客户").pk
    page = manager.get(f"{LIST}?region={wrong}")
    assert names(page) == []
    assert len(errors(page)) == 1
    assert errors(page)[0]


def test_the_empty_list_says_where_customers_come_from(manager):
    html = manager.get(LIST).content.decode()
    assert "查无记录" in html
    assert "销售机会开发成功后，客户出现在这里" in html


def test_an_export_has_the_filtered_rows_and_is_in_the_audit_log(three, company, sign_in):
    response = export(sign_in(company.supervisor), f"{LIST}?name=北&sort=name_pinyin")
    head, *rows = csv.reader(io.StringIO(response.content.decode("utf-8-sig")))
    assert [row[head.index("名称")] for row in rows] == ["北京首钢", "沈阳北辰"]
    assert AuditEntry.objects.get(verb="导出").changes["行数"] == ["", "2"]


def test_an_export_is_refused_without_permission(three, sign_in, company):
    assert export(sign_in(company.nobody), LIST).status_code == 403


# The record page


def test_the_page_shows_what_is_missing(manager, company):
    with transaction.atomic():
        bare = Customer.create(by=company.manager, name="刚开发的客户", manager=company.manager)
    html = manager.get(at(bare)).content.decode()
    assert "资料待补：地区、客户等级、客户满意度、客户信用度、地址、电话。" in html
    assert "完整度 6%" in html


def test_a_complete_customer_is_not_reminded(manager, customer):
    assert "资料待补" not in manager.get(at(customer)).content.decode()


def test_a_parent_outside_the_view_is_not_shown_and_branches_only_those_in_view(manager, company, customer):
    hidden = factories.CustomerFactory(name="看不见的集团", manager=company.stranger)
    Customer.objects.filter(pk=customer.pk).update(parent=hidden)
    factories.CustomerFactory(name="看得见的下属", manager=company.colleague, parent=customer)
    factories.CustomerFactory(name="看不见的下属", manager=company.stranger, parent=customer)
    html = manager.get(at(customer, "?tab=info")).content.decode()
    assert "看得见的下属" in html
    assert "看不见的" not in html


@pytest.mark.parametrize("step", ["edit/", "history/"])
def test_a_parent_outside_the_view_appears_on_no_page(step, manager, company, customer):
    hidden = factories.CustomerFactory(name="看不见的集团", manager=company.eastern)
    customer.edit(by=company.supervisor, parent=hidden)
    html = manager.get(at(customer, step)).content.decode()
    assert "看不见的集团" not in html
    assert hidden.number not in html


def test_a_customer_with_a_parent_outside_the_view_can_still_be_edited(manager, company, customer):
    hidden = factories.CustomerFactory(name="看不见的集团", manager=company.eastern)
    customer.edit(by=company.supervisor, parent=hidden)
    fields = form_values(manager.get(at(customer, "edit/")))
    assert fields.get("parent", "") == ""
    assert manager.post(at(customer, "edit/"), {**fields, "fax": "010-9"}).status_code == 302
    customer.refresh_from_db()
    assert (customer.fax, customer.parent) == ("010-9", hidden)


def test_only_opportunities_in_view_stand_on_the_customers_page(company, sign_in):
    record = factories.won(company.manager, company.supervisor, company.manager, summary="看得见的机会")
    assert "看得见的机会" in sign_in(company.manager).get(at(record.customer, "?tab=info")).content.decode()


def test_a_colleague_sees_the_edit_button_with_the_reason_it_is_closed(company, sign_in, customer):
    page = sign_in(company.colleague).get(at(customer))
    button = find(page, ".head .acts a[aria-disabled=true]", containing="编辑")
    reason = text(find(page, f"[id='{button.get('aria-describedby')}']"))
    assert (button.get("href"), text(button)) == (None, "编辑")
    assert reason == "只有客户经理（周经理）和他的主管可以修改这个客户。"
    assert "新建联系人" not in page.content.decode()
    assert "编辑" not in texts(sign_in(company.executive).get(at(customer)), "main a")


def test_a_web_address_opens_without_giving_the_page_away(manager, customer):
    Customer.objects.filter(pk=customer.pk).update(website="https://www.example.com")
    link = find(manager.get(at(customer)), "a[href='https://www.example.com']")
    assert "noopener" in link.get("rel").split()


# Editing


def test_an_edit_is_saved_with_old_and_new(edit, customer, company):
    response = edit(address="天津市新路 2 号")
    assert messages(response) == ["保存成功"]
    entry = AuditEntry.objects.about(customer).get(verb="编辑")
    assert (entry.actor, entry.changes) == (company.manager, {"地址": ["北京市某路 1 号", "天津市新路 2 号"]})


@pytest.mark.parametrize("field", ["name", "region", "level", "satisfaction", "credit", "address", "phone"])
def test_a_required_field_is_refused_empty(field, edit, customer):
    before = Customer.objects.filter(pk=customer.pk).values().get()
    response = edit(**{field: ""})
    assert response.status_code == 200
    assert errors(response)[0] in ("请填写。", "请选择。")
    assert Customer.objects.filter(pk=customer.pk).values().get() == before


def test_the_strict_form_also_requires_what_the_demo_did(edit, settings):
    assert messages(edit(fax="010-1")) == ["保存成功"]
    settings.CRM_STRICT_CUSTOMER_FORM = True
    assert len(errors(edit(fax=""))) == 6


@pytest.mark.parametrize(
    ("field", "typed", "message"),
    [
        ("postcode", "26600", "应为 6 位数字，例如 266000"),
        ("postcode", "26600a", "应为 6 位数字，例如 266000"),
        ("postcode", "２６６０００", "应为 6 位数字，例如 266000"),
        ("website", "javascript:alert(1)", "应以 http:// 或 https:// 开头，例如 https://www.example.com"),
        ("website", "ftp://example.com", "应以 http:// 或 https:// 开头，例如 https://www.example.com"),
        ("website", "www.example.com", "应以 http:// 或 https:// 开头，例如 https://www.example.com"),
        (
            "website",
            "JaVaScRiPt://example.com/%0aalert(1)",
            "应以 http:// 或 https:// 开头，例如 https://www.example.com",
        ),
        ("license_number", CODE[:-1] + "M", "统一社会信用代码的校验位不对，请核对是否抄错。"),
        ("license_number", "9111000060003734IL", "统一社会信用代码只含数字和大写字母（不含 I、O、S、V、Z），请核对。"),
        ("parent", "没有这家", "没有找到这个客户，请填写客户编号或完整名称，或留空。"),
        ("cooperation_since", "去年", "请填写日期，例如 2025-11-24。"),
    ],
)
def test_a_wrong_value_is_refused_beside_its_field_and_stays_typed(field, typed, message, edit, customer):
    response = edit(**{field: typed})
    assert message in errors(response)
    assert form_values(response)[field] == typed
    customer.refresh_from_db()
    assert getattr(customer, field) in ("", None)


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("postcode", "266000"),
        ("website", "https://www.example.com/a?b=1"),
        ("license_number", CODE),
        ("license_number", "370200018012345"),  # an old registration number
        ("registered_capital", "123456789012.34"),
        ("bank_account", "0012345678901234567"),
    ],
)
def test_a_valid_value_is_stored_as_typed(field, typed, edit, customer):
    assert messages(edit(**{field: typed})) == ["保存成功"]
    customer.refresh_from_db()
    assert str(getattr(customer, field)) == typed


def test_a_company_is_not_its_own_parent_nor_its_branchs(edit, customer, company):
    branch = factories.CustomerFactory(name="下属公司", manager=company.manager, parent=customer)
    for wrong in (customer, branch):
        assert "上级单位不能是本单位或它的下属单位，请另选。" in errors(edit(parent=wrong.number))
    customer.refresh_from_db()
    assert customer.parent is None


def test_a_changed_level_asks_for_its_reason(edit, customer):
    level = factories.entry("客户等级", "大客户")
    refused = edit(level=level.pk)
    assert errors(refused) == ["客户等级有变化，请填写原因。"]
    assert messages(edit(level=level.pk, level_reason="年采购翻倍")) == ["保存成功"]
    entry = AuditEntry.objects.about(customer).get(verb="编辑")
    assert entry.changes == {"客户等级": ["普通客户", "大客户"], "原因": ["", "年采购翻倍"]}


def test_the_first_level_of_a_new_customer_asks_for_no_reason(manager, company):
    with transaction.atomic():
        bare = Customer.create(by=company.manager, name="刚开发的客户", manager=company.manager)
    memory = opened(manager, at(bare, "edit/"))
    values = {
        **values_of(bare),
        "region": factories.entry("地区", "北京").pk,
        "level": factories.entry("客户等级", "普通客户").pk,
        "satisfaction": "3",
        "credit": "3",
        "address": "某地",
        "phone": "010",
        "opened": memory,
    }
    assert messages(manager.post(at(bare, "edit/"), values, follow=True)) == ["保存成功"]


def test_a_number_of_the_sales_system_used_twice_is_refused_with_a_message(edit, company):
    factories.CustomerFactory(manager=company.manager, external_number="X-1")
    response = edit(external_number="X-1")
    assert "已有客户使用这个销售系统客户编号。" in response.content.decode()
    assert response.status_code == 200


def test_the_manager_is_not_a_field_of_the_form(manager, customer):
    assert find_all(manager.get(at(customer, "edit/")), "[name=manager]") == []


# Contacts

CONTACT = {"name": "高峰", "position": "设备科长", "office_phone": "024-5555 6610"}


def test_a_contact_is_added_and_stands_on_the_customers_page(manager, customer):
    response = manager.post(at(customer, "contacts/new/"), {**CONTACT, "email": "gao@example.com"}, follow=True)
    assert response.redirect_chain == [(at(customer), 302)]
    assert messages(response) == ["保存成功"]
    assert "设备科长" in response.content.decode()
    assert Contact.objects.get().email == "gao@example.com"


WAYS = {"mobile": "138 0000 1111", "office_phone": "024-5555 6610", "wechat": "gaofeng_hh", "email": "g@example.com"}


@pytest.mark.parametrize("way", WAYS)
def test_a_contact_is_a_name_and_one_way_to_reach_them(way, manager, customer):
    address = at(customer, "contacts/new/")
    response = manager.post(address, {"name": "高峰"})
    assert [text for text in texts(response, ".f.bad") if "至少一项" in text and text.startswith("手机")]
    assert errors(manager.post(address, {way: WAYS[way]})) == ["请填写。"]
    assert Contact.objects.count() == 0
    manager.post(address, {"name": "高峰", way: WAYS[way]})
    contact = Contact.objects.get()
    assert {name: getattr(contact, name) for name in WAYS if getattr(contact, name)} == {way: WAYS[way]}


def test_a_contact_without_any_stays_until_the_form_is_saved(manager, customer):
    contact = factories.ContactFactory(customer=customer, position="", office_phone="")
    address = at(customer, f"contacts/{contact.pk}/edit/")
    sent = {"name": "高峰", "role": "decider", "opened": opened(manager, address)}
    assert "至少一项" in manager.post(address, sent).content.decode()
    assert manager.post(address, {**sent, "wechat": "gaofeng_hh"}).status_code == 302
    assert AuditEntry.objects.about(contact).get().changes == {"角色": ["", "决策人"], "微信号": ["", "gaofeng_hh"]}


def test_the_strict_form_asks_for_position_and_office_phone_again(manager, customer, settings):
    settings.CRM_STRICT_CUSTOMER_FORM = True
    response = manager.post(at(customer, "contacts/new/"), {"name": "高峰", "mobile": "138 0000 1111"})
    assert [text.split()[0] for text in texts(response, ".f.bad")] == ["办公电话", "职位"]
    assert manager.post(at(customer, "contacts/new/"), CONTACT).status_code == 302


def test_a_contact_sent_twice_is_added_once(manager, customer):
    values = {**CONTACT, "submission": str(uuid.uuid4())}
    for _ in range(2):
        assert manager.post(at(customer, "contacts/new/"), values)["Location"] == at(customer)
    assert Contact.objects.count() == 1


def test_a_new_main_contact_replaces_the_former(manager, customer):
    first = factories.ContactFactory(customer=customer, is_primary=True)
    manager.post(at(customer, "contacts/new/"), {**CONTACT, "name": "李敏", "is_primary": "on"})
    first.refresh_from_db()
    assert (first.is_primary, Contact.objects.get(name="李敏").is_primary) == (False, True)


def test_a_contact_is_changed(manager, customer):
    contact = factories.ContactFactory(customer=customer)
    address = at(customer, f"contacts/{contact.pk}/edit/")
    response = manager.post(address, {**CONTACT, "mobile": "139", "opened": opened(manager, address)}, follow=True)
    assert response.redirect_chain == [(at(customer), 302)]
    contact.refresh_from_db()
    assert contact.mobile == "139"
    assert AuditEntry.objects.about(contact).get(verb="编辑").changes == {"手机": ["", "139"]}


def test_what_is_done_with_a_contact_stands_under_their_dots_and_names_them(manager, customer):
    factories.ContactFactory(
        customer=customer, name="高峰", role="decider", preferred_channel="wechat", wechat="gaofeng"
    )
    page = manager.get(at(customer))
    (menu,) = find_all(page, "#contacts details.dd")
    assert menu.find("summary").get("aria-label") == "联系人 高峰 的操作"
    assert [one.get("aria-label") for one in menu.cssselect("a, button")] == ["编辑联系人 高峰", "删除联系人 高峰"]
    assert texts(page, "#contacts .tag") == ["决策人"]
    assert texts(page, "#contacts .way") == ["微信 gaofeng", "办公电话 024-5555 6610"]
    row = find_all(manager.get(at(customer, "contacts/")), "tbody tr")[0]
    assert [link.text for link in row.findall(".//div[@class='ra']/a")] == ["编辑"]


@pytest.mark.parametrize(("role", "names"), [("", ["李敏", "高峰"]), ("buyer", ["李敏"]), ("user", [])])
def test_contacts_are_filtered_by_their_role(role, names, manager, customer):
    factories.ContactFactory(customer=customer, name="高峰", role="decider")
    factories.ContactFactory(customer=customer, name="李敏", role="buyer")
    response = manager.get(at(customer, f"contacts/?role={role}"))
    assert sorted(texts(response, "td.m-t")) == sorted(names)


def test_the_form_in_the_dialog_answers_with_itself_and_then_with_the_card(manager, customer):
    address, htmx = at(customer, "contacts/new/"), {"HX-Request": "true", "HX-Target": "dialog"}
    assert texts(manager.get(address, headers=htmx), "#dialog-title") == ["新建联系人"]
    refused = manager.post(address, {"name": "高峰"}, headers=htmx)
    assert find_all(refused, "form.dlg .f.bad [name=mobile]")
    saved = manager.post(address, {"name": "高峰", "wechat": "gaofeng_hh"}, headers=htmx)
    assert saved["HX-Retarget"] == "#contacts"
    assert texts(saved, "#contacts .way") == ["微信 gaofeng_hh"]
    assert find_all(saved, "#contacts details.dd")


def test_deleting_a_contact_asks_names_it_and_says_so(manager, customer):
    contact = factories.ContactFactory(customer=customer)
    address = at(customer, f"contacts/{contact.pk}/delete/")
    html = manager.get(address).content.decode()
    assert "确认删除？" in html
    assert "“联系人：高峰”（海河水务有限公司）" in html
    response = manager.post(address, follow=True)
    assert response.redirect_chain == [(at(customer), 302)]
    assert messages(response) == ["已删除 · 撤销"]
    assert not Contact.objects.exists()


def test_the_question_about_a_contact_comes_as_a_fragment_for_the_dialog(manager, customer):
    contact = factories.ContactFactory(customer=customer)
    fragment = manager.get(at(customer, f"contacts/{contact.pk}/delete/"), headers={"HX-Request": "true"})
    assert texts(fragment, "#dialog-title") == ["确认删除？"]
    assert find_all(fragment, "html, body") == []


# Number of queries


@pytest.mark.parametrize("contacts", [5, 60])
def test_the_record_page_takes_the_same_few_queries_with_many_contacts(
    contacts, manager, customer, company, django_assert_max_num_queries
):
    for n in range(contacts):
        factories.ContactFactory(customer=customer, name=f"联系人{n}")
        factories.CustomerFactory(manager=company.manager, parent=customer)
    manager.get(at(customer))
    with django_assert_max_num_queries(24):
        assert manager.get(at(customer)).status_code == 200
