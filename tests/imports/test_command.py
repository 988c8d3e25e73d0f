"""manage.py import_records: the engine of the screen, all rows or none."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from customers.models import Customer
from kit.imports.models import ImportRun
from tests.imports.sheets import sheet

pytestmark = pytest.mark.django_db
GOOD = ["甲公司", "河北", "周经理", "0315-55551274", "姜文博", "13800001234"]


def run(path, company, **options):
    out, err = io.StringIO(), io.StringIO()
    user = options.pop("user", company.supervisor.username)
    try:
        call_command("import_records", "customers", str(path), user=user, **options, stdout=out, stderr=err)
    except CommandError as error:
        return str(error), err.getvalue()
    return out.getvalue(), err.getvalue()


def test_a_sheet_is_imported_and_can_be_taken_back(tmp_path, company):
    told, _ = run(sheet(tmp_path, GOOD), company)
    assert "已导入：新建 1，更新 0，无变化 0，跳过 0，拒绝 0，共 1 行。" in told
    assert str(Customer.objects.get().region) == "华北"
    assert ImportRun.objects.get().may_undo(company.supervisor)


def test_a_dry_run_leaves_nothing(tmp_path, company):
    told, _ = run(sheet(tmp_path, GOOD), company, dry_run=True)
    assert "检查通过：新建 1" in told
    assert not Customer.objects.exists()
    assert not ImportRun.objects.exists()


def test_one_refused_row_refuses_all_and_is_named(tmp_path, company):
    told, lines = run(sheet(tmp_path, GOOD, ["乙公司", "火星", "周经理", "", "", ""]), company)
    assert "1 行被拒绝，什么都没有写入" in told
    assert "第 3 行「地区」" in lines
    assert not Customer.objects.exists()


def test_choices_come_from_a_file(tmp_path, company):
    choices = {
        "columns": {"联系人": "", "手机": "客户电话"}, "values": {"region": {"火星": "东北"}},
        "fallback": company.colleague.username,
    }  # fmt: skip
    choices["columns"]["手机"] = ""
    (tmp_path / "map.json").write_text(json.dumps(choices), encoding="utf-8")
    run(sheet(tmp_path, ["乙公司", "火星", "", "", "某人", "1"]), company, map=tmp_path / "map.json")
    customer = Customer.objects.get()
    assert (str(customer.region), customer.manager, customer.contacts.count()) == ("东北", company.colleague, 0)


@pytest.mark.parametrize("text", ["{", "[1]", '{"x": 1}', '{"columns": {"没有": "name"}}', '{"mode": "all"}'])
def test_an_odd_file_of_choices_is_refused(tmp_path, company, text):
    (tmp_path / "map.json").write_text(text, encoding="utf-8")
    told, _ = run(sheet(tmp_path, GOOD), company, map=tmp_path / "map.json")
    assert "已导入" not in told
    assert not ImportRun.objects.exists()


def test_the_rights_are_those_of_the_user(tmp_path, company):
    assert "不能导入" in run(sheet(tmp_path, GOOD), company, user=company.nobody.username)[0]
    assert "没有用户名" in run(sheet(tmp_path, GOOD), company, user="niemand")[0]


def test_a_missing_file_is_named(tmp_path, company):
    assert "没有" in run(tmp_path / "fehlt.xlsx", company)[0]
