"""Imports of tables as they come: every cell is stored correctly, refused, or named as skipped, and never changed."""

from __future__ import annotations

import io
from contextlib import suppress
from datetime import date
from decimal import Decimal

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from customers.imports import tasks as import_job
from customers.imports.importing import CustomerImport
from customers.imports.results import ImportRefused
from customers.models import Customer, ImportFile
from customers.names import normalize
from kit.domain.shortened_numbers import SHORTENED_REFUSED
from kit.exchange.readers import UnreadableFile
from kit.jobs.models import Job
from tests.customers.tables import run, table
from tests.exports import export
from tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db


def checked(path, manager):
    task = CustomerImport(manager=manager)
    task.read(path)
    return task


def sheet(tmp_path, *rows, merged=(), prepare=None, name="a.xlsx"):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for place in merged:
        book.active.merge_cells(place)
    if prepare:
        prepare(book)
    book.save(tmp_path / name)
    return tmp_path / name


# Shortened numbers


NUMBERED = [
    "电话", "传真", "银行账号", "统一社会信用代码", "销售系统客户编号", "邮政编码", "地税登记号", "国税登记号",
]  # fmt: skip


@pytest.mark.parametrize("column", NUMBERED)
@pytest.mark.parametrize("text", ["1.38E+10", "6.22848E+18"])
def test_shortened_numbers_are_refused_in_exactly_these_words(tmp_path, owner, column, text):
    _, reasons = run(table(tmp_path, [["甲", text]], headers=["名称", column]))
    assert len(reasons) == 1
    assert reasons[0].startswith("第 2 行「" + column)
    assert reasons[0].endswith("：" + SHORTENED_REFUSED)


def test_a_shortened_number_is_never_taken_over_by_a_known_customer(tmp_path, owner):
    CustomerFactory(name="甲", manager=owner)
    _, reasons = run(table(tmp_path, [["甲", "9.13702E+17"]], headers=["名称", "销售系统客户编号"]))
    assert reasons == [f"第 2 行「销售系统客户编号」：{SHORTENED_REFUSED}"]


def test_the_form_of_the_screen_refuses_it_beside_the_field(company, sign_in):
    customer = CustomerFactory(manager=company.manager, by=company.manager)
    client = sign_in(company.manager)
    html = client.post(f"/customers/{customer.pk}/contacts/new/", {"name": "王", "mobile": "1.38E+10"}).text
    assert SHORTENED_REFUSED in html


# Units


@pytest.mark.parametrize(
    ("head", "text", "stored"),
    [
        ("注册资本（元）", "5000000", "500"), ("注册资本(万元)", "500", "500"), ("年营业额[亿元]", "1.5", "15000"),
        ("注册资本（千元）", "70", "7"), ("注册资本（百万元）", "5", "500"), ("注册资本（元）", "500万", "500"),
        ("年营业额", "3亿", "30000"), ("注册资本", "99999", "99999"), ("注册资本（万元）", "100000", "100000"),
        ("注册资本（元）", "5,000,000", "500"), ("注册资本（元）", "5000000.00", "500"),
    ],
)  # fmt: skip
def test_sums_are_stored_in_the_unit_of_the_field(tmp_path, owner, head, text, stored):
    message, reasons = run(table(tmp_path, [["甲", text]], headers=["名称", head]))
    customer = Customer.objects.get()
    assert (reasons, customer.registered_capital or customer.annual_turnover) == ([], Decimal(stored))
    if "万元" not in head.replace("百万元", ""):
        assert "换算" in message or "没有写单位" in message


def test_what_is_more_exact_than_the_field_is_refused_and_never_rounded(tmp_path, owner):
    _, reasons = run(table(tmp_path, [["甲", "1234567"]], headers=["名称", "注册资本（元）"]))
    assert reasons == ["第 2 行「注册资本」：「1234567」合 123.4567 万元，小数点后最多 2 位，请改写。"]


def test_a_head_without_unit_beside_a_sum_like_one_in_yuan_is_refused_for_the_whole_column(tmp_path, owner):
    rows = [["甲", "50000"], ["乙", "5000000"], ["丙", ""], ["丁", "5万元"]]
    _, reasons = run(table(tmp_path, rows, headers=["名称", "注册资本"]))
    assert [reason.partition("：")[0] for reason in reasons] == ["第 2 行「注册资本」", "第 3 行「注册资本」"]
    assert "请把列名写成「注册资本（元）」或「注册资本（万元）」" in reasons[0]


