"""/import/: a table is checked on screen before anything is written, and only into one's own reach."""

from __future__ import annotations

import io
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import openpyxl
import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from customers.imports import importing
from customers.imports import tasks as import_job
from customers.models import Customer, ImportFile, delete_old_uploads
from kit.audit.models import AuditEntry
from kit.jobs.models import Job, JobRefused
from kit.jobs.tasks import rescue_silent_jobs, run_job
from tests import factories
from tests.customers.pages import page_of
from tests.html import find_all, text

pytestmark = pytest.mark.django_db
CARRY_OUT = "/import/{}/carry-out/"


def table(*rows, encoding="utf-8-sig", separator=","):
    return "\r\n".join(separator.join(row) for row in rows).encode(encoding)


HEAD = ("名称", "地区", "客户经理", "邮政编码", "上级单位")
GOOD = table(HEAD, ("青岛水务", "华北", "", "266000", ""), ("烟台泵业", "东北", "", "", "青岛水务"))


def upload(client, content=GOOD, name="名单.csv", **more):
    return client.post("/import/", {"file": SimpleUploadedFile(name, content), **more})


def uploaded(client, content=GOOD, name="名单.csv", **more):
    response = upload(client, content, name, **more)
    assert response.status_code == 302, response.content.decode()
    return ImportFile.objects.latest("pk")


def test_a_manager_checks_a_table_and_imports_it_for_themselves(company, manager):
    assert find_all(page_of(manager.get("/import/")), "[name=manager]") == []
    file = uploaded(manager)
    html = page_of(manager.get(file.get_absolute_url()))
    assert "没有发现错误" in html
    assert "导入无误的 2 行" in html
    assert Customer.objects.count() == 0
    response = manager.post(CARRY_OUT.format(file.pk), {"mode": "all"}, follow=True)
    assert "已导入 2 个客户。" in page_of(response)
    made = Customer.objects.order_by("pk")
    assert [(one.name, one.manager, one.created_by) for one in made] == [
        ("青岛水务", company.manager, company.manager), ("烟台泵业", company.manager, company.manager),
    ]  # fmt: skip
    assert made[1].parent == made[0]
    assert AuditEntry.objects.filter(verb="导入", actor=company.manager).count() == 3
    assert "这个文件已经导入" in page_of(manager.post(CARRY_OUT.format(file.pk), {"mode": "all"}), 409)
    again = uploaded(manager)
    manager.post(CARRY_OUT.format(again.pk), {"mode": "all"})
    assert Customer.objects.count() == 2


BAD = table(
    HEAD,
    ("青岛水务", "华北", "", "266000", ""),
    ("坏地区", "火星", "", "", ""),
    ("坏邮编", "华北", "", "7100", ""),
    ("", "华北", "", "", ""),
    ("下级", "华北", "", "", "坏邮编"),
    ("孙级", "华北", "", "", "下级"),
    ("=1+1", "火星", "", "", ""),
)


def test_every_refused_row_is_listed_and_all_or_none_is_the_rule(manager):
    file = uploaded(manager, BAD)
    html = page_of(manager.get(file.get_absolute_url()))
    for words in ("火星", "7100", "坏邮编", "不在数据字典的「地区」里", "应为 6 位数字"):
        assert words in html
    assert "导入无误的 1 行" in html
    assert "有被拒绝的行，什么都没有写入" in page_of(manager.post(CARRY_OUT.format(file.pk)), 409)
    assert Customer.objects.count() == 0
    response = manager.post(CARRY_OUT.format(file.pk), {"mode": "good"}, follow=True)
    assert "已导入 1 个客户；6 行有错误，没有导入。" in page_of(response)
    assert [one.name for one in Customer.objects.all()] == ["青岛水务"]


def test_the_refused_rows_come_back_as_a_workbook_to_correct(manager):
    file = uploaded(manager, BAD)
    response = manager.post(f"/import/{file.pk}/refused/")
    assert response["Content-Disposition"].startswith("attachment")
    sheet = openpyxl.load_workbook(io.BytesIO(response.content)).active
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0][:3] == ("行号", "原因与改法", "名称")
    assert [row[0] for row in rows[1:]] == [3, 4, 5, 8]
    assert "地区：「火星」" in rows[1][1]
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_usual_encodings_and_separators_are_understood(encoding, separator, manager):
    rows = (HEAD, ("青岛水务", "华北", "", "266000", ""))
    file = uploaded(manager, table(*rows, encoding=encoding, separator=separator))
    assert "导入无误的 1 行" in page_of(manager.get(file.get_absolute_url()))


