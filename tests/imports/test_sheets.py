"""Looking at sheets and reading their rows: chosen heads, repeated reading, memory, round trips."""

from __future__ import annotations

import csv
import io
import tracemalloc
from time import perf_counter

import openpyxl
import pytest
import xlsxwriter
import xlwt
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.exchange.cells import to_csv_text
from kit.imports import sheets
from kit.imports.header_rows import tidy_head
from kit.imports.sheets import UnreadableFile

from .odd_files import HEADS, ROWS, book_bytes, csv_text, workbook


@pytest.fixture
def upload(tmp_path):
    """Return a function that stores bytes as an upload."""

    def store(content: bytes):
        path = tmp_path / "upload"
        path.write_bytes(content)
        return path

    return store


def test_a_look_shows_each_visible_sheet_with_its_first_rows(upload):
    book = workbook(["客户台账"], HEADS, *ROWS, title="客户")
    book.create_sheet("空的")
    book.create_sheet("联系人").append(["姓名", "手机"])
    found = sheets.look(upload(book_bytes(book)), "客户.xlsx")
    assert [sheet.name for sheet in found.sheets] == ["客户", "联系人"]
    assert found.sheets[0].rows[0].cells == ("客户台账", "", "", "")
    assert found.sheets[0].rows[2].cells[0] == "青岛海天机械有限公司"
    assert [row.line for row in found.sheets[0].rows] == [1, 2, 3, 4]
    assert found.sheets[0].header_rows == (2,)
    assert "认出 4 个列名" in found.sheets[0].why
    assert "上方是标题" in found.sheets[0].why


def test_a_person_chooses_another_row_of_heads(upload):
    path = upload(book_bytes(workbook(["地区", "说明"], ["名号", "坐落"], ["海天", "青岛"])))
    table = sheets.read(path, "客户.xlsx", header_rows=[2])
    assert [head.text for head in table.heads] == ["名号", "坐落"]
    assert [row.cells for row in table] == [("海天", "青岛")]
    assert [skipped.line for skipped in table.skipped] == [1]


def test_a_person_says_that_there_are_no_heads(upload):
    table = sheets.read(upload(csv_text(HEADS, *ROWS).encode()), "客户.csv", header_rows=[])
    assert [head.shown for head in table.heads][:2] == ["A 列（没有列名）", "B 列（没有列名）"]
    assert [row.line for row in table] == [1, 2, 3]
    assert table.notes == ["A、B、C、D 列有内容，没有列名：请选它们对应什么，或忽略。"]


@pytest.mark.parametrize(
    ("sheet", "lines", "message"), [("没有", None, "没有可见的工作表「没有」"), ("客户", [9], "是空的")]
)
def test_a_choice_that_is_gone_is_refused(upload, sheet, lines, message):
    with pytest.raises(UnreadableFile, match=message):
        sheets.read(upload(book_bytes(workbook(HEADS, *ROWS))), "客户.xlsx", sheet, lines)


def test_a_hidden_sheet_cannot_be_chosen(upload):
    book = workbook(HEADS, *ROWS)
    book.create_sheet("工资").append(["姓名"])
    book["工资"].sheet_state = "veryHidden"
    with pytest.raises(UnreadableFile, match="没有可见的工作表"):
        sheets.read(upload(book_bytes(book)), "客户.xlsx", "工资")


def test_a_table_is_read_again_with_the_same_account(upload):
    path = upload(book_bytes(workbook(HEADS, *ROWS, ["合计", None, None, 1700])))
    table = sheets.read(path, "客户.xlsx")
    next(iter(table))  # a reader that stops early leaves nothing behind
    first, skipped, notes = list(table), list(table.skipped), table.notes
    assert list(table) == first
    assert (table.skipped, table.notes, table.row_count) == (skipped, notes, 2)
    assert table.skipped_counts == {"合计行": 1}
    assert table.skipped[0].text == "合计 1700"