def test_sums_shown_as_yuan_under_a_head_without_unit_are_refused_and_shown_units_count(tmp_path, owner):
    def dress(book):
        book.active["B2"].number_format, book.active["B3"].number_format = '0.00"元"', "¥#,##0.00"

    _, reasons = run(sheet(tmp_path, ["名称", "注册资本"], ["甲", 50000], ["乙", 50000], prepare=dress))
    assert [reason.partition("：")[0] for reason in reasons] == ["第 3 行「注册资本」"]
    run(sheet(tmp_path, ["名称", "注册资本"], ["甲", 50000], prepare=dress_one))
    assert Customer.objects.get().registered_capital == 5


def dress_one(book):
    book.active["B2"].number_format = '0.00"元"'


def test_another_currency_is_refused(tmp_path, owner):
    assert "只能导入人民币" in run(table(tmp_path, [["甲", "5"]], headers=["名称", "注册资本（万美元）"]))[0]


def test_template_export_and_refused_rows_carry_the_unit_in_their_heads(company, sign_in):
    CustomerFactory(manager=company.manager, by=company.manager)
    client = sign_in(company.manager)

    def heads(address):
        content = export(client, address, "xlsx").content
        return [cell.value for cell in openpyxl.load_workbook(io.BytesIO(content)).active[1]]

    wanted = {"注册资本（万元）", "年营业额（万元）"}
    assert wanted <= set(heads("/import/template/"))
    assert wanted <= set(heads("/customers/"))
    content = "名称,注册资本,年营业额（元）\n甲,5,x\n".encode()
    client.post("/import/", {"file": SimpleUploadedFile("a.csv", content)})
    refused = heads(f"/import/{ImportFile.objects.get().pk}/refused/")
    assert refused == ["行号", "原因与改法", "名称", "注册资本（万元）", "年营业额（元）"]


def test_refused_rows_can_be_corrected_and_uploaded_again(company, sign_in):
    client = sign_in(company.manager)
    client.post("/import/", {"file": SimpleUploadedFile("a.csv", "名称,地区\n甲,月球\n".encode())})
    book = openpyxl.load_workbook(io.BytesIO(client.post(f"/import/{ImportFile.objects.get().pk}/refused/").content))
    book.active["D2"] = "华北"
    target = io.BytesIO()
    book.save(target)
    client.post("/import/", {"file": SimpleUploadedFile("b.xlsx", target.getvalue())})
    assert "导入无误的 1 行" in client.get(ImportFile.objects.latest("pk").get_absolute_url()).text


# Dates


def test_months_are_counted_and_days_out_of_reach_refused_with_a_proposal(tmp_path, owner):
    texts = ["202403", "2024.3", "2024年3月", "45356", "2454-02-26", "05-3-24"]
    rows = [[f"客户{n}", text] for n, text in enumerate(texts)]
    message, reasons = run(table(tmp_path, rows[:4], headers=["名称", "建立合作日期"]))
    assert "「建立合作日期」只写了年月，按当月 1 日：第 2 行、第 3 行、第 4 行。" in message
    days = list(Customer.objects.order_by("pk").values_list("cooperation_since", flat=True))
    assert (reasons, days) == ([], [*[date(2024, 3, 1)] * 3, date(2024, 3, 5)])
    _, reasons = run(table(tmp_path, rows[4:], headers=["名称", "建立合作日期"]))
    assert "是不是 2024-03" in reasons[0]
    assert "请写成 2005-03-24" in reasons[1]


def test_years_of_two_digits_are_read_and_said(tmp_path, owner):
    message, reasons = run(table(tmp_path, [["海河", "24-3-5"]], headers=["名称", "建立合作日期"]))
    assert (reasons, Customer.objects.get().cooperation_since) == ([], date(2024, 3, 5))
    assert "「建立合作日期」的年份只有两位，按年在前面读取：第 2 行。" in message


def test_the_form_of_the_screen_proposes_the_month_too(company, sign_in):
    customer = CustomerFactory(manager=company.manager, by=company.manager)
    html = sign_in(company.manager).post(f"/customers/{customer.pk}/edit/", {"cooperation_since": "2454-02-26"}).text
    assert "是不是 2024-03" in html


