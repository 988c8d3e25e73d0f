"""Rows of customers that are there already: recognised, compared, changed within one's own edit scope."""

from __future__ import annotations

import pytest

from customers.models import Contact, Customer
from kit.audit.models import AuditEntry
from kit.imports.kinds import SheetRefused
from kit.imports.tasks import WRITE, start
from tests.factories import CustomerFactory, entry
from tests.imports.sheets import imported, outcomes, previewed, sheet

pytestmark = pytest.mark.django_db
HEADS = ["客户名称", "地区", "客户等级", "电话", "客户经理", "联系人", "手机"]


@pytest.fixture
def existing(company):
    level = entry("客户等级", "普通客户")
    return CustomerFactory(name="甲公司", manager=company.manager, region=entry("地区", "华北"), level=level, phone="")


def table(tmp_path, *rows, **more):
    return sheet(tmp_path, *rows, heads=HEADS, **more)


def test_changed_values_are_written_and_empty_cells_leave_what_is_there(tmp_path, company, existing):
    run = previewed(table(tmp_path, ["甲公司", "东北", "", "022-55553300", "", "", ""]), company.supervisor)
    (row,) = run.rows.all()
    assert (row.outcome, row.record) == ("update", existing.pk)
    assert row.values == [["地区", "东北", "华北"], ["电话", "022-55553300", ""]]
    start(run, WRITE, company.supervisor)
    version = existing.version
    existing.refresh_from_db()
    assert (str(existing.region), str(existing.level), existing.phone) == ("东北", "普通客户", "022-55553300")
    assert existing.version == version + 1
    event = AuditEntry.objects.about(existing).filter(verb="编辑").get()
    assert event.changes["地区"] == ["华北", "东北"]
    assert event.changes["原因"] == ["", "导入"]


def test_what_stands_there_already_is_no_change(tmp_path, company, existing):
    run = imported(table(tmp_path, ["甲公司", "华北", "普通客户", "", "周经理", "", ""]), company.supervisor)
    assert run.counts == {"same": 1}
    assert not AuditEntry.objects.about(existing).filter(verb="编辑").exists()


def test_an_update_never_moves_a_customer_to_another_manager(tmp_path, company, existing):
    imported(table(tmp_path, ["甲公司", "东北", "", "", "陈同事", "", ""]), company.supervisor)
    existing.refresh_from_db()
    assert (existing.manager, str(existing.region)) == (company.manager, "东北")


@pytest.mark.parametrize(("mode", "expected"), [("both", "uc"), ("create", "sc"), ("update", "us")])
def test_the_modes_say_what_is_left_alone(tmp_path, company, existing, mode, expected):
    rows = ["甲公司", "东北", "", "", "", "", ""], ["乙公司", "东北", "", "", "周经理", "", ""]
    run = imported(table(tmp_path, *rows), company.supervisor, mode=mode)
    assert [outcome[0] for outcome in outcomes(run).values()] == list(expected)
    existing.refresh_from_db()
    assert str(existing.region) == ("华北" if mode == "create" else "东北")
    assert Customer.objects.filter(name="乙公司").exists() == (mode != "update")


def test_a_customer_is_known_by_number_code_and_former_name(tmp_path, company):
    by = company.supervisor
    one = CustomerFactory(name="甲", manager=company.manager, external_number="U8-1")
    two = CustomerFactory(name="乙", manager=company.manager, license_number="91350100M000100Y43")
    three = CustomerFactory(name="丙", manager=company.manager)
    three.edit(by=company.manager, name="丙丙")
    heads = ["客户编号", "销售系统客户编号", "统一社会信用代码", "名称", "邮政编码"]
    rows = [
        [one.number, "", "", "甲", "100001"],
        ["", "", "91350100m000100y43", "乙", "100002"],
        ["", "", "", "丙", "100003"],
    ]
    run = previewed(sheet(tmp_path, *rows, heads=heads), by)
    assert list(run.rows.order_by("line").values_list("outcome", "record")) == [
        ("update", one.pk), ("update", two.pk), ("update", three.pk),
    ]  # fmt: skip


def test_customers_of_others_are_refused_with_their_owner(tmp_path, company):
    CustomerFactory(name="甲公司", manager=company.colleague)
    run = previewed(table(tmp_path, ["甲公司", "东北", "", "", "", "", ""]), company.manager)
    (row,) = run.rows.all()
    assert row.outcome == "refuse"
    assert "不在您的编辑范围内" in row.reasons[0].reason


