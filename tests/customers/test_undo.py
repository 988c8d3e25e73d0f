"""撤销 of a deleted contact or interaction: all is back as it was, once, for who deleted it, and not over others."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from crm.privacy import erase_contact
from customers.models import Contact, Customer, Interaction
from kit.audit.models import AuditEntry
from kit.domain.verdict import Refused
from kit.undo.expiry import forget_expired
from kit.undo.models import UndoEntry, UndoRow
from kit.undo.restoring import take_back
from tests import factories
from tests.customers.pages import page_of
from tests.digest import differences, digest

pytestmark = pytest.mark.django_db


@pytest.fixture
def contact(customer):
    return factories.ContactFactory(customer=customer, is_primary=True, mobile="13800001111", note="周末勿扰")


@pytest.fixture
def talk(customer, company, contact):
    """The customer's last interaction, with a file and a follow-up."""
    record = factories.interaction(
        customer, company.manager, contact=contact, follow_up_on=timezone.localdate() + timedelta(days=2)
    )
    factories.attachment(record, company.manager)
    return record


def removed(record, by):
    """What takes the deletion back."""
    return type(record).objects.get(pk=record.pk).remove(by=by)


def test_a_contact_comes_back_with_every_field_and_every_row_that_named_them(contact, talk, company):
    before = digest()
    entry = removed(contact, company.manager)
    assert (Contact.objects.count(), Interaction.objects.get().contact) == (0, None)
    take_back(entry, by=company.manager)
    assert differences(before, digest()) == []
    assert AuditEntry.objects.about(contact).first().verb == "撤销删除"
    assert AuditEntry.objects.about(contact.customer).first().verb == "撤销"


def test_an_interaction_comes_back_with_its_files_and_as_the_last_one(talk, company):
    before, entries = digest(), list(talk.customer.timeline.filter(kind="interaction").values_list("at", "text", "url"))
    path = talk.attachments.get().file.name
    entry = removed(talk, company.manager)
    assert not talk.customer.timeline.filter(kind="interaction").exists()
    take_back(entry, by=company.manager)
    assert differences(before, digest()) == []
    assert list(talk.customer.timeline.filter(kind="interaction").values_list("at", "text", "url")) == entries
    assert default_storage.exists(path)


@pytest.mark.parametrize("first", ["contact", "talk"])
def test_of_two_deletions_either_is_taken_back_first(first, contact, talk, company):
    """The interaction has its contact again when both are there, in whichever order they went and came."""
    before = digest()
    records = {"contact": contact, "talk": talk}
    second = "talk" if first == "contact" else "contact"
    entries = {name: removed(records[name], company.manager) for name in (first, second)}
    for name in (first, second):
        take_back(entries[name], by=company.manager)
    assert differences(before, digest()) == []


def test_it_is_refused_naming_who_and_when_where_somebody_changed_the_row_since(contact, talk, customer, company):
    other = factories.ContactFactory(customer=customer, name="姜工")
    entry = removed(contact, company.manager)
    Interaction.objects.get().edit(by=company.supervisor, contact=other)
    with pytest.raises(Refused, match=r"交往记录「电话回访高峰」\d\d-\d\d \d\d:\d\d 由林主管编辑"):
        take_back(entry, by=company.manager)
    assert not Contact.objects.filter(pk=contact.pk).exists()
    assert UndoEntry.objects.get(pk=entry.pk).is_open


def test_a_primary_contact_named_since_stays_the_primary_one(contact, customer, company):
    entry = removed(contact, company.manager)
    other = factories.ContactFactory(customer=customer, name="姜工", is_primary=True)
    assert take_back(entry, by=company.manager) == "主要联系人现在是姜工，没有改动。"
    assert list(Contact.objects.filter(is_primary=True)) == [other]
    assert Contact.objects.filter(pk=contact.pk).exists()


def test_only_who_deleted_it_takes_it_back_and_only_while_they_may_add_there(contact, customer, company):
    entry = removed(contact, company.manager)
    for person in (company.supervisor, company.colleague):
        with pytest.raises(Refused, match="只有删除的人（周经理）可以撤销"):
            take_back(entry, by=person)
    customer.transfer(company.eastern, by=company.supervisor, reason="换区")
    with pytest.raises(Refused, match="可以修改这个客户"):
        take_back(entry, by=factories.fresh(company.manager))
    assert not Contact.objects.exists()


