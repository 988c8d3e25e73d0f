"""Spreadsheets in and out: nothing becomes a formula, nothing is lost, nothing odd kills a file."""

from __future__ import annotations

import contextlib
import gzip
import io
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.exchange import unreadable_files
from kit.exchange.cells import (
    ILLEGAL_CHARACTERS,
    escape_formula,
    is_formula,
    to_cell_value,
    to_csv_text,
    unescape_formula,
)
from kit.exchange.readers import UnreadableFile, read_table
from kit.exchange.writers import WRITERS, write_csv, write_xlsx

STEADY = settings(deadline=None, derandomize=True, database=None, max_examples=30)
FORMULAS = [
    "=1+1", "+86 10 5555", "-", "-1+2", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")', "=cmd|'/c calc'!A0",
    "＝1+1", "＋1", "－1", "＠SUM(A1)", "﹦1", "﹣1", "\ufeff=1", "\u200b=1", "\u2060\u202e@x", " =1",
    "\u00a0+1", "\u3000－1", "\n=1", "\ufe0f=1", "\u3164=1", "\u00ad\u200d＝1", "'=1",
]  # fmt: skip
CODES = ["007", "911100006000373410", "6222021234567890123", "0100", "1E5", "13800000000", "00"]


def written(file_format, headers, rows, title="客户"):
    target = io.BytesIO()
    count = WRITERS[file_format](target, headers, rows, title=title)
    return target.getvalue(), count


def back(tmp_path, file_format, rows):
    """The cells as the reader gives them after the writer wrote them."""
    headers = [f"列{n}" for n in range(max(map(len, rows)))]
    content, count = written(file_format, headers, rows)
    path = tmp_path / f"again.{file_format}"
    path.write_bytes(content)
    assert count == len(rows)
    return [[cells.get(header, "") for header in headers] for _, cells in read_table(path)]


def sheet_of(content):
    return openpyxl.load_workbook(io.BytesIO(content)).active


# Out


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_is_a_formula_in_a_workbook(text):
    cell = sheet_of(written("xlsx", ["a"], [[text]])[0])["A2"]
    assert cell.data_type == "s"
    assert cell.value == text.replace("\r", "_x000D_")  # as the format writes it, and Excel reads it


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_is_a_formula_in_csv(text):
    lines = written("csv", [text], [[text]])[0].decode("utf-8-sig")
    assert to_csv_text(text) == f"'{text}"
    assert lines.lstrip('"').startswith("'")


@pytest.mark.parametrize(
    "text", ["一=二", "2026-01-01", "’=1", "甲＝乙", "'", "''", "", "\u200b", "a\u200b=1", "—", "−1.5", "·@"]
)
def test_other_text_gets_no_apostrophe(text):
    assert to_csv_text(text) == text


@STEADY
@given(st.text(st.sampled_from("'=+-@＝＠\u200b\ufeff \t\r甲1"), max_size=6))
def test_a_guarded_text_is_no_formula_and_loses_exactly_its_guard(text):
    assert not is_formula(escape_formula(text))
    assert unescape_formula(escape_formula(text)) == text


@pytest.mark.parametrize("header", FORMULAS[:5])
def test_no_header_is_a_formula(header):
    cell = sheet_of(written("xlsx", [header], [])[0])["A1"]
    assert (cell.data_type, cell.value) == ("s", header)


def test_a_link_stays_text():
    links = ["https://example.com", "mailto:a@b.cn", "internal:Sheet1!A1"]
    sheet = sheet_of(written("xlsx", ["a"], [[link] for link in links])[0])
    assert [sheet.cell(row, 1).hyperlink for row in (2, 3, 4)] == [None] * 3
    assert [sheet.cell(row, 1).value for row in (2, 3, 4)] == links


@pytest.mark.parametrize("file_format", WRITERS)
def test_codes_keep_every_digit(tmp_path, file_format):
    assert back(tmp_path, file_format, [CODES]) == [CODES]


def test_codes_are_text_in_a_workbook():
    sheet = sheet_of(written("xlsx", CODES, [CODES])[0])
    assert [cell.value for cell in sheet[2]] == CODES


