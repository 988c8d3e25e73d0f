"""A run from the upload to the records: what is proposed, promised, written."""

from __future__ import annotations

import pytest

from customers.models import Contact, Customer
from tests.imports.sheets import imported, outcomes, previewed, sheet

pytestmark = pytest.mark.django_db


def test_an_office_sheet_becomes_customers_with_contacts(tmp_path, company):
    path = sheet(
        tmp_path,
        ["唐山暄和玻璃制品有限公司", "河北", company.manager.name, "0315-55551274", "姜文博", "13800001234"],
        ["天津漪帆精细化学有限公司", "华北", company.manager.name, "022-55553300", "", ""],
        above=[["2026 年客户台账"]],
    )
    run = imported(path, company.supervisor)
    assert (run.state, run.counts) == ("done", {"create": 2})
    first = Customer.objects.get(name="唐山暄和玻璃制品有限公司")
    assert (str(first.region), first.manager, first.phone) == ("华北", company.manager, "0315-55551274")
    contact = Contact.objects.get()
    assert (contact.customer, contact.name, contact.mobile, contact.is_primary) == (
        first,
        "姜文博",
        "13800001234",
        True,
    )


def test_nothing_is_written_before_the_button(tmp_path, company):
    run = previewed(sheet(tmp_path, ["甲公司", "华北", company.manager.name, "", "", ""]), company.supervisor)
    assert outcomes(run) == {2: "create"}
    assert not Customer.objects.exists()


def test_what_was_not_read_is_told_once(tmp_path, company):
    path = sheet(tmp_path, ["甲公司", "华北", "周经理", "", "", ""], above=[["2026 年客户台账"]])
    notes = previewed(path, company.supervisor).notes
    assert [note for note in notes if "2026 年客户台账" in note] == notes[:1]