def test_a_supervisor_imports_for_their_people_only(company, sign_in):
    client = sign_in(company.supervisor)
    hidden = factories.CustomerFactory(name="海外集团", manager=company.stranger)
    content = table(
        HEAD,
        ("一厂", "华北", company.eastern.username, "", ""),
        ("二厂", "华北", company.stranger.username, "", ""),
        ("三厂", "华北", "", "", ""),
        ("四厂", "华北", "", "", hidden.number),
    )
    assert "选择一个有效的选项" in page_of(upload(client, content, manager=company.stranger.pk))
    file = uploaded(client, content, manager=company.manager.pk)
    html = page_of(client.get(file.get_absolute_url()))
    assert "不是您范围内在职的客户经理" in html
    assert "没有这个客户" in html
    assert "海外集团" not in html
    client.post(CARRY_OUT.format(file.pk), {"mode": "good"})
    made = dict(Customer.objects.exclude(pk=hidden.pk).values_list("name", "manager"))
    assert made == {"一厂": company.eastern.pk, "三厂": company.manager.pk}


def test_a_manager_imports_for_nobody_else(company, manager):
    file = uploaded(manager, table(HEAD, ("一厂", "华北", company.colleague.username, "", "")))
    assert "不是您范围内在职的客户经理" in page_of(manager.get(file.get_absolute_url()))
    assert manager.post(CARRY_OUT.format(file.pk), {"mode": "good"}).status_code in (302, 409)
    assert Customer.objects.count() == 0


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"", "a.csv", "空"),
        (b"x", "a.exe", "只能导入 .xlsx 或 .csv"),
        (b"%PDF-1.4", "a.pdf", "只能导入 .xlsx 或 .csv"),
        (b"PK\x03\x04 no archive", "a.xlsx", "内容与扩展名不符"),
        (b"\xff\xd8\xff", "a.xlsx", "内容与扩展名不符"),
        ("名称\n<script>".encode(), "a.xlsx", "内容与扩展名不符"),
        (b"a\x00b,c\n1,2", "a.csv", "内容与扩展名不符"),
        ("名称\n甲\n".encode("utf-32"), "a.csv", "UTF-8、GB18030、UTF-16 编码的 csv"),
        (b"\n\n", "a.csv", "文件是空的"),
        ("名称,名称\n甲,乙\n".encode(), "a.csv", "列名重复"),
        ("名称\n甲,乙\n".encode(), "a.csv", "比表头多"),
    ],
)
def test_a_file_that_is_no_table_is_refused_beside_the_field(content, name, words, manager):
    html = page_of(upload(manager, content, name), 409 if words in ("文件是空的", "列名重复", "比表头多") else 200)
    assert words in html
    assert ImportFile.objects.count() == 0


@pytest.mark.parametrize("content", ["名称\n", "客户名\n甲\n", "地区\n华北\n"])
def test_a_table_that_cannot_be_taken_says_why(content, manager):
    file = uploaded(manager, content.encode())
    response = manager.get(file.get_absolute_url(), follow=True)
    assert response.redirect_chain[-1][0] == "/import/"
    assert any(word in page_of(response) for word in ("没有数据行", "不认识的列", "缺少「名称」列"))
    for address in (f"/import/{file.pk}/refused/",):
        assert manager.post(address).status_code == 409
    assert manager.post(CARRY_OUT.format(file.pk)).status_code == 409


def test_script_in_cells_headers_and_names_is_shown_as_text(manager):
    bad = "<script>alert(1)</script>"
    file = uploaded(manager, table(HEAD, (bad, bad, "", bad, bad)), name=f"{bad.replace('/', '')}.csv")
    html = page_of(manager.get(file.get_absolute_url()))
    assert bad not in html
    assert bad in text(html)
    file = uploaded(manager, table(("名称", bad), ("甲", "乙")))
    assert bad not in page_of(manager.get(file.get_absolute_url(), follow=True))


def test_ones_files_are_nobody_elses_business(company, manager, sign_in):
    file = uploaded(manager)
    other = sign_in(company.supervisor)
    for address in (file.get_absolute_url(), CARRY_OUT.format(file.pk), f"/import/{file.pk}/refused/"):
        assert other.get(address).status_code == 404
    assert other.post(CARRY_OUT.format(file.pk), {"mode": "all"}).status_code == 404
    company.manager.groups.clear()
    assert manager.get(file.get_absolute_url()).status_code == 404
    assert manager.get("/import/").status_code == 403
    assert Customer.objects.count() == 0


def test_the_template_is_taken_back_as_it_is(manager):
    content = manager.post("/import/template/").content
    book = openpyxl.load_workbook(io.BytesIO(content))
    book.active.append([{"名称": "青岛水务", "地区": "华北"}.get(cell.value) for cell in book.active[1]])
    buffer = io.BytesIO()
    book.save(buffer)
    file = uploaded(manager, buffer.getvalue(), "模板.xlsx")
    assert "导入无误的 1 行" in page_of(manager.get(file.get_absolute_url()))


# Large files


@pytest.fixture
def large(monkeypatch):
    monkeypatch.setattr(import_job, "PREVIEWED_ROWS", 1)


def test_a_large_table_goes_to_a_worker_all_or_none(large, company, manager):
    response = upload(manager, GOOD)
    job = Job.objects.get()
    assert response["Location"] == f"/jobs/{job.pk}/"
    assert import_job.run(job) == "已新增客户 2 个，已存在 0 行。"
    assert import_job.run(job) == "已新增客户 0 个，已存在 2 行。"  # killed after writing and run again
    assert Customer.objects.filter(manager=company.manager).count() == 2


