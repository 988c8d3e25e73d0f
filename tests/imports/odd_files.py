"""Odd files as offices have them, made by code, each with what becomes of it."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime

import openpyxl
import xlwt

HEADS = ["客户名称", "地区", "客户电话", "注册资本（万元）"]
ROWS = [
    ["青岛海天机械有限公司", "青岛", "0532-88881234", "500"],
    ["唐山暄和玻璃制品有限公司", "唐山", "13800001234", "1200"],
]
GOOD = [tuple(row) for row in ROWS]


@dataclass(frozen=True)
class OddFile:
    """A file and what becomes of it. refused: a piece of the message; else heads and rows as they are read.

    skipped: {line: why}; notes, faults: pieces of what is said of the table and of (line, place of the head).
    """

    name: str
    make: Callable[[], bytes]
    refused: str = ""
    heads: tuple[str, ...] = tuple(HEADS)
    rows: list[tuple[str, ...]] = field(default_factory=lambda: list(GOOD))
    skipped: dict[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    faults: dict[tuple[int, int], str] = field(default_factory=dict)
    problems: dict[int, str] = field(default_factory=dict)
    sheet: str = ""


ODD_FILES: dict[str, OddFile] = {}


def odd(title: str, name: str = "客户.xlsx", **expected):
    """Register a builder under what is odd about its file."""

    def register(make):
        assert title not in ODD_FILES, title
        ODD_FILES[title] = OddFile(name, make, **expected)
        return make

    return register


def book_bytes(book: openpyxl.Workbook) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def workbook(*rows: list, title: str = "客户") -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    return book


def plain() -> openpyxl.Workbook:
    return workbook(HEADS, *ROWS)


def csv_text(*rows: list, sign: str = ",") -> str:
    return "".join(sign.join(row) + "\r\n" for row in rows)


TABLE = csv_text(HEADS, *ROWS)


# Encodings and separators


@odd("a csv in GB18030", "客户.csv")
def gb18030() -> bytes:
    return TABLE.encode("gb18030")


@odd("a csv in UTF-8 with a mark", "客户.csv")
def utf8_mark() -> bytes:
    return TABLE.encode("utf-8-sig")


@odd("a csv in UTF-16 with tabs, as 'Unicode text' is saved", "客户.txt")
def utf16() -> bytes:
    return csv_text(HEADS, *ROWS, sign="\t").encode("utf-16")


@odd("a csv in UTF-16 without a mark", "客户.csv")
def utf16_bare() -> bytes:
    return TABLE.encode("utf-16-le")


@odd("a csv with semicolons", "客户.csv")
def semicolons() -> bytes:
    return csv_text(HEADS, *ROWS, sign=";").encode("utf-8")


@odd("a csv with bars", "客户.csv")
def bars() -> bytes:
    return csv_text(HEADS, *ROWS, sign="|").encode("utf-8")


@odd("a csv that says its separator in the first line", "客户.csv", skipped={1: "列名上方的行"})
def separator_line() -> bytes:
    return ("sep=;\r\n" + csv_text(HEADS, *ROWS, sign=";")).encode("utf-8-sig")


@odd("a text with tabs called .xls", "客户.xls")
def tabs_called_xls() -> bytes:
    return csv_text(HEADS, *ROWS, sign="\t").encode("gb18030")


@odd("a gzipped csv", "客户.csv.gz")
def gzipped() -> bytes:
    return gzip.compress(TABLE.encode("utf-8"))


@odd("line ends of an old Mac", "客户.csv")
def mac_line_ends() -> bytes:
    return TABLE.replace("\r\n", "\r").encode("utf-8")


@odd("an xlsx called .xls", "客户.xls")
def xlsx_called_xls() -> bytes:
    return book_bytes(plain())


@odd("an xlsx called .csv", "客户.csv")
def xlsx_called_csv() -> bytes:
    return book_bytes(plain())


@odd("a quote that is never closed", "客户.csv", refused="第 2 行的引号没有配对")
def unclosed_quote() -> bytes:
    return csv_text(HEADS, ['"青岛海天', *ROWS[0][1:]], ROWS[1]).encode("utf-8")


@odd(
    "a row with a separator too many",
    "客户.csv",
    rows=[GOOD[0], ("唐山", "暄和", "唐山", "138")],
    problems={3: "比列名多"},
)
def separator_too_many() -> bytes:
    return csv_text(HEADS, ROWS[0], ["唐山", "暄和", "唐山", "138", "1200"]).encode("utf-8")


@odd("quoted cells with line breaks", "客户.csv", rows=[("青岛海天\n机械", "青岛", "1", "2")])
def quoted_breaks() -> bytes:
    return csv_text(HEADS, ['"青岛海天\n机械"', "青岛", "1", "2"]).encode("utf-8")


@odd("bytes in no encoding", "客户.csv", refused="编码")
def no_encoding() -> bytes:
    return TABLE.encode("gb18030") + b"\xff\xff\xff\x81"


# No table at all


@odd("an empty file", refused="文件是空的")
def empty() -> bytes:
    return b""


@odd("blank lines only", "客户.csv", refused="文件是空的")
def blanks() -> bytes:
    return b"\r\n\r\n  \r\n"


@odd("an empty sheet", refused="没有内容")
def empty_sheet() -> bytes:
    return book_bytes(openpyxl.Workbook())


@odd("a picture called .xlsx", refused="这是图片")
def picture() -> bytes:
    return b"\x89PNG\r\n\x1a\n" + bytes(100)


@odd("a PDF", "客户.pdf", refused="这是PDF")
def pdf() -> bytes:
    return b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj"


@odd("a damaged archive", refused="已损坏")
def damaged_archive() -> bytes:
    return book_bytes(plain())[:2000]


@odd("an archive with a damaged sheet", refused="不是有效的 xlsx")
def damaged_sheet() -> bytes:
    stream, source = io.BytesIO(), zipfile.ZipFile(io.BytesIO(book_bytes(plain())))
    with zipfile.ZipFile(stream, "w") as target:
        for item in source.infolist():
            content = source.read(item)
            target.writestr(item, content[:-80] if item.filename.endswith("sheet1.xml") else content)
    return stream.getvalue()


@odd("a zip of other files", "客户.zip", refused="这是压缩包")
def other_archive() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("客户.csv", TABLE)
    return stream.getvalue()


@odd("a Word document called .xlsx", refused="Word 文档")
def word_document() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", "<w/>")
    return stream.getvalue()


@odd("an OpenDocument sheet", "客户.ods", refused="ODS")
def opendocument() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", "<office/>")
    return stream.getvalue()


def compound_file(*streams: str) -> bytes:
    """Return a compound file whose directory names the streams, as a protected xlsx is kept in one."""
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6)
    return header.ljust(512, b"\0") + b"".join(name.encode("utf-16-le").ljust(128, b"\0") for name in streams)


@odd("a workbook with a password", refused="密码")
def with_password() -> bytes:
    return compound_file("Root Entry", "EncryptionInfo", "EncryptedPackage")


@odd("a damaged xls", "客户.xls", refused="不是有效的 xls")
def damaged_xls() -> bytes:
    return compound_file("Root Entry", "Workbook")


@odd("an XML table of 2003", "客户.xls", refused="2003 版的 XML")
def xml_2003() -> bytes:
    return (
        b'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>'
        b'<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"></Workbook>'
    )


# Old workbooks and web pages


@odd("an xls with dates, merged titles and a hidden sheet", "客户.xls",
     heads=("客户名称", "建立合作日期", "客户编号"), rows=[("青岛海天机械有限公司", "2024-03-05", "00123")],
     skipped={1: "列名上方的行"}, notes=("隐藏的工作表没有读取：「内部」",))  # fmt: skip
def old_workbook() -> bytes:
    book = xlwt.Workbook()
    hidden, sheet = book.add_sheet("内部"), book.add_sheet("客户")
    hidden.visibility, book.active_sheet = 1, 1
    hidden.write(0, 0, "秘密")
    sheet.write_merge(0, 0, 0, 2, "客户台账")
    for column, head in enumerate(["客户名称", "建立合作日期", "客户编号"]):
        sheet.write(1, column, head)
    sheet.write(2, 0, "青岛海天机械有限公司")
    sheet.write(2, 1, date(2024, 3, 5), xlwt.easyxf(num_format_str="yyyy-mm-dd"))
    sheet.write(2, 2, 123, xlwt.easyxf(num_format_str="00000"))
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


PAGE = (
    "<html><head><meta charset='{0}'><style>td {{color: red}}</style></head><body><table>"
    "<tr><td colspan=4>客户台账</td></tr>"
    "<tr><th>客户名称</th><th>地区</th><th>客户<br>电话</th><th>注册资本（万元）</th></tr>"
    "<tr><td>青岛海天机械有限公司<td>青岛<td>0532-88881234<td>500</tr>"
    "<tr><td>唐山暄和玻璃制品有限公司</td><td>唐山</td><td>13800001234</td><td>1200</td></tr></table></body></html>"
)


@odd("a web page called .xls", "客户.xls", skipped={1: "列名上方的行"})
def web_page() -> bytes:
    return PAGE.format("gb2312").encode("gb18030")


@odd("a web page in UTF-16 called .xls", "客户.xls", skipped={1: "列名上方的行"})
def web_page_utf16() -> bytes:
    return PAGE.format("utf-16").encode("utf-16")


@odd("a web page with cells over several rows", "客户.xls",
     rows=[(*GOOD[0][:1], "山东", *GOOD[0][2:]), (*GOOD[1][:1], "山东", *GOOD[1][2:])],
     notes=("合并的单元格已填入它的每一行",))  # fmt: skip
def web_page_spans() -> bytes:
    head = "".join(f"<td>{head}</td>" for head in HEADS)
    first = f"<td>{ROWS[0][0]}</td><td rowspan=2>山东</td><td>{ROWS[0][2]}</td><td>{ROWS[0][3]}</td>"
    second = f"<td>{ROWS[1][0]}</td><td>{ROWS[1][2]}</td><td>{ROWS[1][3]}</td>"
    return f"<table><tr>{head}</tr><tr>{first}</tr><tr>{second}</tr></table>".encode()


@odd("a web page without a table", "客户.xls", refused="没有表格")
def web_page_without_table() -> bytes:
    return "<html><body><p>请先登录</p></body></html>".encode()


# What stands around the table


@odd("titles above", skipped={1: "列名上方的行", 2: "列名上方的行"})
def titles_above() -> bytes:
    book = workbook(["山东大区客户台账（2026 年）"], ["制表：王芳", None, "2026-11-30"], [], HEADS, *ROWS)
    book.active.merge_cells("A1:D1")
    return book_bytes(book)


@odd("notes below", skipped={4: "表格外的说明", 6: "表格外的说明", 7: "表格外的说明"})
def notes_below() -> bytes:
    return book_bytes(workbook(HEADS, *ROWS, ["注：数据截至 2026 年 11 月"], [], ["制表人：王芳"], ["第 1 页 共 1 页"]))


@odd("total rows in the middle and at the end", skipped={3: "合计行", 5: "合计行", 6: "合计行"})
def totals() -> bytes:
    return book_bytes(
        workbook(
            HEADS,
            ROWS[0],
            ["山东小计", None, None, 500],
            ROWS[1],
            ["小 计", None, None, 1200],
            ["合计", None, None, 1700],
        )
    )


@odd("a total behind the number of the row", heads=("序号", *HEADS), rows=[("1", *GOOD[0]), ("2", *GOOD[1])],
     skipped={4: "合计行"})  # fmt: skip
def total_in_second_column() -> bytes:
    return book_bytes(workbook(["序号", *HEADS], [1, *ROWS[0]], [2, *ROWS[1]], [None, "合　计", None, None, 1700]))


@odd("heads repeated on every printed page", skipped={3: "重复的列名"})
def heads_repeated() -> bytes:
    return book_bytes(workbook(HEADS, ROWS[0], HEADS, ROWS[1]))


@odd("titles of sections", skipped={2: "分组标题", 4: "分组标题"})
def sections() -> bytes:
    book = workbook(HEADS, ["一、山东"], ROWS[0], ["河北片区客户"], ROWS[1])
    book.active.merge_cells("A4:D4")
    return book_bytes(book)


@odd("a row that tells how to fill in", skipped={2: "填写说明"})
def instructions() -> bytes:
    return book_bytes(workbook(HEADS, ["必填，全称", "必填", "选填", "选填"], *ROWS))


@odd("a title of one cell that is a company with a usual name", rows=[("青岛海天机械有限公司", "", "", ""), GOOD[1]])
def company_alone() -> bytes:
    return book_bytes(workbook(HEADS, ["青岛海天机械有限公司"], ROWS[1]))


@odd("a small table far down and to the right")
def far_away() -> bytes:
    book = openpyxl.Workbook()
    for line, row in enumerate([HEADS, *ROWS], 40):
        for column, value in enumerate(row, 9):
            book.active.cell(line, column, value)
    return book_bytes(book)


# Heads


@odd("heads over two lines, merged", heads=("客户名称", "联系人 › 姓名", "联系人 › 电话", "地区"),
     rows=[("青岛海天机械有限公司", "王芳", "13800001234", "青岛")])  # fmt: skip
def two_lines() -> bytes:
    book = workbook(
        ["客户名称", "联系人", None, "地区"],
        [None, "姓名", "电话", None],
        ["青岛海天机械有限公司", "王芳", "13800001234", "青岛"],
    )
    for area in ("A1:A2", "B1:C1", "D1:D2"):
        book.active.merge_cells(area)
    return book_bytes(book)


@odd("heads over two lines in a csv", "客户.csv", heads=("客户名称", "联系人 › 姓名", "联系人 › 电话", "地区"),
     rows=[("青岛海天机械有限公司", "王芳", "13800001234", "青岛")])  # fmt: skip
def two_lines_csv() -> bytes:
    rows = [
        ["客户名称", "联系人", "", "地区"],
        ["", "姓名", "电话", ""],
        ["青岛海天机械有限公司", "王芳", "13800001234", "青岛"],
    ]
    return csv_text(*rows).encode("gb18030")


@odd(
    "groups of heads above full heads",
    heads=("基本信息 › 客户名称", "基本信息 › 地区", "工商 › 客户电话", "工商 › 注册资本（万元）"),
)
def grouped_heads() -> bytes:
    book = workbook(["基本信息", None, "工商", None], HEADS, *ROWS)
    book.active.merge_cells("A1:B1")
    book.active.merge_cells("C1:D1")
    return book_bytes(book)


@odd("a head merged over two columns", heads=("客户名称", "电话", "电话（2）", "地区"),
     rows=[("青岛海天机械有限公司", "0532-88881234", "13800001234", "青岛")])  # fmt: skip
def merged_head() -> bytes:
    book = workbook(
        ["客户名称", "电话", None, "地区"], ["青岛海天机械有限公司", "0532-88881234", "13800001234", "青岛"]
    )
    book.active.merge_cells("B1:C1")
    return book_bytes(book)


@odd("the same head twice", heads=("客户名称", "备注", "备注（2）"), rows=[("青岛海天", "甲", "乙")])
def head_twice() -> bytes:
    return book_bytes(workbook(["客户名称", "备注", "备注"], ["青岛海天", "甲", "乙"]))


@odd("line breaks, stars and spaces in heads", heads=("* 客户名称", "所在地区", "客户电话（必填）", "注册资本(万元)"))
def broken_heads() -> bytes:
    return book_bytes(workbook(["* 客户名称 ", "所在\n地区", "客户电话\n（必填）", "注册资本\r\n(万元)"], *ROWS))


@odd(
    "an empty head over filled cells",
    heads=("客户名称", "", "客户电话", "注册资本（万元）"),
    notes=("B 列有内容，没有列名",),
)
def empty_head() -> bytes:
    return book_bytes(workbook([HEADS[0], None, *HEADS[2:]], *ROWS))


@odd("a last column without head in a csv", "客户.csv", heads=(*HEADS, ""), rows=[(*row, "甲") for row in GOOD],
     notes=("E 列有内容，没有列名",))  # fmt: skip
def nameless_csv_column() -> bytes:
    return csv_text(HEADS, *[[*row, "甲"] for row in ROWS]).encode("utf-8")


@odd("empty columns in between", heads=("客户名称", "地区"), rows=[("青岛海天", "青岛")])
def empty_columns() -> bytes:
    return book_bytes(workbook(["客户名称", None, None, "地区"], ["青岛海天", None, None, "青岛"]))


@odd(
    "English heads",
    heads=("Company Name", "Province", "Tel", "Remarks"),
    rows=[("Haitian Ltd", "山东", "0532-88881234", "x")],
)
def english_heads() -> bytes:
    return book_bytes(
        workbook(["Company Name", "Province", "Tel", "Remarks"], ["Haitian Ltd", "山东", "0532-88881234", "x"])
    )


@odd("heads nobody knows", heads=("名号", "坐落", "账龄"), rows=[("海天", "青岛", "12"), ("暄和", "唐山", "15")])
def unknown_heads() -> bytes:
    return book_bytes(workbook(["名号", "坐落", "账龄"], ["海天", "青岛", 12], ["暄和", "唐山", 15]))


@odd("no heads at all", heads=("", "", "", ""), notes=("A、B、C、D 列有内容，没有列名",))
def no_heads() -> bytes:
    return book_bytes(workbook(*ROWS))


@odd("one column", heads=("公司名称",), rows=[("青岛海天",), ("唐山暄和",)])
def one_column() -> bytes:
    return book_bytes(workbook(["公司名称"], ["青岛海天"], ["唐山暄和"]))


@odd("five hundred columns", refused="最多读 100 列")
def many_columns() -> bytes:
    return book_bytes(workbook([f"列{number}" for number in range(500)], list(range(500))))


@odd("one far cell", refused="XFD1048576 有内容，最多读 100 列")
def far_cell() -> bytes:
    book = plain()
    book.active["XFD1048576"] = "x"
    return book_bytes(book)


@odd("years as heads", heads=("客户名称", "2025", "2026"), rows=[("青岛海天", "5", "6")])
def years_as_heads() -> bytes:
    return book_bytes(workbook(["客户名称", 2025, 2026], ["青岛海天", 5, 6]))


@odd(
    "a line of units below the heads",
    heads=("客户名称", "注册资本（万元）", "年营业额（万元）"),
    rows=[("青岛海天", "5", "6")],
)
def line_of_units() -> bytes:
    return book_bytes(
        workbook(["客户名称", "注册资本", "年营业额"], [None, "（万元）", "（万元）"], ["青岛海天", 5, 6])
    )


@odd(
    "one unit above the table",
    heads=("客户名称", "地区", "注册资本"),
    rows=[("青岛海天", "青岛", "500")],
    skipped={1: "列名上方的行", 2: "列名上方的行"},
    notes=("表格上方写着单位：万元",),
)
def unit_above() -> bytes:
    return book_bytes(
        workbook(["台账"], [None, None, "单位：万元"], ["客户名称", "地区", "注册资本"], ["青岛海天", "青岛", 500])
    )


@odd(
    "heads in the first column",
    heads=("", ""),
    rows=[("客户名称", "青岛海天"), ("地区", "青岛"), ("电话", "1")],
    notes=("列名像是竖着写在第一列",),
)
def upright() -> bytes:
    return book_bytes(workbook(["客户名称", "青岛海天"], ["地区", "青岛"], ["电话", "1"]))


@odd(
    "two tables on one sheet",
    heads=("客户", "地区"),
    rows=[("青岛海天", "青岛"), ("联系人", "电话"), ("王芳", "138")],
    notes=("像是另一张表的列名，仍按上面的列名读取，请核对：第 4 行",),
)
def two_tables() -> bytes:
    return book_bytes(workbook(["客户", "地区"], ["青岛海天", "青岛"], [], ["联系人", "电话"], ["王芳", "138"]))


@odd(
    "two tables side by side",
    heads=("客户", "地区", "客户（2）", "地区（2）"),
    rows=[("青岛海天", "青岛", "唐山暄和", "唐山")],
)
def side_by_side() -> bytes:
    return book_bytes(workbook(["客户", "地区", None, "客户", "地区"], ["青岛海天", "青岛", None, "唐山暄和", "唐山"]))


@odd(
    "averages and extremes below",
    heads=("客户名称", "金额"),
    rows=[("青岛海天", "5")],
    skipped={3: "合计行", 4: "合计行"},
)
def averages() -> bytes:
    return book_bytes(workbook(["客户名称", "金额"], ["青岛海天", 5], ["平均值", 5], ["最大值", 5]))


@odd("words without any hint which row is the head", heads=("名号", "坐落"), rows=[("海天", "青岛"), ("暄和", "唐山")])
def only_words() -> bytes:
    return book_bytes(workbook(["名号", "坐落"], ["海天", "青岛"], ["暄和", "唐山"]))


@odd("a zero byte in a cell", "客户.csv", heads=("客户名称", "地区"), rows=[("青岛\0海天", "青岛")])
def zero_byte() -> bytes:
    return "客户名称,地区\n青岛\0海天,青岛\n".encode()


@odd("an export whose formulas are guarded", "客户.csv", heads=("客户名称", "备注"), rows=[("青岛海天", "=1+1")])
def guarded_formulas() -> bytes:
    return csv_text(["客户名称", "备注"], ["青岛海天", "'=1+1"]).encode("utf-8-sig")


@odd(
    "a pivot table",
    heads=("行标签", "求和项:金额"),
    rows=[("青岛", "500")],
    skipped={3: "合计行"},
    notes=("像是数据透视表",),
)
def pivot() -> bytes:
    return book_bytes(workbook(["行标签", "求和项:金额"], ["青岛", 500], ["总计", 500]))


# Sheets, rows and columns that are hidden or many


@odd("the table on the second sheet", sheet="名单")
def second_sheet() -> bytes:
    book = workbook(["使用说明"], ["请先阅读"], title="说明")
    sheet = book.create_sheet("名单")
    for row in (HEADS, *ROWS):
        sheet.append(row)
    return book_bytes(book)


@odd("a hidden sheet in front", notes=("隐藏的工作表没有读取：「旧数据」",), sheet="客户")
def hidden_sheet() -> bytes:
    book = plain()
    hidden = book.create_sheet("旧数据", 0)
    hidden.append(HEADS)
    hidden.append(["已停业", "", "", ""])
    hidden.sheet_state = "hidden"
    return book_bytes(book)


@odd("everything hidden", refused="隐藏的工作表不读取：「客户」")
def all_hidden() -> bytes:
    book = plain()
    book.create_sheet("空")
    book["客户"].sheet_state = "hidden"
    book.active = 1
    return book_bytes(book)


@odd("hidden rows and columns", notes=("隐藏的列也读取了：B 列", "隐藏的行也读取了：第 3 行"))
def hidden_rows() -> bytes:
    book = plain()
    book.active.row_dimensions[3].hidden = True
    book.active.column_dimensions["B"].hidden = True
    return book_bytes(book)


# Cells


@odd(
    "cells merged over rows", rows=[GOOD[0], (GOOD[1][0], "青岛", *GOOD[1][2:])], notes=("B2:B3 的「青岛」填入第 3 行",)
)
def merged_down() -> bytes:
    book = workbook(HEADS, ROWS[0], [ROWS[1][0], None, *ROWS[1][2:]])
    book.active.merge_cells("B2:B3")
    return book_bytes(book)


@odd(
    "cells merged over columns", rows=[("青岛海天", "青岛", "", "500")], faults={(2, 1): "合并的单元格 B2:C2 占了几列"}
)
def merged_across() -> bytes:
    book = workbook(HEADS, ["青岛海天", "青岛", None, "500"])
    book.active.merge_cells("B2:C2")
    return book_bytes(book)


@odd(
    "error values",
    rows=[("青岛海天", "#N/A", "#REF!", "500")],
    faults={(2, 1): "B2 的「#N/A」", (2, 2): "C2 的「#REF!」"},
)
def error_values() -> bytes:
    return book_bytes(workbook(HEADS, ["青岛海天", "#N/A", "#REF!", "500"]))


@odd("error values in a csv", "客户.csv", rows=[("青岛海天", "#VALUE!", "", "")], faults={(2, 1): "B2 的「#VALUE!」"})
def error_values_csv() -> bytes:
    return csv_text(HEADS, ["青岛海天", "#VALUE!"]).encode("utf-8")


@odd("formulas never calculated", rows=[("青岛海天", "青岛", "1", "（公式）")], faults={(2, 3): "文件里没有它的结果"})
def formulas_without_results() -> bytes:
    return book_bytes(workbook(HEADS, ["青岛海天", "青岛", "1", "=250*2"]))


@odd("formulas with their results", rows=[("青岛海天", "青岛", "1", "500")])
def formulas_with_results() -> bytes:
    content = book_bytes(workbook(HEADS, ["青岛海天", "青岛", "1", "=250*2"]))
    stream, source = io.BytesIO(), zipfile.ZipFile(io.BytesIO(content))
    with zipfile.ZipFile(stream, "w") as target:
        for item in source.infolist():
            text = source.read(item)
            target.writestr(item, text.replace(b"<v></v>", b"<v>500</v>").replace(b"<v />", b"<v>500</v>"))
    return stream.getvalue()


@odd("dates as dates, numbers and text", heads=("客户名称", "合作日期"),
     rows=[("甲", "2024-03-05"), ("乙", "45356"), ("丙", "2024年3月5日"), ("丁", "2024-03-05 14:30:00")])  # fmt: skip
def dates() -> bytes:
    book = workbook(["客户名称", "合作日期"], ["甲", date(2024, 3, 5)], ["乙", 45356], ["丙", "2024年3月5日"])
    book.active.append(["丁", datetime(2024, 3, 5, 14, 30)])
    return book_bytes(book)


@odd(
    "a workbook that counts days from 1904",
    heads=("客户名称", "合作日期"),
    rows=[("甲", "2024-03-05")],
    notes=("从 1904 年起",),
)
def days_from_1904() -> bytes:
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.MAC_EPOCH
    book.active.append(["客户名称", "合作日期"])
    book.active.append(["甲", date(2024, 3, 5)])
    return book_bytes(book)


@odd("numbers of phones and codes with leading zeros", rows=[("青岛海天", "", "13800001234", "5")], heads=tuple(HEADS))
def phone_numbers() -> bytes:
    return book_bytes(workbook(HEADS, ["青岛海天", None, 13800001234, 5.0]))


@odd("a code of 18 digits as a number", heads=("客户名称", "银行账号"), rows=[("青岛海天", "622848000000000000")],
     faults={(2, 1): "超过 15 位"})  # fmt: skip
def long_number() -> bytes:
    return book_bytes(workbook(["客户名称", "银行账号"], ["青岛海天", 622848000000000012]))


@odd("shortened numbers in a csv", "客户.csv", heads=("客户名称", "客户电话"), rows=[("青岛海天", "1.38E+10")])
def shortened_numbers() -> bytes:
    return csv_text(["客户名称", "客户电话"], ["青岛海天", "1.38E+10"]).encode("utf-8")


@odd("leading zeros by format", heads=("客户名称", "客户编号"), rows=[("青岛海天", "00123")])
def leading_zeros() -> bytes:
    book = workbook(["客户名称", "客户编号"], ["青岛海天", 123])
    book.active["B2"].number_format = "00000"
    return book_bytes(book)


@odd("money by format", rows=[("青岛海天", "", "", "¥1234.5")])
def money_by_format() -> bytes:
    book = workbook(HEADS, ["青岛海天", None, None, 1234.5])
    book.active["D2"].number_format = '"¥"#,##0.00'
    return book_bytes(book)


@odd(
    "full-width letters and digits", heads=("客户名称", "客户电话"), rows=[("ＡＢＣ公司", "０５３２－８８８８１２３４")]
)
def full_width() -> bytes:
    return book_bytes(workbook(["客户名称", "客户电话"], ["ＡＢＣ公司", "０５３２－８８８８１２３４"]))


@odd("row numbers in front", heads=("序号", *HEADS), rows=[("1", *GOOD[0]), ("2", *GOOD[1])])
def row_numbers() -> bytes:
    return book_bytes(workbook(["序号", *HEADS], [1, *ROWS[0]], [2, *ROWS[1]]))


@odd("thousands of formatted empty rows")
def formatted_rows() -> bytes:
    book = plain()
    for line in range(4, 3000):
        book.active.cell(line, 1).number_format = "@"
    return book_bytes(book)


@odd("entities in the XML", refused="不是有效的 xlsx")
def entities() -> bytes:
    stream, source = io.BytesIO(), zipfile.ZipFile(io.BytesIO(book_bytes(plain())))
    with zipfile.ZipFile(stream, "w") as target:
        for item in source.infolist():
            content = source.read(item)
            if item.filename.endswith("sheet1.xml"):
                content = b'<!DOCTYPE x [<!ENTITY a "b">]>' + content
            target.writestr(item, content)
    return stream.getvalue()
