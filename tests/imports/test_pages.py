"""/imports/ on screen: each step is a page that keeps what was chosen, for its owner alone."""

from __future__ import annotations

import io

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from basedata.models import DictionaryEntry
from customers.models import Customer
from kit.audit.models import AuditEntry
from kit.imports.models import ImportRun
from tests.html import find_all, text
from tests.imports.sheets import previewed, sheet

pytestmark = pytest.mark.django_db


def page(response, status=200):
    assert response.status_code == status, response.content.decode()[:2000]
    return response.content.decode()


def upload(client, path, kind="customers"):
    return client.post("/imports/", {"kind": kind, "file": SimpleUploadedFile(path.name, path.read_bytes())})


def uploaded(client, path):
    response = upload(client, path)
    assert response.status_code == 302, text(page(response))
    return ImportRun.objects.latest("pk")


def posted_form(html):
    """The values that the first form with a table of selects would send."""
    data = {}
    for select in find_all(html, "select[name]"):
        data[select.get("name")] = select.value or ""
    for box in find_all(html, "input[type=radio][checked], input[type=checkbox][checked]"):
        data[box.get("name")] = box.get("value", "on")
    return data


@pytest.fixture
def supervisor(client, company):
    client.force_login(company.supervisor)
    return client


def test_from_the_upload_to_the_records_and_back(supervisor, company, tmp_path):
    path = sheet(
        tmp_path, ["甲公司", "河北", "周经理", "0315-55551274", "姜文博", "13800001234"], ["", "华北", "", "", "", ""]
    )
    run = uploaded(supervisor, path)
    columns = page(supervisor.get(f"/imports/{run.pk}/", follow=True))
    assert "对应列" in columns
    values = page(supervisor.post(f"/imports/{run.pk}/columns/", posted_form(columns), follow=True))
    assert "河北" in values
    preview = page(supervisor.post(f"/imports/{run.pk}/values/", posted_form(values), follow=True))
    assert "导入 1 家（新建 1、更新 0），1 行被拒绝" in text(preview)
    assert not Customer.objects.exists()
    done = page(supervisor.post(f"/imports/{run.pk}/carry-out/", follow=True))
    assert "已导入 1 家：新建 1、更新 0。" in text(done)
    customer = Customer.objects.get()
    assert (customer.name, str(customer.region), customer.contacts.get().mobile) == ("甲公司", "华北", "13800001234")
    assert "可撤销" in page(supervisor.get("/imports/"))
    undone = page(supervisor.post(f"/imports/{run.pk}/undo/", follow=True))
    assert "已于" in undone
    assert not Customer.objects.exists()
    verbs = AuditEntry.objects.filter(actor_name="林主管").order_by("pk").values_list("verb", flat=True)
    assert [verb for verb in verbs if verb in ("上传", "导入", "撤销")] == ["上传", "导入", "导入", "撤销"]


def test_unknown_people_are_settled_together(supervisor, company, tmp_path):
    people = [f"外面的{word}" for word in "甲乙丙丁"]
    path = sheet(tmp_path, *([f"{name}公司", "华北", name, "", "", ""] for name in people))
    run = uploaded(supervisor, path)
    columns = page(supervisor.get(f"/imports/{run.pk}/", follow=True))
    values = page(supervisor.post(f"/imports/{run.pk}/columns/", posted_form(columns), follow=True))
    supervisor.post(f"/imports/{run.pk}/values/", {**posted_form(values), "rest-manager": "=陈同事"})
    supervisor.post(f"/imports/{run.pk}/carry-out/")
    assert {one.manager for one in Customer.objects.all()} == {company.colleague}
    assert Customer.objects.count() == 4


def test_a_missing_entry_is_added_only_by_those_who_keep_the_dictionary(client, company, tmp_path):
    path = sheet(tmp_path, ["甲公司", "火星", "周经理", "", "", ""])
    client.force_login(company.supervisor)
    run = previewed(path, company.supervisor)
    assert "新增「火星」" not in page(client.get(f"/imports/{run.pk}/values/"))
    client.post(f"/imports/{run.pk}/values/", {"value-region-0": "new"})
    run.refresh_from_db()
    assert run.refused == 1
    assert not DictionaryEntry.objects.filter(item="火星").exists()


def test_a_step_back_keeps_what_was_chosen(supervisor, company, tmp_path):
    path = sheet(tmp_path, ["甲公司", "火星", "周经理", "", "", ""])
    run = uploaded(supervisor, path)
    columns = page(supervisor.get(f"/imports/{run.pk}/", follow=True))
    supervisor.post(f"/imports/{run.pk}/columns/", posted_form(columns))
    supervisor.post(f"/imports/{run.pk}/values/", {"value-region-0": "=东北"})
    columns = page(supervisor.get(f"/imports/{run.pk}/columns/"))
    values = page(supervisor.post(f"/imports/{run.pk}/columns/", posted_form(columns), follow=True))
    assert posted_form(values)["value-region-0"] == "=东北"