def test_what_one_may_not_see_is_not_described(tmp_path, company):
    customer = CustomerFactory(name="甲公司", manager=company.stranger)
    run = previewed(table(tmp_path, ["甲公司", "东北", "", "", "", "", ""]), company.manager)
    (row,) = run.rows.all()
    assert "外人甲" not in row.reasons[0].reason + row.note
    assert customer.number not in row.reasons[0].reason + row.note


def test_another_level_takes_one_reason_for_all(tmp_path, company, existing):
    run = previewed(table(tmp_path, ["甲公司", "", "大客户", "", "", "", ""]), company.supervisor)
    assert run.needs_reason == 1
    with pytest.raises(SheetRefused, match="变更原因"):
        start(run, WRITE, company.supervisor)
    run.reason = "年度评级"
    run.save()
    start(run, WRITE, company.supervisor)
    event = AuditEntry.objects.about(existing).filter(verb="编辑").get()
    assert event.changes["原因"] == ["", "导入：年度评级"]


def test_rows_changed_since_the_preview_are_refused(tmp_path, company, existing):
    rows = ["甲公司", "东北", "", "", "", "", ""], ["乙公司", "东北", "", "", "周经理", "", ""]
    run = previewed(table(tmp_path, *rows), company.supervisor)
    existing.edit(by=company.manager, phone="0315-5555000")
    start(run, WRITE, company.supervisor)
    existing.refresh_from_db()
    assert str(existing.region) == "华北"
    assert Customer.objects.filter(name="乙公司").exists()
    run.refresh_from_db()
    assert run.counts == {"refuse": 1, "create": 1}
    assert "预览以后变了" in run.rows.get(outcome="refuse").reasons[0].reason


def test_a_customer_that_somebody_created_since_the_preview_is_refused(tmp_path, company):
    run = previewed(table(tmp_path, ["甲公司", "东北", "", "", "周经理", "", ""]), company.supervisor)
    CustomerFactory(name="甲公司", manager=company.manager, region=entry("地区", "华北"))
    start(run, WRITE, company.supervisor)
    assert str(Customer.objects.get(name="甲公司").region) == "华北"


def test_a_contact_is_added_once(tmp_path, company, existing):
    path = table(tmp_path, ["甲公司", "", "", "", "", "姜文博", "138 0000 1234"])
    assert imported(path, company.supervisor).counts == {"update": 1}
    assert Contact.objects.get().is_primary
    assert imported(path, company.supervisor).counts == {"same": 1}
    assert (
        imported(table(tmp_path, ["甲公司", "", "", "", "", "姜文博", "139 1111 1111"]), company.supervisor).good == 1
    )
    assert Contact.objects.filter(customer=existing, is_primary=True).count() == 1
    assert Contact.objects.count() == 2


def test_two_rows_of_one_customer_are_told(tmp_path, company, existing):
    rows = ["甲公司", "东北", "", "", "", "", ""], ["甲公司", "西南", "", "", "", "", ""]
    run = previewed(table(tmp_path, *rows), company.supervisor)
    assert outcomes(run) == {2: "update", 3: "refuse"}
    assert "与第 2 行" in run.rows.get(line=3).reasons[0].reason


def test_a_number_of_another_customer_is_refused(tmp_path, company, existing):
    CustomerFactory(name="乙", manager=company.manager, external_number="U8-1")
    heads = ["客户编号", "名称", "销售系统客户编号"]
    run = previewed(sheet(tmp_path, [existing.number, "甲公司", "U8-1"], heads=heads), company.supervisor)
    assert outcomes(run) == {2: "refuse"}


def test_counts_add_up_to_the_rows(tmp_path, company, existing):
    rows = [
        ["甲公司", "东北", "", "", "", "", ""], ["乙公司", "东北", "", "", "周经理", "", ""],
        ["", "东北", "", "", "周经理", "", ""], ["丙公司", "没有", "", "", "周经理", "", ""],
        ["丁公司", "", "", "", "周经理", "", "13800000000"],
    ]  # fmt: skip
    run = previewed(table(tmp_path, *rows), company.supervisor)
    assert sum(run.counts.values()) == run.row_count == run.rows.count() == 5
    assert run.counts == {"update": 1, "create": 1, "refuse": 3}