def test_samples_are_the_filled_cells_of_the_first_rows(upload):
    table = sheets.read(upload(csv_text(["客户", "地区"], ["甲公司", ""], ["乙公司", "青岛"]).encode()), "客户.csv")
    assert table.samples() == [["甲公司", "乙公司"], ["青岛"]]
    assert table.samples(1) == [["甲公司"], []]


def test_many_total_rows_are_counted_and_the_first_named(upload):
    rows = [row for number in range(300) for row in ([f"公司{number}", "青岛"], ["小计", "1"])]
    table = sheets.read(upload(csv_text(["客户", "地区"], *rows).encode()), "客户.csv")
    assert sum(1 for _ in table) == 300
    assert table.skipped_counts == {"合计行": 300}
    assert len(table.skipped) == 200


def test_a_nameless_column_that_begins_late_is_named(upload):
    rows = [["甲", "青岛"]] * 400
    book = workbook(["客户名称", "地区"], *rows)
    book.active["D300"] = "补充"
    table = sheets.read(upload(book_bytes(book)), "客户.xlsx")
    assert sum(1 for _ in table) == 400
    assert "D 列没有列名，没有读取：第 300 行「补充」。" in table.notes


@pytest.mark.parametrize(
    "name", ["合计机械有限公司", "青岛总计科技有限公司", "天津小计商贸", "注胶机械厂", "一汽解放青岛公司"]
)
def test_a_company_with_a_word_of_totals_or_notes_in_its_name_is_a_record(upload, name):
    table = sheets.read(upload(csv_text(HEADS, [name, "青岛", "", ""], [name, "", "", ""]).encode()), "客户.csv")
    assert [row.cells[0] for row in table] == [name, name]


@pytest.mark.parametrize(
    "text",
    [
        "注：含税",
        "备注: 见附件",
        "说明：仅供内部",
        "制表：王芳",
        "审核人：李",
        "数据来源：ERP",
        "截止 2026-11-30",
        "第 2 页",
        "以下空白",
    ],
)
def test_notes_outside_the_table_are_no_records(upload, text):
    table = sheets.read(upload(csv_text(HEADS, ROWS[0], [text, "", "", ""]).encode()), "客户.csv")
    assert len(list(table)) == 1
    assert table.skipped[0].why == "表格外的说明"


def test_in_a_table_of_one_column_nothing_is_taken_for_a_note(upload):
    table = sheets.read(upload("公司名称\n说明书印刷厂\n单位：三厂\n".encode()), "客户.csv")
    assert [row.cells for row in table] == [("说明书印刷厂",), ("单位：三厂",)]


@pytest.mark.parametrize(
    ("head", "tidy"),
    [
        ("联系\n电话", "联系电话"),
        ("联系 \r\n 电话", "联系电话"),
        ("Company\nName", "Company Name"),
        ("  客户  名称 ", "客户 名称"),
        ("客\u200b户", "客户"),
        ("注册资本\n（万元）", "注册资本（万元）"),
    ],
)
def test_heads_stand_on_one_line(head, tidy):
    assert tidy_head(head) == tidy


def test_an_xls_of_several_sheets_with_errors_and_booleans(upload):
    book = xlwt.Workbook()
    book.add_sheet("空")
    sheet = book.add_sheet("名单")
    for line, row in enumerate(
        [["客户名称", "在用", "电话"], ["甲公司", True, 13800001234.0], ["乙公司", False, 0.1 + 0.2]]
    ):
        for column, value in enumerate(row):
            sheet.write(line, column, value)
    sheet.write(3, 0, "丙公司")
    sheet.row(3).set_cell_error(1, 42)
    sheet.row(2).hidden = True
    stream = io.BytesIO()
    book.save(stream)
    table = sheets.read(upload(stream.getvalue()), "客户.xls")
    rows = list(table)
    assert [row.cells for row in rows] == [
        ("甲公司", "TRUE", "13800001234"),
        ("乙公司", "FALSE", "0.3"),
        ("丙公司", "#N/A", ""),
    ]
    assert "B4 的「#N/A」" in rows[2].faults[1]
    assert "隐藏的行也读取了：第 3 行。" in table.notes