class Killed(BaseException):
    """Not caught by any except clause of a job: the worker is gone."""


@pytest.fixture
def killed(large, manager, monkeypatch):
    """A job whose worker was killed when all rows were inserted and nothing was committed."""

    def gone(*args):
        raise Killed

    upload(manager, GOOD)
    job = Job.objects.get()

    def run():
        with monkeypatch.context() as patch:
            patch.setattr(importing, "add_timeline_entries", gone)
            with pytest.raises(Killed):
                run_job.call(job.pk)
        return job

    return run


def test_an_import_killed_half_way_leaves_nothing_and_the_next_worker_brings_every_row_once(killed):
    job = killed()
    assert not Customer.objects.exists()
    assert not AuditEntry.objects.filter(verb="导入").exists()
    Job.objects.filter(pk=job.pk).update(heartbeat_at=timezone.now() - timedelta(hours=1))
    assert rescue_silent_jobs() == 1
    run_job.call(job.pk)
    job.refresh_from_db()
    assert (job.status, job.result) == ("done", "已新增客户 2 个，已存在 0 行。")
    assert sorted(Customer.objects.values_list("name", flat=True)) == ["烟台泵业", "青岛水务"]


def test_control_without_its_transaction_a_killed_import_leaves_rows(killed, monkeypatch):
    monkeypatch.setattr(importing, "transaction", SimpleNamespace(atomic=nullcontext))
    killed()
    assert Customer.objects.count() == 2


def test_a_large_table_with_errors_writes_nothing_and_gives_them_back(large, manager):
    upload(manager, BAD)
    job = Job.objects.get()
    assert "4 行有错误，什么都没有写入" in import_job.run(job)
    assert job.file_name == "错误行-名单.xlsx"
    rows = list(openpyxl.load_workbook(job.file).active.iter_rows(values_only=True))
    assert [row[0] for row in rows[1:]] == [3, 4, 5, 8]
    assert Customer.objects.count() == 0


def test_a_worker_checks_the_permission_again(large, company, manager):
    upload(manager, GOOD)
    company.manager.groups.clear()
    job = Job.objects.get()
    with pytest.raises(JobRefused, match="没有导入的权限"):
        import_job.run(Job.objects.get(pk=job.pk))


def test_files_are_forgotten_after_a_week(company):
    for days in (1, 8):
        file = ImportFile(owner=company.manager, name="a.csv", uploaded_at=timezone.now() - timedelta(days=days))
        file.file.save("a.csv", ContentFile(b"x"))
    old = Path(ImportFile.objects.order_by("uploaded_at").first().file.path)
    assert delete_old_uploads() == 1
    assert not old.exists()
    assert Path(ImportFile.objects.get().file.path).exists()


# Customers that are there already

NUMBERED = table(("销售系统客户编号", "名称"), ("C1", "自己的客户"), ("C2", "别人的客户"))


def test_beyond_ones_reach_a_customer_is_named_with_its_owner_and_nothing_is_taken_over(company, manager):
    mine = factories.CustomerFactory(name="自己的客户有限公司", manager=company.manager)
    theirs = factories.CustomerFactory(name="别人的客户", manager=company.stranger)
    file = uploaded(manager, NUMBERED)
    html = page_of(manager.get(file.get_absolute_url()))
    assert "第 3 行「别人的客户」：已是客户「别人的客户」（客户经理 外人甲），不在您的编辑范围内，没有改动。" in html
    assert theirs.number not in html
    assert theirs.get_absolute_url() not in html
    assert "补上 1 个编号" in html
    response = manager.post(CARRY_OUT.format(file.pk), {"mode": "all"}, follow=True)
    words = "已导入 0 个客户；2 行已存在；1 个已有客户补上了销售系统客户编号；不在您的编辑范围内 1 行。"
    assert words in page_of(response)
    numbers = [Customer.objects.get(pk=one.pk).external_number for one in (mine, theirs)]
    assert numbers == ["C1", ""]
    facts = AuditEntry.objects.filter(verb="导入", actor=company.manager).latest("pk").changes
    assert facts["不在您的编辑范围内"] == ["", "1"]


def test_a_worker_says_the_same_and_gives_the_rows_as_a_file(company, manager):
    factories.CustomerFactory(name="自己的客户", manager=company.manager)
    factories.CustomerFactory(name="别人的客户", manager=company.stranger)
    file = uploaded(manager, NUMBERED)
    job = import_job.start(file)
    words = import_job.run(job)
    assert words == (
        "已新增客户 0 个，已存在 2 行，1 个已有客户补上了销售系统客户编号，不在您的编辑范围内 1 行。"
        "1 行是已有的客户，请下载核对。"
    )
    rows = list(openpyxl.load_workbook(job.file).active.iter_rows(values_only=True))
    assert rows[1][:2] == (3, "别人的客户")
