"""What is written on a customer that went meanwhile: refused with where it went, and nothing typed is lost."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.utils import timezone

from customers.imports.importing import CustomerImport
from customers.imports.results import ImportRefused
from customers.models import Contact, Customer, Interaction, merge_customers
from customers.sync.matching import MatchRefused, match_customer
from kit.domain.verdict import Refused
from services.models import ServiceRequest
from tests import factories
from tests.races import again


@pytest.fixture
def gone(company):
    """A customer of 周经理 that became part of another of theirs."""
    kept, gone = (factories.CustomerFactory(name=name, manager=company.manager) for name in ("海河水务", "海河自来水"))
    merge_customers(kept, [gone], by=company.supervisor, reason="同一单位")
    return gone


CONTACT = {"name": "李工", "position": "工程师", "office_phone": "010-5555 6666"}


def test_a_contact_sent_to_a_merged_customer_is_told_where_it_went_and_keeps_its_text(gone, company, sign_in):
    answer = sign_in(company.manager).post(f"/customers/{gone.pk}/contacts/new/", CONTACT)
    html = answer.content.decode()
    assert answer.status_code == 409
    assert f"客户已并入「海河水务」（{again(gone).merged_into.number}），请在那里继续" in html
    assert "工程师" in html
    assert not Contact.objects.exists()


def test_an_interaction_sent_to_a_removed_customer_is_told_so_and_keeps_its_text(company, sign_in):
    record = factories.CustomerFactory(manager=company.manager)
    client = sign_in(company.manager)
    again(record).remove(by=company.supervisor)
    answer = client.post(f"/customers/{record.pk}/interactions/new/", {"summary": "回访压力变送器"})
    assert answer.status_code == 409
    assert "客户已删除" in answer.content.decode()
    assert "回访压力变送器" in answer.content.decode()
    assert not Interaction.objects.exists()


def test_who_never_saw_the_customer_learns_nothing_of_where_it_went(gone, company, sign_in):
    answer = sign_in(company.stranger).post(f"/customers/{gone.pk}/contacts/new/", CONTACT)
    assert answer.status_code == 404
    assert "海河水务" not in answer.content.decode()


def test_the_survivor_is_named_only_to_whoever_sees_it(company):
    kept = factories.CustomerFactory(name="华东水务", manager=company.eastern)
    gone = factories.CustomerFactory(name="华东自来水", manager=company.manager)
    merge_customers(kept, [again(gone)], by=company.supervisor, reason="同一单位")
    with pytest.raises(Refused, match="查看范围外") as refused, transaction.atomic():
        Contact.create(by=company.manager, customer=gone, **CONTACT)
    assert "华东水务" not in str(refused.value)


def test_a_contact_is_written_only_by_whoever_may_write_on_its_customer_now(company):
    record = factories.CustomerFactory(manager=company.manager)
    stale = again(record)
    again(record).transfer(company.eastern, by=company.supervisor, reason="换区")
    with pytest.raises(Refused, match="只有客户经理（王华东）和他的主管"), transaction.atomic():
        Contact.create(by=company.manager, customer=stale, **CONTACT)


def test_a_request_belongs_to_the_owner_its_customer_has_when_it_is_saved(company):
    record = factories.CustomerFactory(manager=company.manager)
    stale = again(record)
    again(record).transfer(company.eastern, by=company.supervisor, reason="换区")
    assert factories.service_request(company.manager, customer=stale).keeper == company.eastern


def test_a_merged_customer_is_not_shared(gone, company):
    with pytest.raises(Refused, match="客户已并入「海河水务」"):
        gone.share(company.colleague, by=company.manager, kind="view")


def test_a_request_whose_customer_was_removed_long_ago_is_still_edited(company):
    record = factories.CustomerFactory(manager=company.manager)
    request = factories.service_request(company.manager, customer=record)
    Customer.objects.filter(pk=record.pk).update(deleted_at=timezone.now())
    request.edit(by=company.manager, customer=record, summary="改过的概要")
    assert ServiceRequest.objects.get().summary == "改过的概要"


def test_orders_are_not_matched_to_a_merged_customer(gone, company):
    with pytest.raises(MatchRefused, match="客户已并入"):
        match_customer(gone, "X-9", by=company.supervisor)


@pytest.fixture
def table(company, tmp_path):
    """load(text) reads a table for 林主管."""

    def load(text: str) -> CustomerImport:
        path = tmp_path / "table.csv"
        path.write_text(text, encoding="utf-8")
        task = CustomerImport(manager=company.manager, by=company.supervisor)
        task.read(path)
        assert not task.errors
        return task

    return load


def test_a_table_whose_parent_was_removed_since_it_was_read_writes_nothing(company, table):
    parent = factories.CustomerFactory(name="海河水务", manager=company.manager)
    task = table(f"名称,上级单位\n海河水务东丽分公司,{parent.number}\n")
    again(parent).remove(by=company.supervisor)
    with pytest.raises(ImportRefused, match="移交、合并、删除"):
        task.write()
    assert not Customer.objects.current().exists()


def test_a_table_gives_no_number_to_a_customer_that_left_its_importers_reach(company, table):
    record = factories.CustomerFactory(name="海河水务", manager=company.manager)
    task = table("名称,销售系统客户编号\n海河水务,X-9\n")
    Customer.objects.filter(pk=record.pk).update(manager=company.stranger)
    with pytest.raises(ImportRefused, match="移交、合并、删除"):
        task.write()
    assert again(record).external_number == ""
