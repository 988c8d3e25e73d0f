"""Customers and contacts at the model: numbers, ownership, who may change what, and what rests in the tables."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from customers.models import Contact, Customer, Ownership, required_fields
from kit.audit.models import AuditEntry
from kit.domain.verdict import Kind, Refused
from tests import factories

pytestmark = pytest.mark.django_db

A, R, N = Kind.ALLOWED, Kind.NO_PERMISSION, Kind.NOT_YOURS
MAY_EDIT = {
    "manager": A, "supervisor": A, "colleague": N, "eastern": N, "stranger": N, "outsider": N,
    "executive": R, "administrator": R, "nobody": R,
}  # fmt: skip


@pytest.fixture
def customer(company):
    return factories.CustomerFactory(name="北京华腾仪表有限公司", manager=company.manager, by=company.manager)


def stored(row):
    return type(row).objects.filter(pk=row.pk).values().first()


def delete(customer):
    Customer.objects.filter(pk=customer.pk).update(deleted_at=timezone.now())


# Creating


def test_a_new_customer_has_number_owner_and_audit_row(company, customer):
    assert customer.number == f"KH{timezone.localdate():%y%m%d}001"
    assert (customer.created_by, customer.status) == (company.manager, "normal")
    owner = Ownership.objects.get()
    assert (owner.customer, owner.manager, owner.until) == (customer, company.manager, None)
    row = AuditEntry.objects.about(customer).get()
    assert (row.verb, row.actor_id) == ("新建", company.manager.pk)
    assert row.changes == {"客户编号": ["", customer.number], "客户经理": ["", "周经理"]}


def test_creating_asks_for_the_permission_and_adding_for_none(company):
    values = {"name": "上海第一仪表有限公司", "manager": company.manager}
    with pytest.raises(Refused, match="您的角色不能新建客户"):
        Customer.create(by=company.executive, **values)
    assert not Customer.objects.exists()
    with transaction.atomic():
        assert Customer.add(by=company.executive, **values).created_by == company.executive


def test_numbers_run_on_through_the_day(company):
    numbers = [factories.CustomerFactory(manager=company.manager).number for _ in range(3)]
    assert [number[-3:] for number in numbers] == ["001", "002", "003"]


def test_the_name_is_stored_as_typed_beside_its_normal_form_and_pinyin(company):
    made = factories.CustomerFactory(name="ＡＢＢ（北京）有限公司", manager=company.manager)
    kept = Customer.objects.get(pk=made.pk)
    assert (kept.name, kept.name_normalized) == ("ＡＢＢ（北京）有限公司", "abb北京")
    assert "beijing" in kept.name_pinyin


# Editing


@pytest.mark.parametrize("name", MAY_EDIT)
def test_a_customer_is_changed_by_its_manager_and_their_supervisor(company, customer, name):
    person, before = getattr(company, name), stored(customer)
    assert customer.can_edit(person).kind is MAY_EDIT[name]
    if MAY_EDIT[name] is A:
        customer.edit(by=person, phone="1")
        assert stored(customer)["phone"] == "1"
        return
    rows = AuditEntry.objects.count()
    with pytest.raises(Refused) as refused:
        customer.edit(by=person, phone="1")
    reason = "您的角色不能修改客户" if MAY_EDIT[name] is R else "只有客户经理（周经理）和他的主管可以修改这个客户。"
    assert refused.value.verdict.reason == reason
    assert (stored(customer), AuditEntry.objects.count()) == (before, rows)


def test_a_deleted_customer_is_not_changed(company, customer):
    delete(customer)
    before = stored(customer)
    with pytest.raises(Refused, match="客户已删除"):
        customer.edit(by=company.manager, phone="1")
    assert stored(customer) == before


def test_an_edit_leaves_old_and_new_and_raises_the_version(company, customer):
    customer.edit(
        by=company.supervisor, level=factories.entry("客户等级", "大客户"), satisfaction=5, cooperation_since=None
    )
    row = AuditEntry.objects.about(customer)[0]
    assert row.verb == "编辑"
    assert row.changes == {"客户等级": ["普通客户", "大客户"], "客户满意度": ["4 星", "5 星"]}
    assert stored(customer)["version"] == 1


def test_a_renamed_customer_is_found_by_its_new_name_only(company, customer):
    customer.edit(by=company.manager, name="上海申光（集团）有限公司")
    assert list(Customer.objects.named_like("上海申光集团")) == [customer]
    assert not Customer.objects.named_like("北京华腾仪表")
    assert stored(customer)["name_pinyin"].startswith("shanghaishenguang")
    assert stored(customer)["name_initials"].startswith("shsg")


def test_an_edit_that_changes_nothing_leaves_no_row(company, customer):
    before, rows = stored(customer), AuditEntry.objects.count()
    customer.edit(by=company.manager, phone=customer.phone, level=customer.level, registered_capital=None)
    assert (stored(customer), AuditEntry.objects.count()) == (before, rows)


# Names, parents, completeness


def test_deleted_customers_are_not_named_and_not_seen(company, customer):
    delete(customer)
    assert not Customer.objects.named_like(customer.name)
    assert not Customer.objects.visible_to(company.executive)
    assert not Customer.objects.editable_by(company.manager)


def test_a_customer_is_not_above_itself(company, customer):
    branch = factories.CustomerFactory(manager=company.manager, parent=customer)
    leaf = factories.CustomerFactory(manager=company.manager, parent=branch)
    leaf.clean()
    for parent in (customer, branch, leaf):
        customer.parent = parent
        with pytest.raises(ValidationError, match="上级单位不能是本单位或它的下属单位"):
            customer.clean()


def test_a_circle_that_already_stands_does_not_hang_the_check(company, customer, django_assert_max_num_queries):
    branch = factories.CustomerFactory(manager=company.manager, parent=customer)
    Customer.objects.filter(pk=customer.pk).update(parent=branch)
    other = Customer.objects.get(pk=factories.CustomerFactory(manager=company.manager, parent=branch).pk)
    with django_assert_max_num_queries(51) as asked:
        other.clean()
    assert len(asked) > 10  # it went round, and stopped


def test_a_customer_born_of_an_opportunity_stands_among_the_incomplete(company):
    record = factories.assigned(company.colleague, company.supervisor, company.manager)
    born = record.win(by=company.manager, reason="客户已下单")
    complete = factories.CustomerFactory(manager=company.manager)
    assert list(Customer.objects.incomplete()) == [born]
    assert born.missing_labels == ["地区", "客户等级", "客户满意度", "客户信用度", "地址", "电话"]
    assert complete.missing_labels == []


def test_the_strict_form_asks_for_six_fields_more(company, customer, settings):
    assert len(required_fields()) == 6
    settings.CRM_STRICT_CUSTOMER_FORM = True
    assert len(required_fields()) == 12
    assert customer.missing_labels == ["邮政编码", "传真", "网址", "法定代表人", "开户银行", "银行账号"]


def test_completeness_grows_with_every_field(company, customer):
    before = customer.completeness
    assert 0 < before < 100
    customer.edit(by=company.manager, bank="工商银行", registered_capital=Decimal(0))
    assert customer.completeness > before


# At rest


BROKEN = [{"satisfaction": 0}, {"satisfaction": 6}, {"credit": 0}, {"credit": 6}, {"status": "asleep"}, {"number": "A"}]


@pytest.mark.parametrize("values", BROKEN, ids=str)
def test_what_cannot_be_is_refused_by_the_table_itself(company, customer, values):
    factories.CustomerFactory(manager=company.manager, number="A")
    before = stored(customer)
    with pytest.raises(IntegrityError), transaction.atomic():
        Customer.objects.filter(pk=customer.pk).update(**values)
    copy = Customer.objects.get(pk=customer.pk)
    copy.pk, copy.number = None, "B"
    for name, value in values.items():
        setattr(copy, name, value)
    with pytest.raises(IntegrityError), transaction.atomic():
        Customer.objects.bulk_create([copy])
    assert stored(customer) == before


def test_external_numbers_are_unique_when_given(company, customer):
    factories.CustomerFactory(manager=company.manager, external_number="")
    factories.CustomerFactory(manager=company.manager, external_number="X1")
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.CustomerFactory(manager=company.manager, external_number="X1")


def test_a_customer_has_one_owner_at_a_time(company, customer):
    with pytest.raises(IntegrityError), transaction.atomic():
        Ownership.objects.create(customer=customer, manager=company.colleague)
    Ownership.objects.update(until=timezone.now() + timedelta(seconds=1))
    Ownership.objects.create(customer=customer, manager=company.colleague)
    assert customer.ownerships.count() == 2


# Contacts


@pytest.fixture
def contact(company, customer):
    return factories.ContactFactory(customer=customer, name="高峰", is_primary=True)


@pytest.mark.parametrize("name", MAY_EDIT)
@pytest.mark.parametrize("action", ["edit", "remove"])
def test_a_contact_is_changed_and_removed_by_whoever_may_change_its_customer(company, contact, name, action):
    person, before, rows = getattr(company, name), stored(contact), AuditEntry.objects.count()
    verdict = getattr(contact, f"can_{action}")(person)
    assert verdict.kind is MAY_EDIT[name]
    if verdict:
        return
    with pytest.raises(Refused) as refused:
        getattr(contact, action)(by=person, **({"name": "改名"} if action == "edit" else {}))
    assert refused.value.verdict == verdict
    assert (stored(contact), AuditEntry.objects.count()) == (before, rows)


def test_a_new_contact_leaves_one_audit_row(company, customer):
    with transaction.atomic():
        made = Contact.create(by=company.manager, customer=customer, name="李工", position="工程师", office_phone="1")
    row = AuditEntry.objects.about(made).get()
    assert (row.verb, row.actor_id) == ("新建", company.manager.pk)
    assert row.changes == {"客户": ["", "北京华腾仪表有限公司"]}


def test_an_edited_contact_leaves_old_and_new(company, contact):
    contact.edit(by=company.manager, mobile="13800000000", gender="male")
    row = AuditEntry.objects.about(contact)[0]
    assert (row.verb, row.changes) == ("编辑", {"手机": ["", "13800000000"], "性别": ["", "男"]})
    assert stored(contact)["version"] == 1


def test_a_removed_contact_stays_in_the_audit_log(company, contact):
    key = contact.pk
    contact.remove(by=company.manager)
    assert not Contact.objects.exists()
    row = AuditEntry.objects.get(verb="删除")
    assert (row.object_id, row.object_text) == (key, "高峰")


def test_the_former_main_contact_steps_back(company, customer, contact):
    with transaction.atomic():
        second = Contact.create(by=company.manager, customer=customer, name="李工", is_primary=True)
    assert list(customer.contacts.values_list("name", "is_primary")) == [("李工", True), ("高峰", False)]
    contact.edit(by=company.manager, is_primary=True)
    second.refresh_from_db()
    assert not second.is_primary


def test_the_main_contact_of_one_customer_leaves_the_others_alone(company, contact):
    other = factories.CustomerFactory(manager=company.manager)
    with transaction.atomic():
        Contact.create(by=company.manager, customer=other, name="李工", is_primary=True)
    contact.refresh_from_db()
    assert contact.is_primary


def test_two_main_contacts_are_refused_by_the_table_itself(customer, contact):
    second = factories.ContactFactory(customer=customer)
    with pytest.raises(IntegrityError), transaction.atomic():
        Contact.objects.filter(pk=second.pk).update(is_primary=True)


def test_a_contact_is_seen_by_whoever_sees_its_customer(company, customer, contact):
    for name in ("manager", "colleague", "supervisor", "executive"):
        assert list(Contact.objects.visible_to(getattr(company, name))) == [contact], name
    for name in ("eastern", "stranger", "outsider", "administrator", "nobody"):
        assert not Contact.objects.visible_to(getattr(company, name)), name
    delete(customer)
    assert not Contact.objects.visible_to(company.manager)
