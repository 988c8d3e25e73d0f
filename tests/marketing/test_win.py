"""开发成功: the opportunity becomes a customer, new or linked, and never two of one name unnoticed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Notification
from customers.models import Contact, Customer
from kit.audit.models import AuditEntry
from kit.domain.verdict import Kind, Refused
from marketing.models import Opportunity, SameNameExists
from tests import factories
from tests.html import markup, notices, text, texts

pytestmark = pytest.mark.django_db
NAME = factories.OPPORTUNITY["customer_name"]


@pytest.fixture
def under_way(company):
    """已指派, with one item and its result."""
    record = factories.assigned(
        company.colleague,
        company.supervisor,
        company.manager,
        region=factories.entry("地区", "东北"),
        industry=factories.entry("行业", "机械制造"),
    )
    factories.plan_item(record, company.manager, result="客户同意试装")
    Notification.objects.all().delete()
    return record


def everything():
    return [list(model.objects.order_by("pk").values()) for model in (Opportunity, Customer, Contact, AuditEntry)]


def test_the_new_customer_carries_name_region_industry_and_the_assignee(company, under_way):
    customer = under_way.win(by=company.manager)
    stored = Customer.objects.get()
    assert stored == customer
    assert (stored.name, stored.region.item, stored.industry.item) == (NAME, "东北", "机械制造")
    assert (stored.manager, stored.created_by, stored.status) == (company.manager, company.manager, "normal")
    assert stored.number == f"KH{timezone.localdate():%y%m%d}001"
    owner = stored.ownerships.get()
    assert (owner.manager, owner.until) == (company.manager, None)


def test_the_won_opportunity_keeps_time_customer_and_one_audit_row(company, under_way):
    started, rows = timezone.now(), AuditEntry.objects.about(under_way).count()
    customer = under_way.win(by=company.manager)
    stored = Opportunity.objects.get(pk=under_way.pk)
    assert (stored.status, stored.customer, stored.win_reason) == ("won", customer, "")
    assert started <= stored.closed_at <= timezone.now()
    entries = AuditEntry.objects.about(under_way)
    assert entries.count() == rows + 1
    assert (entries[0].verb, entries[0].actor_id, entries[0].changes) == (
        "开发成功",
        company.manager.pk,
        {"客户": ["", NAME]},
    )
    assert AuditEntry.objects.about(customer).get().verb == "新建"


def test_the_contact_is_carried_as_the_main_one(company, under_way):
    customer = under_way.win(by=company.manager)
    contact = customer.contacts.get()
    assert (contact.name, contact.office_phone, contact.position) == ("高峰", "024-5555 6610", "")
    assert contact.is_primary
    assert AuditEntry.objects.about(contact).get().verb == "新建"


@pytest.mark.parametrize("blank", ["", "  ", "　\t"])
def test_without_a_contacts_name_there_is_no_contact(company, under_way, blank):
    under_way.correct_contact(by=company.manager, contact_name=blank, contact_phone="024-5555 6610")
    assert not under_way.win(by=company.manager).contacts.exists()


def test_a_contacts_name_is_carried_without_the_spaces_around_it(company, under_way):
    under_way.correct_contact(by=company.manager, contact_name=" 高峰　", contact_phone="")
    contact = under_way.win(by=company.manager).contacts.get()
    assert (contact.name, contact.office_phone) == ("高峰", "")


@pytest.mark.parametrize("reason", ["", "  ", "　"])
def test_with_no_plan_item_a_reason_is_required(company, reason):
    record = factories.assigned(company.colleague, company.supervisor, company.manager)
    before = everything()
    with pytest.raises(Refused, match="没有任何计划项，请说明开发成功的原因") as refused:
        record.win(by=company.manager, reason=reason)
    assert refused.value.verdict.kind is Kind.STATE
    assert everything() == before


def test_the_reason_is_kept_with_the_opportunity_and_in_the_trail(company):
    record = factories.assigned(company.colleague, company.supervisor, company.manager)
    record.win(by=company.manager, reason="客户主动下单")
    assert Opportunity.objects.get(pk=record.pk).win_reason == "客户主动下单"
    assert AuditEntry.objects.about(record)[0].changes["成功说明"] == ["", "客户主动下单"]


def test_items_without_a_result_do_not_prevent_success(company, under_way):
    factories.plan_item(under_way, company.manager)
    assert under_way.win(by=company.manager).name == NAME


def test_winning_twice_makes_one_customer(company, under_way):
    under_way.win(by=company.manager)
    before = everything()
    with pytest.raises(Refused, match="机会已开发成功"):
        under_way.win(by=company.manager)
    assert everything() == before


# Customers of the same name

SAME = [
    NAME,
    "沈阳北辰重型机械有限责任公司",
    "沈阳北辰重型机械",
    "（沈阳）北辰重型机械有限公司",
    "(沈阳)北辰 重型机械有限公司",
    "沈阳北辰重型机械　有限公司",
    "沈阳北辰重型机械（有限公司）",
]


@pytest.mark.parametrize("name", SAME)
def test_a_customer_of_the_same_name_calls_for_a_choice(company, under_way, name):
    existing = factories.CustomerFactory(name=name, manager=company.stranger)
    before = everything()
    with pytest.raises(SameNameExists) as raised:
        under_way.win(by=company.manager)
    assert raised.value.customers == [existing]
    assert everything() == before


def test_width_and_case_make_no_difference(company, under_way):
    Opportunity.objects.filter(pk=under_way.pk).update(customer_name="ＡＢＣ阀门（北京）有限公司")
    existing = factories.CustomerFactory(name="abc阀门(北京)有限公司", manager=company.stranger)
    with pytest.raises(SameNameExists) as raised:
        under_way.win(by=company.manager)
    assert raised.value.customers == [existing]


@pytest.mark.parametrize("name", ["沈阳北辰重型机械股份有限公司", "沈阳北辰机械有限公司", "北辰重型机械有限公司"])
def test_another_name_is_another_company(company, under_way, name):
    factories.CustomerFactory(name=name, manager=company.manager)
    under_way.win(by=company.manager)
    assert Customer.objects.count() == 2


def test_a_deleted_customer_of_the_same_name_does_not_count(company, under_way):
    gone = factories.CustomerFactory(name=NAME, manager=company.manager)
    Customer.objects.filter(pk=gone.pk).update(deleted_at=timezone.now())
    assert under_way.win(by=company.manager) != gone


def test_linking_to_ones_own_customer_adds_the_contact_and_makes_no_second_one(company, under_way):
    existing = factories.CustomerFactory(name=NAME, manager=company.manager)
    boss = factories.ContactFactory(customer=existing, name="赵总", is_primary=True)
    assert under_way.win(by=company.manager, link_to=existing) == existing
    assert Opportunity.objects.get(pk=under_way.pk).customer == existing
    assert list(Customer.objects.all()) == [existing]
    assert list(existing.contacts.values_list("name", "is_primary")) == [("赵总", True), ("高峰", False)]
    boss.refresh_from_db()
    assert boss.is_primary
    assert not Notification.objects.exclude(recipient=company.colleague).exists()
    assert "同名客户仍新建" not in AuditEntry.objects.about(under_way)[0].changes


def test_linking_adds_the_contact_once(company, under_way):
    existing = factories.CustomerFactory(name=NAME, manager=company.manager)
    there = factories.ContactFactory(customer=existing, name="高峰", office_phone="1")
    under_way.win(by=company.manager, link_to=existing)
    assert existing.contacts.get() == there
    second = factories.assigned(company.colleague, company.supervisor, company.manager)
    second.win(by=company.manager, reason="又一单", link_to=existing)
    assert existing.contacts.get().office_phone == "1"


def test_linking_fills_the_empty_phone_of_the_contact_that_is_there(company, under_way):
    existing = factories.CustomerFactory(name=NAME, manager=company.manager)
    there = factories.ContactFactory(customer=existing, name="高峰", office_phone="")
    under_way.win(by=company.manager, link_to=existing)
    assert existing.contacts.get().office_phone == "024-5555 6610"
    entry = AuditEntry.objects.about(there)[0]
    assert (entry.verb, entry.changes) == ("编辑", {"办公电话": ["", "024-5555 6610"]})


@pytest.mark.parametrize(
    ("office", "mobile", "is_told"),
    [
        ("024-1", "", True),
        ("02455556610", "", False),
        ("024-1", "024 5555-6610", False),
        ("", "024-5555 6610", False),
        ("", "", False),
    ],
)
def test_a_phone_that_is_not_carried_is_told_and_never_lost(office, mobile, is_told, company, under_way, sign_in):
    existing = factories.CustomerFactory(name=NAME, manager=company.manager)
    factories.ContactFactory(customer=existing, name="高峰", office_phone=office, mobile=mobile)
    url = f"{under_way.get_absolute_url()}win/"
    messages = notices(sign_in(company.manager).post(url, {"choice": f"link:{existing.pk}"}, follow=True))
    other = "客户的联系人「高峰」已有别的电话，没有改动；机会上的电话留在机会页，请核对。"
    assert "客户开发成功，已关联到已有客户。" in messages[0]
    assert (other in " ".join(messages)) is is_told
    contact = existing.contacts.get()
    assert (contact.office_phone, contact.mobile) == (office or ("" if mobile else "024-5555 6610"), mobile)


def test_the_question_promises_a_new_customer_only_when_there_is_no_choice(company, under_way, sign_in):
    client, url = sign_in(company.manager), f"{under_way.get_absolute_url()}win/"
    assert "将添加客户记录（客户经理：周经理）和联系人「高峰」" in text(client.get(url))
    factories.CustomerFactory(name=NAME, manager=company.manager)
    html = markup(client.get(url))
    assert "将添加客户记录" not in html
    assert "关联时不新建客户" in html


def test_a_customer_of_the_same_name_is_with_its_manager_since_they_took_it_over(company, under_way, sign_in):
    existing = factories.CustomerFactory(name=NAME, manager=company.colleague)
    existing.ownerships.update(since=timezone.now() - timedelta(days=400))
    Customer.objects.filter(pk=existing.pk).update(created_at=timezone.now() - timedelta(days=400))
    existing.transfer(company.eastern, by=company.supervisor, reason="分区调整")
    page = sign_in(company.manager).get(f"{under_way.get_absolute_url()}win/")
    today = timezone.localdate()
    since = f"{today.year}年{today.month}月{today.day}日起"
    assert [item.partition("客户经理 ")[2] for item in texts(page, "#id_choice li")] == [f"王华东，{since}"]


def test_of_a_deleted_customer_the_won_opportunity_says_that_it_was_deleted(company, under_way, sign_in):
    customer = under_way.win(by=company.manager)
    page = under_way.get_absolute_url()
    customer.contacts.all().delete()
    Customer.objects.filter(pk=customer.pk).update(deleted_at=timezone.now())
    html = markup(sign_in(company.manager).get(page))
    assert "（客户已删除）" in html
    assert "不在您的查看范围内" not in html


def test_linking_to_a_colleagues_customer_is_refused(company, under_way):
    existing = factories.CustomerFactory(name=NAME, manager=company.colleague)
    before = everything()
    with pytest.raises(Refused, match="只有客户经理（陈同事）和他的主管可以修改这个客户") as refused:
        under_way.win(by=company.manager, link_to=existing)
    assert refused.value.verdict.kind is Kind.NOT_YOURS
    assert everything() == before


def test_linking_to_a_customer_of_another_name_is_refused(company, under_way):
    factories.CustomerFactory(name=NAME, manager=company.manager)
    other = factories.CustomerFactory(manager=company.manager)
    before = everything()
    with pytest.raises(Refused, match="所选客户已不是同名客户"):
        under_way.win(by=company.manager, link_to=other)
    assert everything() == before


def test_linking_to_a_deleted_customer_is_refused(company, under_way):
    existing = factories.CustomerFactory(name=NAME, manager=company.manager)
    Customer.objects.filter(pk=existing.pk).update(deleted_at=timezone.now())
    with pytest.raises(Refused, match="客户已删除"):
        under_way.win(by=company.manager, link_to=existing)
    assert Opportunity.objects.get(pk=under_way.pk).status == "assigned"


def test_creating_anyway_is_told_to_the_supervisors_of_the_winner_only(company, under_way):
    deputy = factories.person("sales_supervisor", name="副主管", department=company.north)
    gone = factories.person("sales_supervisor", name="离职主管", department=company.sales, is_active=False)
    factories.CustomerFactory(name=NAME, manager=company.stranger)
    customer = under_way.win(by=company.manager, create_anyway="两家独立法人")
    assert Customer.objects.named_like(NAME).count() == 2
    notes = Notification.objects.exclude(recipient=company.colleague)  # who made the opportunity hears the outcome
    assert {note.recipient for note in notes} == {company.supervisor, deputy}
    assert gone not in {note.recipient for note in notes}
    assert {note.text for note in notes} == {f"周经理 新建了同名客户「{NAME}」：两家独立法人"}
    assert {note.record for note in notes} == {customer}
    assert AuditEntry.objects.about(under_way)[0].changes["同名客户仍新建"] == ["", "两家独立法人"]


@pytest.mark.parametrize(("end", "outcome"), [("win", "开发成功"), ("lose", "开发失败")])
def test_the_creator_hears_the_outcome_by_name_and_without_a_way_in(company, under_way, sign_in, end, outcome):
    getattr(under_way, end)(by=company.manager, reason="已定")
    note = Notification.objects.get(recipient=company.colleague)
    assert note.text == f"您创建的机会「{NAME}」已由 周经理 结束：{outcome}"
    assert (note.kind, note.record) == ("opportunity", None)
    assert note.text in text(sign_in(company.colleague).get("/notifications/"))


@pytest.mark.parametrize("end", ["win", "lose"])
def test_who_ends_what_they_created_themselves_is_not_told(company, end):
    record = factories.assigned(company.manager, company.supervisor, company.manager)
    factories.plan_item(record, company.manager, result="客户同意试装")
    Notification.objects.all().delete()
    getattr(record, end)(by=company.manager, reason="已定")
    assert not Notification.objects.exists()


@pytest.mark.parametrize("reason", [" ", "　", "\n"])
def test_creating_anyway_needs_a_reason(company, under_way, reason):
    factories.CustomerFactory(name=NAME, manager=company.manager)
    with pytest.raises(SameNameExists):
        under_way.win(by=company.manager, create_anyway=reason)
    assert Customer.objects.count() == 1


def test_a_reason_to_create_anyway_is_not_kept_when_there_is_no_other(company, under_way):
    under_way.win(by=company.manager, create_anyway="两家独立法人")
    assert not Notification.objects.exclude(recipient=company.colleague).exists()
    assert "同名客户仍新建" not in AuditEntry.objects.about(under_way)[0].changes


def test_the_customers_of_one_name_come_oldest_first(company, under_way):
    existing = [factories.CustomerFactory(name=name, manager=company.stranger) for name in SAME[:3]]
    with pytest.raises(SameNameExists) as raised:
        under_way.win(by=company.manager)
    assert raised.value.customers == existing