def test_numbers_and_dates_stay_what_they_are_in_a_workbook():
    row = [12, -5, Decimal("12.5000"), 0.25, date(2026, 1, 5), datetime(2026, 1, 5, 8, 30), None, True]
    cells = sheet_of(written("xlsx", ["x"] * 8, [row])[0])[2]
    assert [cell.data_type for cell in cells] == ["n", "n", "n", "n", "d", "d", "n", "s"]
    assert [cell.value for cell in cells] == [
        12, -5, 12.5, 0.25, datetime(2026, 1, 5), datetime(2026, 1, 5, 8, 30), None, "是",
    ]  # fmt: skip
    assert cells[4].number_format == "yyyy-mm-dd"


def test_numbers_stay_numbers_in_csv():
    row = [12, -5, Decimal("-12.5000"), Decimal("1E+3"), date(2026, 1, 5), datetime(2026, 1, 5, 8, 30), None, False]
    line = written("csv", ["x"] * 8, [row])[0].decode("utf-8-sig").splitlines()[1]
    assert line == "12,-5,-12.5000,1000,2026-01-05,2026-01-05 08:30,,否"


def test_times_are_those_of_shanghai():
    moment = datetime(2025, 12, 31, 16, 0, tzinfo=UTC)
    assert to_cell_value(moment) == datetime(2026, 1, 1)
    assert to_csv_text(moment) == "2026-01-01 00:00"


def test_csv_opens_in_chinese_excel():
    assert written("csv", ["名称"], [["甲"]])[0] == b"\xef\xbb\xbf" + "名称\r\n甲\r\n".encode()


def test_a_file_stays_open_for_its_owner_after_writing():
    target = io.BytesIO()
    write_csv(target, ["a"], [["b"]], title="")
    assert not target.closed


ODD = [
    "a\x00b", "\x0b\x0c\x1f", "\ud800甲\udfff", "\ufffe\uffff", "😀𠮷", "\x7f\u2028", "<b>&\"'</b>", "_x0041_", "]]>",
]  # fmt: skip


@pytest.mark.parametrize("file_format", WRITERS)
def test_no_odd_character_kills_an_export(tmp_path, file_format):
    expected = [["行", ILLEGAL_CHARACTERS.sub("", text)] for text in ODD]
    assert back(tmp_path, file_format, [["行", text] for text in ODD]) == expected


@pytest.mark.parametrize("file_format", WRITERS)
def test_a_text_longer_than_a_cell_is_cut(tmp_path, file_format):
    assert back(tmp_path, file_format, [["甲" * 40_000]]) == [["甲" * 32_767]]


@pytest.mark.parametrize("title", ["客户" * 30, "客户"])
def test_a_long_title_is_cut_to_what_a_sheet_may_be_called(title):
    assert sheet_of(written("xlsx", ["a"], [], title=title)[0]).title == title[:31]


@pytest.mark.parametrize("number", [float("nan"), Decimal("NaN"), float("inf")])
def test_no_odd_number_kills_an_export(number):
    assert written("xlsx", ["a"], [[number]])[1] == 1


@pytest.mark.parametrize("title", ["客户/订单", "[客户]", "客户：2026?", "'客户'"])
def test_no_odd_title_kills_an_export(title):
    assert written("xlsx", ["a"], [["b"]], title=title)[1] == 1


@pytest.mark.parametrize("file_format", WRITERS)
def test_an_empty_list_gives_a_file_with_headers(tmp_path, file_format):
    content, count = written(file_format, ["名称", "地区"], [])
    path = tmp_path / f"empty.{file_format}"
    path.write_bytes(content)
    assert count == 0
    assert list(read_table(path)) == []


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
PRINTABLE = TEXTS.filter(lambda text: not ILLEGAL_CHARACTERS.search(text) and "\r" not in text and text.strip())


@pytest.mark.parametrize("file_format", WRITERS)
def test_what_is_exported_comes_back(tmp_path_factory, file_format):
    @STEADY
    @given(st.lists(st.tuples(PRINTABLE, PRINTABLE), min_size=1, max_size=5))
    def comes_back(rows):
        found = back(tmp_path_factory.mktemp("x"), file_format, [list(row) for row in rows])
        plain = unescape_formula if file_format == "csv" else str
        assert [[plain(text) for text in row] for row in found] == [list(row) for row in rows]

    comes_back()


@STEADY
@given(st.text())
def test_no_csv_cell_begins_like_a_formula(text):
    assert not is_formula(to_csv_text(text))


# In