def test_it_is_taken_back_once_and_within_a_day(contact, talk, company):
    entry, late = removed(contact, company.manager), removed(talk, company.manager)
    take_back(entry, by=company.manager)
    with pytest.raises(Refused, match="已经由周经理撤销"):
        take_back(entry, by=company.manager)
    assert not UndoRow.objects.filter(entry=entry).exists()  # nothing is kept longer than it may be needed
    UndoEntry.objects.filter(pk=late.pk).update(until=timezone.now())
    with pytest.raises(Refused, match="已过可以撤销的时间"):
        take_back(late, by=company.manager)


def test_what_is_no_longer_taken_back_is_forgotten_with_its_files(talk, company, django_capture_on_commit_callbacks):
    path = talk.attachments.get().file.name
    entry = removed(talk, company.manager)
    assert (forget_expired(), default_storage.exists(path)) == (0, True)
    UndoEntry.objects.filter(pk=entry.pk).update(until=timezone.now())
    with django_capture_on_commit_callbacks(execute=True):
        assert forget_expired() == 1
    assert not default_storage.exists(path)
    assert not UndoRow.objects.exists()


def test_files_of_what_came_back_outlive_its_entry(talk, company, django_capture_on_commit_callbacks):
    path = talk.attachments.get().file.name
    entry = removed(talk, company.manager)
    take_back(entry, by=company.manager)
    UndoEntry.objects.filter(pk=entry.pk).update(until=timezone.now())
    with django_capture_on_commit_callbacks(execute=True):
        assert forget_expired() == 1
    assert default_storage.exists(path)


def test_an_erased_person_is_purged_from_what_was_deleted(customer, contact, talk, company):
    """Their interactions, what names them, and nothing of others."""
    namesake = factories.CustomerFactory(manager=company.manager)
    kept = removed(factories.interaction(namesake, company.manager, summary="高峰期排产"), company.manager)
    gone = [
        removed(talk, company.manager),
        removed(factories.interaction(customer, company.manager, summary="高峰来访"), company.manager),
    ]
    other = removed(factories.interaction(customer, company.manager, summary="开票"), company.manager)
    erase_contact(contact, by=company.supervisor, reason="本人要求")
    assert set(UndoEntry.objects.values_list("pk", flat=True)) == {kept.pk, other.pk}, gone
    assert "高峰" not in str(list(UndoRow.objects.filter(entry=other).values()))


def test_a_part_of_a_customer_deleted_since_does_not_come_back_and_says_why(customer, contact, company):
    entry = removed(contact, company.manager)
    Customer.objects.get(pk=customer.pk).remove(by=company.manager)
    with pytest.raises(Refused, match="客户已删除"):
        take_back(entry, by=company.manager)


# Pages


def test_one_click_deletes_and_one_click_takes_it_back(contact, company, sign_in):
    client, url = sign_in(company.manager), f"/customers/{contact.customer_id}/contacts/{contact.pk}/delete/"
    listed = page_of(client.get(f"/customers/{contact.customer_id}/contacts/"))
    assert f'formaction="{url}"' in listed
    page = page_of(client.post(url, follow=True))
    assert "已删除 ·" in page
    entry = UndoEntry.objects.get()
    assert f'formaction="/recent/{entry.pk}/undo/"' in page
    assert "撤销" not in page_of(client.get(f"/customers/{contact.customer_id}/")).partition('id="main"')[2]
    assert "联系人 高峰" in page_of(client.get("/recent/"))
    assert "已撤销：删除：联系人 高峰" in page_of(client.post(f"/recent/{entry.pk}/undo/", follow=True))
    assert Contact.objects.get() == contact
    assert "已经由周经理撤销" in page_of(client.post(f"/recent/{entry.pk}/undo/"), 409)


def test_recent_changes_of_others_and_of_hidden_customers_are_not_there(contact, company, sign_in):
    entry = removed(contact, company.manager)
    for person in (company.colleague, company.stranger, company.supervisor, company.nobody):
        client = sign_in(person)
        assert "高峰" not in page_of(client.get("/recent/"))
        assert client.post(f"/recent/{entry.pk}/undo/").status_code == 404
    contact.customer.transfer(company.eastern, by=company.supervisor, reason="换区")
    assert sign_in(company.manager).post(f"/recent/{entry.pk}/undo/").status_code == 404


def test_recent_changes_take_a_fixed_number_of_queries(customer, company, sign_in, django_assert_max_num_queries):
    for n in range(30):
        removed(factories.ContactFactory(customer=customer, name=f"联系人{n}"), company.manager)
    client = sign_in(company.manager)
    client.get("/recent/")
    with django_assert_max_num_queries(14):
        assert page_of(client.get(f"/recent/?about=x-{'9' * 30}")).count("撤销：联系人 联系人") == 30