def test_corrections_are_remembered_for_sheets_with_the_same_heads(supervisor, company, tmp_path):
    path = sheet(tmp_path, ["甲公司", "火星", "周经理", "", "", ""])
    run = uploaded(supervisor, path)
    columns = page(supervisor.get(f"/imports/{run.pk}/", follow=True))
    data = {**posted_form(columns), "column-4": "", "remember": "on"}
    supervisor.post(f"/imports/{run.pk}/columns/", data)
    supervisor.post(f"/imports/{run.pk}/values/", {"value-region-0": "=东北", "remember": "on"})
    again = uploaded(supervisor, path)
    columns = page(supervisor.get(f"/imports/{again.pk}/", follow=True))
    assert posted_form(columns)["column-4"] == ""
    values = page(supervisor.post(f"/imports/{again.pk}/columns/", posted_form(columns), follow=True))
    assert posted_form(values)["value-region-0"] == "=东北"
    assert "上次的选择" in values


@pytest.mark.parametrize("step", ["", "sheet/", "columns/", "values/", "preview/"])
def test_only_the_owner_opens_a_run(client, company, tmp_path, step):
    run = previewed(sheet(tmp_path, ["甲公司", "华北", "周经理", "", "", ""]), company.supervisor)
    client.force_login(company.supervisor)
    assert client.get(f"/imports/{run.pk}/{step}", follow=True).status_code == 200
    for other in (company.outsider, company.administrator):
        client.force_login(other)
        assert client.get(f"/imports/{run.pk}/{step}").status_code == 404


def test_administrators_see_who_imported_what(client, company, tmp_path):
    previewed(sheet(tmp_path, ["甲公司", "华北", "周经理", "", "", ""]), company.supervisor)
    client.force_login(company.administrator)
    assert "还没有导入过" not in page(client.get("/imports/"))
    client.force_login(company.outsider)
    assert "还没有导入过" in page(client.get("/imports/"))


def test_refused_rows_come_back_as_the_workbook_with_cells_marked(supervisor, company, tmp_path):
    path = sheet(
        tmp_path, ["甲公司", "华北", "周经理", "", "姜文博", "138****1234"], ["乙公司", "华北", "周经理", "", "", ""]
    )
    run = previewed(path, company.supervisor)
    book = openpyxl.load_workbook(io.BytesIO(supervisor.post(f"/imports/{run.pk}/refused/").content))
    rows = list(book.active.iter_rows())
    assert [cell.value for cell in rows[0]] == [
        *("公司名称", "所在省份", "业务员", "联系电话", "联系人", "手机"),
        *("行号", "原因与改法"),
    ]
    assert len(rows) == 2
    assert rows[1][0].value == "甲公司"
    assert "隐去了" in rows[1][5].comment.text
    assert rows[1][5].fill.fgColor.rgb == "FFFFC7CE"
    assert rows[1][0].comment is None


@pytest.mark.parametrize("file", ["template-customers", "sample-customers"])
def test_a_template_and_a_messy_sample_are_offered_and_can_be_uploaded(file, supervisor, company, tmp_path):
    assert f'value="{file}"' in supervisor.get("/imports/").content.decode()
    path = tmp_path / "given.xlsx"
    path.write_bytes(supervisor.post("/imports/files/", {"file": file}).content)
    if file.startswith("template"):
        book = openpyxl.load_workbook(path)
        book.worksheets[0].append(["甲公司"] * book.worksheets[0].max_column)
        book.save(path)
    run = uploaded(supervisor, path)
    assert {"name", "region", "manager"} <= set(run.columns.values())
    assert run.row_count == (200 if file.startswith("sample") else 1)


@pytest.mark.parametrize(
    "file", ["", "template-", "template-orders", "secret-customers", "sample-interactions", "../x"]
)
def test_no_other_file_is_given(file, supervisor):
    assert supervisor.post("/imports/files/", {"file": file}).status_code == 404


def test_none_are_imported_where_the_tick_says_so(supervisor, company, tmp_path):
    path = sheet(tmp_path, ["甲公司", "华北", "周经理", "", "", ""], ["", "华北", "周经理", "", "", ""])
    run = previewed(path, company.supervisor)
    response = supervisor.post(f"/imports/{run.pk}/carry-out/", {"strict": "on"}, follow=True)
    assert "什么都没有写入" in page(response)
    assert not Customer.objects.exists()


def test_another_sheet_or_header_is_chosen_with_a_look_at_the_rows(supervisor, company, tmp_path):
    path = sheet(tmp_path, ["甲公司", "华北", "周经理", "", "", ""], above=[["台账"], ["2026"]])
    run = uploaded(supervisor, path)
    assert run.header_rows == [3]
    assert "甲公司" in page(supervisor.get(f"/imports/{run.pk}/sheet/"))
    supervisor.post(f"/imports/{run.pk}/sheet/", {"sheet": run.sheet, "header": "2", "header_height": "1"})
    run.refresh_from_db()
    assert run.header_rows == [2]


def test_a_file_that_is_no_table_says_so(supervisor, tmp_path):
    path = tmp_path / "photo.xlsx"
    path.write_bytes(b"\x89PNG not a workbook")
    assert 'role="alert"' in page(upload(supervisor, path))
    assert not ImportRun.objects.exists()


def test_the_number_of_queries_does_not_grow_with_the_rows(supervisor, company, tmp_path):
    def queries(count):
        rows = [[f"第{count}{n}公司", "华北", "周经理", "", "", ""] for n in range(count)]
        run = previewed(sheet(tmp_path, *rows), company.supervisor)
        with CaptureQueriesContext(connection) as captured:
            page(supervisor.get(f"/imports/{run.pk}/preview/"))
        return len(captured)

    queries(1)
    assert queries(3) == queries(45)