def table(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    return list(read_table(path))


PLAIN = "名称,地区\n甲公司,华北\n"
EXPECTED = [(2, {"名称": "甲公司", "地区": "华北"})]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_csv_is_read_in_the_usual_encodings_and_separators(tmp_path, encoding, separator, end):
    text = PLAIN.replace(",", separator).replace("\n", end)
    assert table(tmp_path, "a.csv", text.encode(encoding)) == EXPECTED


@pytest.mark.parametrize("bom", [b"\xff\xfe", b"\xfe\xff"])
def test_utf_16_is_read_in_both_byte_orders(tmp_path, bom):
    order = "le" if bom == b"\xff\xfe" else "be"
    assert table(tmp_path, "a.csv", bom + PLAIN.encode(f"utf-16-{order}")) == EXPECTED


@pytest.mark.parametrize("name", ["a.csv.gz", "A.CSV.GZ"])
def test_a_packed_csv_is_read(tmp_path, name):
    assert table(tmp_path, name, gzip.compress(PLAIN.encode())) == EXPECTED


def test_the_rarest_characters_survive_gb18030(tmp_path):
    text = "名称\n𠮷野\n"
    assert table(tmp_path, "a.csv", text.encode("gb18030")) == [(2, {"名称": "𠮷野"})]


def test_quoted_cells_may_hold_separators_quotes_and_lines(tmp_path):
    text = '名称,备注\n"甲, ""乙""","一\n二"\n'
    assert table(tmp_path, "a.csv", text.encode()) == [(2, {"名称": '甲, "乙"', "备注": "一\n二"})]


def test_empty_lines_are_left_out_and_counted(tmp_path):
    text = "名称,地区\n\n甲,华北\n , \n乙,\n"
    assert [(line, cells["名称"]) for line, cells in table(tmp_path, "a.csv", text.encode())] == [(3, "甲"), (5, "乙")]


def test_short_rows_and_unnamed_columns_are_taken_as_they_are(tmp_path):
    assert table(tmp_path, "a.csv", " 名称 ,,地区\n甲,x,华北\n乙\n".encode()) == [
        (2, {"名称": "甲", "地区": "华北"}),
        (3, {"名称": "乙"}),
    ]


def book(*rows):
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"strings_to_numbers": False}) as made:
        sheet = made.add_worksheet()
        day = made.add_format({"num_format": "yyyy-mm-dd"})
        for line, row in enumerate(rows):
            for column, value in enumerate(row):
                if isinstance(value, date):
                    sheet.write_datetime(line, column, value, day)
                elif value is not None:
                    sheet.write(line, column, value)
    return target.getvalue()


def test_a_workbook_is_read_as_the_user_sees_it(tmp_path):
    headers = ["文字", "整数", "小数", "日期", "时间", "空"]
    row = ["007", 12, 12.5, date(2026, 1, 5), datetime(2026, 1, 5, 8, 30), None]
    (found,) = table(tmp_path, "a.xlsx", book(headers, row))
    assert found == (2, dict(zip(headers, ["007", "12", "12.5", "2026-01-05", "2026-01-05 08:30:00", ""], strict=True)))


def test_empty_rows_of_a_workbook_keep_the_numbers_of_the_others(tmp_path):
    assert [line for line, _ in table(tmp_path, "a.xlsx", book(["名称"], ["甲"], [], [], ["乙"]))] == [2, 5]