def test_days_counted_from_1904_are_correct_and_stay_so_among_the_refused(company, sign_in, tmp_path):
    def begin(book):
        book.epoch = CALENDAR_MAC_1904
        book.active["C3"].number_format = "General"

    rows = ["名称", "地区", "建立合作日期"], ["甲", "华北", date(2024, 3, 5)], ["乙", "月球", 43894]
    path = sheet(tmp_path, *rows, prepare=begin)
    task = checked(path, company.manager)
    assert [row.customer.cooperation_since for row in task.rows] == [date(2024, 3, 5)]
    client = sign_in(company.manager)
    client.post("/import/", {"file": SimpleUploadedFile("a.xlsx", path.read_bytes())})
    content = client.post(f"/import/{ImportFile.objects.get().pk}/refused/").content
    assert openpyxl.load_workbook(io.BytesIO(content)).active["E2"].value == "2024-03-05"


# Cells, rows, and where the notes are shown


def test_errors_and_names_over_lines_are_refused_by_their_cell(tmp_path, owner):
    path = sheet(tmp_path, ["名称", "电话"], ["甲", "#N/A"], ["乙\n丙", "1"])
    _, reasons = run(path)
    assert reasons[0].startswith("第 2 行「电话」：单元格里是表格软件的错误值")
    assert reasons[1].startswith("第 3 行「名称」：名称里有换行")


def untidy(tmp_path):
    def hide(book):
        book.create_sheet("旧", 0).append(["名称"])
        book["旧"].sheet_state = "hidden"
        book.active = 1

    rows = ["客户名单"], ["名称", "注册资本（元）"], ["甲", 5_000_000], ["合计", 5_000_000]
    return sheet(tmp_path, *rows, prepare=hide)


NOTES = [
    "隐藏的工作表没有读取：「旧」。",
    "表头上方的行没有读取：第 1 行「客户名单」。",
    "合计行没有读取：第 4 行「合计」「5000000」。",
    "列「注册资本（元）」已从元换算为万元。",
]


def test_the_page_of_the_check_shows_the_notes_before_and_after(company, sign_in, tmp_path):
    client = sign_in(company.manager)
    client.post("/import/", {"file": SimpleUploadedFile("a.xlsx", untidy(tmp_path).read_bytes())})
    upload = ImportFile.objects.get()
    assert all(note in client.get(upload.get_absolute_url()).text for note in NOTES)
    client.post(f"/import/{upload.pk}/carry-out/", {"mode": "all"})
    upload.refresh_from_db()
    assert upload.notes == NOTES
    assert all(note in client.get(upload.get_absolute_url()).text for note in NOTES)
    assert Customer.objects.get().registered_capital == 500


def test_the_page_of_the_job_shows_them(company, sign_in, tmp_path, monkeypatch):
    monkeypatch.setattr(import_job, "PREVIEWED_ROWS", 0)
    client = sign_in(company.manager)
    client.post("/import/", {"file": SimpleUploadedFile("a.xlsx", untidy(tmp_path).read_bytes())})
    job = Job.objects.get()
    job.finish(import_job.run(job))
    assert Job.objects.get().notes == NOTES
    assert all(note in client.get(f"/jobs/{job.pk}/").text for note in NOTES)


def test_the_command_prints_them(tmp_path, owner):
    message, _ = run(untidy(tmp_path))
    assert all(note in message for note in NOTES)


def test_a_table_with_too_many_rows_is_refused(tmp_path, owner, monkeypatch):
    monkeypatch.setattr("customers.imports.importing.MAX_ROWS", 1)
    assert "最多一次导入 1 行" in run(table(tmp_path, [["甲", ""], ["乙", ""]]))[0]


# Any sheet


NAME = st.text("海河水务北方仪表甲乙丙丁AB（）", min_size=2, max_size=8).map(lambda text: f"客户{text}")
PHONE = st.sampled_from([
    ("13800000000", True), ("022-5555 0000", True), ("", True), ("1.38E+10", False), ("#N/A", False)
])  # fmt: skip
DAY = st.sampled_from([
    ("2024-03-05", date(2024, 3, 5)), ("202403", date(2024, 3, 1)), ("2024.3", date(2024, 3, 1)),
    ("45356", date(2024, 3, 5)),
    ("2024年3月5日", date(2024, 3, 5)), ("20240305", date(2024, 3, 5)), ("", None),
    ("24-3-5", date(2024, 3, 5)), ("05-3-24", "refused"),
    ("2454-02-26", "refused"), ("202399", "refused"),
])  # fmt: skip
UNIT = st.sampled_from([("元", 1), ("千元", 1_000), ("万元", 10_000), ("百万元", 1_000_000), ("亿元", 100_000_000)])
SUM = st.integers(0, 10**9)
ROW = st.tuples(NAME, PHONE, DAY, SUM)
SHEET = st.fixed_dictionaries({
    "rows": st.lists(ROW, min_size=1, max_size=5, unique_by=lambda row: normalize(row[0])), "unit": UNIT,
    "titles": st.integers(0, 2), "total": st.booleans(), "hidden": st.booleans(), "extra": st.booleans(),
    "merged": st.booleans(),
})  # fmt: skip


