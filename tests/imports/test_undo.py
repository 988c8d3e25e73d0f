"""撤销整批: what nobody touched is as before, what somebody touched stays and is named."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from basedata.models import DictionaryEntry
from customers.models import Contact, Customer
from kit.domain.verdict import Refused
from kit.imports.models import ImportRun, forget_old_runs
from kit.imports.tasks import CHECK, UNDO, VALUES, WRITE, start
from kit.undo.models import UndoEntry
from tests.factories import CustomerFactory, entry
from tests.imports.sheets import begun, imported, previewed, sheet

pytestmark = pytest.mark.django_db
HEADS = ["客户名称", "地区", "电话", "客户经理", "联系人", "手机"]
NEW = ["甲公司", "华北", "", "周经理", "姜文博", "13800001234"]
CHANGED = ["乙公司", "东北", "022-55553300", "", "李四", "13900001234"]


@pytest.fixture
def existing(company):
    return CustomerFactory(name="乙公司", manager=company.manager, region=entry("地区", "华北"), phone="")


def stored():
    """Everything that a customer consists of, without versions."""
    customers = Customer.objects.order_by("pk").values_list("pk", "name", "region__item", "phone", "deleted_at")
    contacts = Contact.objects.order_by("pk").values_list("pk", "name", "mobile")
    texts = Customer.objects.order_by("pk").values_list("search_text__names", "search_text__contacts")
    entries = DictionaryEntry.objects.order_by("pk").values_list("pk", "item")
    return [list(rows) for rows in (customers, contacts, texts, entries)]


def test_everything_is_as_before(tmp_path, company, existing):
    before = stored()
    run = imported(sheet(tmp_path, NEW, CHANGED, heads=HEADS), company.supervisor)
    assert stored() != before
    start(run, UNDO, company.supervisor)
    assert stored() == before
    run.refresh_from_db()
    assert (run.state, run.problem) == ("undone", "")


def test_the_sheet_can_be_imported_again_afterwards(tmp_path, company, existing):
    path = sheet(tmp_path, NEW, CHANGED, heads=HEADS)
    run = imported(path, company.supervisor)
    start(run, UNDO, company.supervisor)
    assert imported(path, company.supervisor).counts == {"create": 1, "update": 1}


def test_a_customer_that_somebody_edited_stays_and_is_named(tmp_path, company, existing):
    run = imported(sheet(tmp_path, NEW, CHANGED, heads=HEADS), company.supervisor)
    Customer.objects.get(name="甲公司").edit(by=company.manager, phone="0315-5555000")
    start(run, UNDO, company.supervisor)
    run.refresh_from_db()
    assert "甲公司" in run.problem
    assert "乙公司" not in run.problem
    assert Customer.objects.get(name="甲公司").contacts.count() == 1
    existing.refresh_from_db()
    assert (str(existing.region), existing.phone, existing.contacts.count()) == ("华北", "", 0)


def test_a_customer_on_which_somebody_built_stays(tmp_path, company, existing):
    run = imported(sheet(tmp_path, NEW, CHANGED, heads=HEADS), company.supervisor)
    customer = Customer.objects.get(name="甲公司")
    Contact.create(by=company.manager, customer=customer, name="后来的人")
    start(run, UNDO, company.supervisor)
    assert set(customer.contacts.values_list("name", flat=True)) == {"姜文博", "后来的人"}
    run.refresh_from_db()
    assert "甲公司" in run.problem


def test_the_parent_of_one_that_stays_stays_too(tmp_path, company):
    heads = ["客户名称", "上级单位", "客户经理"]
    rows = ["集团", "", "周经理"], ["子公司", "集团", "周经理"], ["别的", "", "周经理"]
    run = imported(sheet(tmp_path, *rows, heads=heads), company.supervisor)
    Customer.objects.get(name="子公司").edit(by=company.manager, phone="0315-5555000")
    start(run, UNDO, company.supervisor)
    assert set(Customer.objects.values_list("name", flat=True)) == {"集团", "子公司"}


def test_an_erased_person_stays_erased(tmp_path, company, existing):
    run = imported(sheet(tmp_path, NEW, CHANGED, heads=HEADS), company.supervisor)
    Contact.objects.get(name="姜文博").erase(by=company.supervisor)
    start(run, UNDO, company.supervisor)
    assert not Contact.objects.filter(name="姜文博").exists()
    assert Contact.objects.filter(name="已抹去的联系人").count() == 1


def test_new_entries_of_the_dictionary_go_unless_they_are_used(tmp_path, company, existing):
    path = sheet(
        tmp_path, ["丙公司", "火星", "", "周经理", "", ""], ["丁公司", "金星", "", "周经理", "", ""], heads=HEADS
    )
    run = begun(path, company.supervisor)
    start(run, VALUES, company.supervisor)
    run.new_entries = {"region": ["火星", "金星"]}
    run.save()
    start(run, CHECK, company.supervisor)
    start(run, WRITE, company.supervisor)
    run.refresh_from_db()
    assert run.counts == {"create": 2}
    existing.edit(by=company.manager, region=DictionaryEntry.objects.get(item="火星"))
    start(run, UNDO, company.supervisor)
    assert list(DictionaryEntry.objects.filter(item__in=["火星", "金星"]).values_list("item", flat=True)) == ["火星"]


def test_an_entry_that_only_a_refused_row_wants_is_not_added(tmp_path, company):
    path = sheet(tmp_path, ["", "火星", "", "周经理", "", ""], ["丁公司", "华北", "", "周经理", "", ""], heads=HEADS)
    run = begun(path, company.supervisor)
    start(run, VALUES, company.supervisor)
    run.new_entries = {"region": ["火星"]}
    run.save()
    start(run, CHECK, company.supervisor)
    start(run, WRITE, company.supervisor)
    assert not DictionaryEntry.objects.filter(item="火星").exists()


def test_only_the_importer_and_only_once_and_only_for_thirty_days(tmp_path, company):
    run = imported(sheet(tmp_path, NEW, heads=HEADS), company.supervisor)
    assert "只有" in run.may_undo(company.outsider).reason
    UndoEntry.objects.filter(pk=run.undo_id).update(until=timezone.now())
    late = ImportRun.objects.get(pk=run.pk)
    with pytest.raises(Refused, match="已过"):
        start(late, UNDO, company.supervisor)
    UndoEntry.objects.filter(pk=run.undo_id).update(until=timezone.now() + timedelta(days=1))
    start(ImportRun.objects.get(pk=run.pk), UNDO, company.supervisor)
    with pytest.raises(Refused):
        start(ImportRun.objects.get(pk=run.pk), UNDO, company.supervisor)


def test_files_and_rows_are_kept_as_long_as_the_undo(tmp_path, company):
    done = imported(sheet(tmp_path, NEW, heads=HEADS), company.supervisor)
    idle = previewed(sheet(tmp_path, CHANGED, heads=HEADS), company.supervisor)
    ImportRun.objects.filter(pk=idle.pk).update(uploaded_at=timezone.now() - timedelta(days=8))
    ImportRun.objects.filter(pk=done.pk).update(written_at=timezone.now() - timedelta(days=29))
    assert forget_old_runs() == 1
    done.refresh_from_db()
    assert done.file
    assert done.rows.exists()
    ImportRun.objects.filter(pk=done.pk).update(written_at=timezone.now() - timedelta(days=31))
    assert forget_old_runs() == 1
    done.refresh_from_db()
    assert not done.file
    assert not done.rows.exists()
    assert done.counts == {"create": 1}