def broken_sheet():
    """A workbook whose archive is sound and whose sheet is not."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book(["名称"], ["甲"]))) as sound, zipfile.ZipFile(target, "w") as broken:
        for name in sound.namelist():
            broken.writestr(name, b"<worksheet><sheetData><row" if "sheet1" in name else sound.read(name))
    return target.getvalue()


def archive(**members):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as made:
        for name, content in members.items():
            made.writestr(name, content)
    return target.getvalue()


PACKED = gzip.compress((PLAIN * 50).encode(), mtime=0)
UNREADABLE = {
    "an empty file": ("a.csv", b"", "文件是空的"),
    "only a byte order mark": ("a.csv", b"\xff\xfe", "文件是空的"),
    "only empty lines": ("a.csv", b"\n\n,,\n", "文件是空的"),
    "an empty packed file": ("a.csv.gz", gzip.compress(b""), "文件是空的"),
    "doubled headers": ("a.csv", "名称,地区, 名称\n".encode(), "列名重复：名称"),
    "doubled headers of a workbook": ("a.xlsx", book(["名称", "名称"]), "列名重复：名称"),
    "more cells than headers": ("a.csv", "名称\n甲\n乙,丙\n".encode(), "第 3 行有 2 列"),
    "too many columns": ("a.csv", ",".join(f"列{n}" for n in range(101)).encode(), "最多 100 列"),
    "no known encoding": ("a.csv", b"\x81\xff\xff,a\n", "认不出文件的编码"),
    "half a character of utf-16": ("a.csv", b"\xff\xfe" + "名称".encode("utf-16-le")[:-1], "认不出文件的编码"),
    "a cut packed file": ("a.csv.gz", PACKED[:-20], "压缩文件已损坏"),
    "a packed file that is none": ("a.csv.gz", PLAIN.encode(), "压缩文件已损坏"),
    "a packed file with a wrong sum": ("a.csv.gz", PACKED[:-6] + b"\x00" + PACKED[-5:], "压缩文件已损坏"),
    "a workbook that is no archive": ("a.xlsx", PLAIN.encode(), "文件不是有效的 xlsx 工作簿"),
    "an empty workbook file": ("a.xlsx", b"", "文件不是有效的 xlsx 工作簿"),
    "an archive that is no workbook": ("a.xlsx", archive(a="x"), "文件不是有效的 xlsx 工作簿"),
    "half a workbook": ("a.xlsx", book(["名称"])[:2000], "文件不是有效的 xlsx 工作簿"),
    "a workbook with a broken sheet": ("a.xlsx", broken_sheet(), "文件不是有效的 xlsx 工作簿"),
    "an empty sheet": ("a.xlsx", book(), "文件是空的"),
    "an old workbook": ("a.xls", b"\xd0\xcf\x11\xe0", "只能读取 .csv、.csv.gz 和 .xlsx 文件"),
    "no suffix": ("customers", PLAIN.encode(), "只能读取"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_file_that_cannot_be_read_says_why(tmp_path, case):
    name, content, message = UNREADABLE[case]
    with pytest.raises(UnreadableFile, match=message):
        table(tmp_path, name, content)


def test_a_packed_file_damaged_inside_says_so(tmp_path):
    with pytest.raises(UnreadableFile, match="压缩文件已损坏"):
        table(tmp_path, "a.csv.gz", PACKED[:10] + b"\xff" + PACKED[11:])


@pytest.mark.parametrize("name", ["missing.csv", "missing.csv.gz", "missing.xlsx"])
def test_a_file_that_is_not_there_says_so(tmp_path, name):
    with pytest.raises(UnreadableFile, match="打不开文件"):
        list(read_table(tmp_path / name))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"x" * 2000),
        ("a.csv.gz", gzip.compress(b"x" * 2000)),
        ("a.xlsx", archive(**{"xl/workbook.xml": "x" * 2000})),
    ],
    ids=["csv", "packed", "workbook"],
)
def test_a_file_larger_than_allowed_is_refused_before_it_is_parsed(tmp_path, monkeypatch, name, content):
    monkeypatch.setattr(unreadable_files, "MAX_UNPACKED", 1000)
    with pytest.raises(UnreadableFile, match="超过 200 MB"):
        table(tmp_path, name, content)


def test_a_workbook_does_not_read_other_files(tmp_path):
    (tmp_path / "secret").write_text("secret")
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book(["名称"], ["甲"]))) as sound, zipfile.ZipFile(target, "w") as evil:
        for name in sound.namelist():
            content = sound.read(name).decode()
            if "sharedStrings" in name:
                entity = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{tmp_path}/secret">]>'
                content = content.replace("<sst", f"{entity}<sst", 1).replace(">甲<", ">&e;<")
            evil.writestr(name, content)
    path = tmp_path / "a.xlsx"
    path.write_bytes(target.getvalue())
    try:
        rows = list(read_table(path))
    except UnreadableFile:
        return
    assert "secret" not in str(rows)


@STEADY
@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("x")
    for name in ("a.csv", "a.xlsx"):
        with contextlib.suppress(UnreadableFile):
            assert all(line > 1 for line, _ in table(folder, name, content))


def test_writers_return_the_number_of_rows():
    assert write_xlsx(io.BytesIO(), ["a"], ([n] for n in range(3)), title="x") == 3
    assert write_csv(io.BytesIO(), ["a"], ([n] for n in range(3)), title="x") == 3