def put_down(folder, made, file_format):
    """Writes the table; returns its path and the line of its head."""
    rows = [[f"名单 {n}"] for n in range(made["titles"])]
    rows.append(["名称", "电话", "建立合作日期", f"注册资本（{made['unit'][0]}）", "地区"])
    rows += [[name, phone[0], day[0], amount, "" if n and made["merged"] else "华北"]
             for n, (name, phone, day, amount) in enumerate(made["rows"])]  # fmt: skip
    head = made["titles"] + 1
    if made["total"]:
        rows.append(["合计", "", "", sum(row[3] for row in made["rows"])])
    if file_format == "csv":
        return table(folder, rows[1:], headers=rows[0]), head
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append([None if cell == "" else cell for cell in row])
    if made["merged"] and len(made["rows"]) > 1:
        book.active.merge_cells(f"E{head + 1}:E{head + len(made['rows'])}")
    if made["extra"]:
        book.active[f"G{head + 1}"] = "无名"
    if made["hidden"]:
        book.create_sheet("旧", 0).append(["名称"])
        book["旧"].append(["旧客户"])
        book["旧"].sheet_state = "hidden"
        book.active = 1
    book.save(folder / "a.xlsx")
    return folder / "a.xlsx", head


def expected(row, unit):
    """Return what must be stored; None when the row must be refused."""
    name, (phone, is_sound), (_, day), amount = row
    capital = Decimal(amount * unit) / 10_000
    if not is_sound or day == "refused" or capital != capital.quantize(Decimal("0.01")) or capital >= 10**12:
        return None
    return name, phone, day, capital


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_every_cell_of_any_sheet_is_stored_correctly_refused_or_named(tmp_path_factory, owner, file_format):
    @settings(deadline=None, derandomize=True, database=None, max_examples=40,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(SHEET)
    def holds(made):
        path, head = put_down(tmp_path_factory.mktemp("x"), made, file_format)
        task = checked(path, owner)
        refused, notes = set(task.refused_lines), "".join(task.notes)
        by_line = {row.line: row.customer for row in task.rows if row.line not in refused}
        for line, row in enumerate(made["rows"], start=head + 1):
            if wanted := expected(row, made["unit"][1]):
                got = by_line.pop(line)
                assert (got.name, got.phone, got.cooperation_since, got.registered_capital) == wanted
                if file_format == "xlsx" or line == head + 1 or not made["merged"]:
                    assert str(got.region) == "华北"
            else:
                assert line in refused
        assert not by_line
        assert notes.count("表头上方") == (made["titles"] > 0)
        assert notes.count("合计行") == made["total"]
        if file_format == "xlsx":
            assert notes.count("隐藏的工作表") == made["hidden"]
            assert notes.count("「无名」") == made["extra"]
            assert notes.count("合并的单元格已填入") == (made["merged"] and len(made["rows"]) > 1)

    holds()


TEXT = st.text(st.sampled_from('甲乙,;\t"\n'), max_size=6)


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4))
@settings(deadline=None, derandomize=True, database=None, max_examples=150, suppress_health_check=list(HealthCheck))
def test_no_quote_makes_one_name_of_several_lines(tmp_path_factory, rows):
    """Typed by hand, without the quoting of a program: what is taken stands on one line of the file."""
    text = "名称,地区\n" + "".join(f"{a},{b}\n" for a, b in rows)
    path = tmp_path_factory.mktemp("x") / "a.csv"
    path.write_text(text, encoding="utf-8")
    task = CustomerImport()
    with suppress(UnreadableFile, ImportRefused):
        task.read(path)
    assert all("\n" not in row.customer.name for row in task.rows)