def test_a_tag_that_never_ends_is_refused_at_once(upload):
    started = perf_counter()
    with pytest.raises(UnreadableFile, match="不完整"):
        sheets.look(upload(b"<table><tr><td>" + b"<!-- " + b"x" * 20_000_000), "客户.xls")
    assert perf_counter() - started < 20


CELL = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Co"]), max_size=20).map(str.strip)
NAME = st.text(st.sampled_from("海天暄和榕峰泽昌"), min_size=2, max_size=8).map(lambda text: f"{text}公司")
TABLES = st.lists(st.tuples(NAME, CELL, CELL), min_size=1, max_size=8)


def is_usual(row: tuple[str, ...]) -> bool:
    return not any(sheets.is_total_row([cell]) or cell.startswith("#") for cell in row)


@settings(max_examples=60, deadline=None)
@given(TABLES, st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]), st.sampled_from(",;\t"))
def test_every_csv_gives_back_what_was_written(tmp_path_factory, rows, encoding, sign):
    rows = [row for row in rows if is_usual(row)]
    stream = io.StringIO()
    guarded = [[to_csv_text(text) for text in row] for row in rows]
    csv.writer(stream, delimiter=sign, quoting=csv.QUOTE_ALL).writerows([["客户名称", "地区", "行业"], *guarded])
    path = tmp_path_factory.mktemp("csv") / "upload"
    path.write_bytes(stream.getvalue().encode(encoding))
    assert [row.cells for row in sheets.read(path, "客户.csv")] == rows


@settings(max_examples=40, deadline=None)
@given(TABLES, st.integers(0, 4))
def test_every_xlsx_gives_back_what_was_written(tmp_path_factory, rows, titles):
    rows = [row for row in rows if is_usual(row)]
    path = tmp_path_factory.mktemp("xlsx") / "upload"
    book = xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet("客户")
    for line in range(titles):
        sheet.write_string(line, 0, f"标题 {line}")
    for line, row in enumerate([("客户名称", "地区", "行业"), *rows], titles):
        for column, text in enumerate(row):
            sheet.write_string(line, column, text)
    book.close()
    table = sheets.read(path, "客户.xlsx")
    assert [row.cells for row in table] == rows
    assert [row.line for row in table] == [titles + 2 + place for place in range(len(rows))]
    assert len(table.skipped) == titles


BIG = 100_000


def big_csv(path) -> None:
    heads = [*HEADS, *(f"扩展{number}" for number in range(11))]
    line = ",".join(["唐山暄和玻璃制品有限公司", "河北省唐山市", "0315-55551274", "500", *["四季度检修"] * 11]) + "\n"
    with path.open("w", encoding="gb18030") as stream:
        stream.write(",".join(heads) + "\n")
        stream.writelines(line for _ in range(BIG))


def test_a_hundred_thousand_rows_stream_in_little_memory(tmp_path):
    path = tmp_path / "upload"
    big_csv(path)
    started = perf_counter()
    assert sum(1 for _ in sheets.read(path, "客户.csv")) == BIG
    assert BIG / (perf_counter() - started) >= 5_000
    tracemalloc.start()
    try:
        assert sum(1 for _, _ in zip(sheets.read(path, "客户.csv"), range(20_000), strict=False)) == 20_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 40_000_000


def test_an_xlsx_streams_in_little_memory(tmp_path):
    path = tmp_path / "upload"
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("客户")
    sheet.append(HEADS)
    for number in range(10_000):
        sheet.append([f"公司{number}", "唐山", "0315-55551274", 500])
    book.save(path)
    tracemalloc.start()
    try:
        assert sum(1 for _ in sheets.read(path, "客户.xlsx")) == 10_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000
