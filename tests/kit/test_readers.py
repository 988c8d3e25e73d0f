"""Tables as people keep them: what is read, what is refused, and what the reader says it left out or filled in."""

from __future__ import annotations

import io
import re
import resource
import subprocess
import sys
import zipfile
from datetime import date, datetime

import openpyxl
import pytest
import xlsxwriter
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from kit.exchange.readers import UnreadableFile, read_table

WANTED = {"名称", "地区", "电话", "传真", "地址"}


def known(text):
    return text in WANTED


def csv_file(tmp_path, text):
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    return tmp_path / "a.csv"


def book_file(tmp_path, *rows, merged=(), prepare=None):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for place in merged:
        book.active.merge_cells(place)
    if prepare:
        prepare(book)
    book.save(tmp_path / "a.xlsx")
    return tmp_path / "a.xlsx"


def shared_file(tmp_path, *rows):
    """A workbook whose texts stand in a part of their own."""
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        sheet = book.add_worksheet()
        for line, row in enumerate(rows):
            sheet.write_row(line, 0, row)
    return tmp_path / "a.xlsx"


def rewritten(path, part, old, new):
    """The workbook with a text of one of its parts replaced."""
    target = io.BytesIO()
    with zipfile.ZipFile(path) as sound:
        assert any(part in name and re.search(old, sound.read(name).decode()) for name in sound.namelist())
    with zipfile.ZipFile(path) as sound, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as other:
        for name in sound.namelist():
            content = sound.read(name).decode()
            other.writestr(name, re.sub(old, new, content, count=1) if part in name else content)
    path.write_bytes(target.getvalue())
    return path


def read(path):
    """(rows by line, notes)."""
    table = read_table(path, known)
    rows = {line: dict(cells) for line, cells in table}
    return rows, table.notes


def faults(path):
    return {line: cells.faults for line, cells in read_table(path, known) if cells.faults}


# Sheets


def test_a_hidden_first_sheet_is_left_alone_and_named(tmp_path):
    def hide(book):
        book.active.title, book.active.sheet_state = "去年", "hidden"
        shown = book.create_sheet("今年")
        shown.append(["名称", "地区"])
        shown.append(["新客户", "华北"])
        book.active = 1

    rows, notes = read(book_file(tmp_path, ["名称", "地区"], ["旧客户", "东北"], prepare=hide))
    assert rows == {2: {"名称": "新客户", "地区": "华北"}}
    assert notes == ["隐藏的工作表没有读取：「去年」。"]


def test_of_several_visible_sheets_the_one_with_the_wanted_head_is_read_the_others_are_named(tmp_path):
    def add(book):
        book.active.title = "说明"
        for title, rows in (("客户", [["名称", "地区"], ["甲", "华北"]]), ("空的", []), ("联系人", [["姓名"], ["乙"]])):
            sheet = book.create_sheet(title)
            for row in rows:
                sheet.append(row)

    rows, notes = read(book_file(tmp_path, ["请填写下一张表"], prepare=add))
    assert rows == {2: {"名称": "甲", "地区": "华北"}}
    assert notes == ["只读取了工作表「客户」，没有读取：「说明」「联系人」。"]


def test_a_workbook_with_nothing_to_see_is_empty(tmp_path):
    def hide(book):
        book.active.sheet_state = "veryHidden"
        book.create_sheet("空的")
        book.active = 1

    with pytest.raises(UnreadableFile, match="隐藏的工作表不读取"):
        read(book_file(tmp_path, ["名称"], ["甲"], prepare=hide))


# Heads


TITLED = ["2024 年客户名单"], ["制表：李雷"], ["名称", "地区"], ["甲", "华北"]


def test_titles_above_the_head_are_named(tmp_path):
    expected = {4: {"名称": "甲", "地区": "华北"}}
    said = ["表头上方的行没有读取：第 1 行「2024 年客户名单」、第 2 行「制表：李雷」。"]
    assert read(book_file(tmp_path, *TITLED, merged=["A1:B1"])) == (expected, said)
    assert read(csv_file(tmp_path, "2024 年客户名单\n制表：李雷\n名称;地区\n甲;华北\n")) == (expected, said)


def test_a_head_in_two_rows_gives_every_column_its_own_name(tmp_path):
    rows = (["名称", "联系方式", None], [None, "电话", "传真"], ["甲", "1", "2"])
    found, _ = read(book_file(tmp_path, *rows, merged=["A1:A2", "B1:C1"]))
    assert found == {3: {"名称": "甲", "电话": "1", "传真": "2"}}


def test_a_column_under_a_merged_head_without_its_own_name_is_refused(tmp_path):
    path = book_file(tmp_path, ["名称", "电话", None], ["甲", "1", "2"], merged=["B1:C1"])
    with pytest.raises(UnreadableFile, match="表头「电话」合并了几列，C 列没有自己的列名"):
        read(path)
    assert read(book_file(tmp_path, ["名称", "电话", None], ["甲", "1"], merged=["B1:C1"]))[0][2]["电话"] == "1"


def test_filled_cells_under_an_empty_head_are_named(tmp_path):
    rows, notes = read(book_file(tmp_path, ["名称", None, "地区"], ["甲", "x", "华北"], ["乙", None, "东北", "y"]))
    assert rows == {2: {"名称": "甲", "地区": "华北"}, 3: {"名称": "乙", "地区": "东北"}}
    assert notes == ["B 列没有列名，没有读取：第 2 行「x」。", "D 列没有列名，没有读取：第 3 行「y」。"]


# Rows


def test_a_cell_merged_over_lines_stands_in_each_of_them(tmp_path):
    rows = (["名称", "地区"], ["甲", "华北"], ["乙"], ["丙"], ["丁", "东北"])
    found, notes = read(book_file(tmp_path, *rows, merged=["B2:B4"]))
    assert [found[line]["地区"] for line in (2, 3, 4, 5)] == ["华北", "华北", "华北", "东北"]
    assert notes == ["合并的单元格已填入它的每一行：B2:B4 的「华北」填入第 3 行、B2:B4 的「华北」填入第 4 行。"]


def test_lines_that_only_belong_to_merged_cells_are_no_rows(tmp_path):
    found, _ = read(book_file(tmp_path, ["名称", "地区"], ["甲", "华北"], [None], ["乙"], merged=["A2:A3", "B2:B3"]))
    assert list(found) == [2, 4]


def test_a_cell_merged_over_named_columns_is_refused_where_it_stands(tmp_path):
    path = book_file(tmp_path, ["名称", "地区"], ["甲", "华北"], ["以上是老客户"], merged=["A3:B3"])
    assert list(faults(path)) == [3]
    assert "A3:B3 占了几列" in faults(path)[3]["名称"]


@pytest.mark.parametrize(
    "word", ["合计", "总 计", "小计：", "合计：12 家", "华北小计", "合计12家", "Total", "本页合计"]
)
def test_rows_that_add_up_are_named_and_no_customers(tmp_path, word):
    rows, notes = read(book_file(tmp_path, ["名称", "地区"], ["甲", "华北"], [word, 12]))
    assert list(rows) == [2]
    assert notes == [f"合计行没有读取：第 3 行「{word}」「12」。"]
    assert list(read(csv_file(tmp_path, f"名称,地区\n甲,华北\n,{word}\n{word},12\n"))[0]) in ([2], [2, 3])


def test_names_that_only_begin_like_a_total_are_read(tmp_path):
    names = ["合计软件有限公司", "总计量检测院", "小计科技", "汇总达物流"]
    assert len(read(book_file(tmp_path, ["名称"], *([name] for name in names)))[0]) == 4


@pytest.mark.parametrize("mark", ["#N/A", "#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!"])
def test_error_values_are_refused_by_their_cell(tmp_path, mark):
    for path in (
        book_file(tmp_path, ["名称", "电话"], ["甲", mark], ["乙", "1"]),
        csv_file(tmp_path, f"名称,电话\n甲,{mark}\n乙,1\n"),
    ):
        assert {line: list(found) for line, found in faults(path).items()} == {2: ["电话"]}
        assert read(path)[0][2]["电话"] == mark


def test_hidden_rows_are_read_and_named(tmp_path):
    def hide(book):
        book.active.row_dimensions[2].hidden = True

    rows, notes = read(book_file(tmp_path, ["名称"], ["甲"], ["乙"], prepare=hide))
    assert (list(rows), notes) == ([2, 3], ["隐藏的行也读取了：第 2 行。"])


def test_numbers_too_long_for_a_workbook_are_refused_by_their_cell(tmp_path):
    path = book_file(tmp_path, ["名称", "电话"], ["甲", 6222021234567890123], ["乙", 138], prepare=None)
    assert "超过 15 位" in faults(path)[2]["电话"]


@pytest.mark.parametrize(
    ("value", "shown", "text"),
    [
        (10000, "000000", "010000"), (0.1 + 0.2, "General", "0.3"), (13800000000, "General", "13800000000"),
        (0.0000001, "General", "0.0000001"), (45356, "yyyy-mm-dd", "2024-03-05"), (45356, "yyyy年m月d日", "2024-03-05"),
        (45356, '[$-804]yyyy"年"m"月"d"日";@', "2024-03-05"), (12.5, '0.00"天"', "12.5"), (5, '#,##0"ms"', "5"),
        (500, '#,##0.00"万元"', "500万元"), (50000, '0 "元"', "50000元"), (50000, "¥#,##0.00", "¥50000"),
        (50000, '[$¥-804]#,##0.00', "¥50000"), (50000, '0!.0000"万元"', "50000"), (50000, '0.0,"千元"', "50000"),
        (True, "General", "TRUE"),
    ],
)  # fmt: skip
def test_a_cell_is_read_as_it_is_shown(tmp_path, value, shown, text):
    def dress(book):
        book.active["A2"].number_format = shown

    assert read(book_file(tmp_path, ["名称"], [value], prepare=dress))[0] == {2: {"名称": text}}


def test_days_of_a_workbook_that_begins_in_1904_are_the_same_days(tmp_path):
    def begin(book):
        book.epoch = CALENDAR_MAC_1904

    path = book_file(tmp_path, ["名称", "地区"], [date(2024, 3, 5), datetime(2024, 3, 5, 8, 30)], prepare=begin)
    table = read_table(path, known)
    assert [dict(cells) for _, cells in table] == [{"名称": "2024-03-05", "地区": "2024-03-05 08:30:00"}]
    assert table.is_1904
    assert "1904" in table.notes[0]


def test_what_a_formula_gave_last_is_read(tmp_path):
    path = book_file(tmp_path, ["名称"], ["=1+1"])
    assert read(rewritten(path, "sheet1", r"<v ?/>|<v></v>", "<v>2</v>"))[0] == {2: {"名称": "2"}}


def test_texts_in_parts_and_how_they_are_spoken(tmp_path):
    path = shared_file(tmp_path, ["名称"], ["甲乙"])
    parts = "<r><t>甲</t></r><r><t xml:space='preserve'> 乙</t></r><rPh sb='0' eb='1'><t>jia</t></rPh>"
    assert read(rewritten(path, "sharedStrings", "<t>甲乙</t>", parts))[0] == {2: {"名称": "甲 乙"}}


# Quotes


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('名称,地区\n"甲,华北\n乙,华北\n丙,"华北"\n', 2),
        ('名称,地区\n"甲,华北\n乙,华北\n丙","华北"\n', 2),
        ('名称,地区\n甲,华北\n"乙,华北\n丙,华北\n', 3),
        ('名称,地区\n甲,华北\n乙,"华北\n丙,华北\n丁,华北",\n', 3),
        ('名称,地区\n"甲"乙,华北\n', 2),
        ('名称,地区\n"' + "甲,华北\n" * 1_500, 2),
    ],
)
def test_a_quote_that_nobody_closed_is_refused_by_its_line(tmp_path, text, line):
    with pytest.raises(UnreadableFile, match=f"第 {line} 行的引号没有配对"):
        read(csv_file(tmp_path, text))


def test_cells_may_run_over_lines_between_two_quotes(tmp_path):
    rows, _ = read(csv_file(tmp_path, '名称,地址\n甲,"一路 1 号,\n2 楼"\n乙,x\n'))
    assert rows == {2: {"名称": "甲", "地址": "一路 1 号,\n2 楼"}, 4: {"名称": "乙", "地址": "x"}}


# Memory


LIMIT = 400 * 1024 * 1024
SCRIPT = """
import sys
from pathlib import Path
from kit.exchange.readers import UnreadableFile, read_table
try:
    print(sum(1 for _ in read_table(Path(sys.argv[1]), {"名称"}.__contains__)))
except UnreadableFile as error:
    print(error)
"""


def read_in_little_memory(path):
    """What a process says that may not have more than LIMIT bytes."""

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(path)], capture_output=True, text=True, preexec_fn=limit, check=False
    )
    return done.stdout.strip() or done.stderr[-300:]


def far_cell(place):
    def put(book):
        book.active[place] = "远"

    return put


def test_one_far_cell_takes_no_memory_and_is_refused(tmp_path):
    path = book_file(tmp_path, ["名称"], ["甲"], prepare=far_cell("XFD1048576"))
    assert path.stat().st_size < 8_000
    assert "XFD1048576 有内容，最多读 100 列" in read_in_little_memory(path)


def test_corners_within_the_columns_take_no_memory(tmp_path):
    path = book_file(tmp_path, ["名称"], ["甲"], prepare=far_cell("A1048576"))
    assert read_in_little_memory(path) == "2"
    claimed = rewritten(shared_file(tmp_path, ["名称"], ["甲"]), "sheet1", 'ref="A1:A2"', 'ref="A1:XFD1048576"')
    assert read_in_little_memory(claimed) == "1"


def test_many_empty_cells_and_short_texts_take_no_memory(tmp_path):
    path = shared_file(tmp_path, ["名称"], ["甲"])
    many = "".join(f'<row r="{line}">{"<c/>" * 90}</row>' for line in range(3, 9_000))
    assert read_in_little_memory(rewritten(path, "sheet1", "</sheetData>", f"{many}</sheetData>")) == "1"
    path = shared_file(tmp_path, ["名称"], ["甲"])
    texts = "<si><t>一</t></si>" * 400_000
    assert read_in_little_memory(rewritten(path, "sharedStrings", "</sst>", f"{texts}</sst>")) == "1"


def test_a_csv_of_nothing_but_quotes_or_separators_takes_no_memory(tmp_path):
    assert "引号没有配对" in read_in_little_memory(csv_file(tmp_path, "名称\n" + '"\n","' * 3_000_000))
    assert "最多 100 列" in read_in_little_memory(csv_file(tmp_path, "名称\n甲" + "," * 3_000_000 + "乙\n"))
    assert "太长" in read_in_little_memory(csv_file(tmp_path, "名称\n" + "," * 30_000_000))


def test_a_workbook_that_declares_entities_is_refused(tmp_path):
    path = book_file(tmp_path, ["名称"], ["甲"])
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;">]><worksheet'
    with pytest.raises(UnreadableFile, match="不是有效的 xlsx"):
        read(rewritten(path, "sheet1", "<worksheet", bomb))


def test_merged_cells_over_each_other_and_one_endless_tag_are_refused(tmp_path):
    overlapping = "".join(f'<mergeCell ref="A2:{letters}9"/>' for letters in ("B", "C") * 60)
    path = shared_file(tmp_path, ["名称"], ["甲"], ["乙"])
    merged = f"</sheetData><mergeCells>{overlapping}{overlapping.replace('A2', 'A1')}</mergeCells>"
    different = "".join(f'<mergeCell ref="A2:B{line}"/>' for line in range(2, 200))
    assert read(rewritten(path, "sheet1", "</sheetData>", merged))[0]
    path = shared_file(tmp_path, ["名称"], ["甲"], ["乙"])
    with pytest.raises(UnreadableFile, match="互相重叠"):
        read(rewritten(path, "sheet1", "</sheetData>", f"</sheetData><mergeCells>{different}</mergeCells>"))
    path = shared_file(tmp_path, ["名称"], ["甲"])
    endless = f'<sheetData x="{"x" * 60_000_000}"'
    assert "不是有效的 xlsx" in read_in_little_memory(rewritten(path, "sheet1", "<sheetData", endless))


def test_empty_cells_of_a_title_row_are_not_named(tmp_path):
    table = read_table(csv_file(tmp_path, "客户表,,,\n名称,地区,电话,地址\n海河,华北,010,天津\n"), known)
    assert [cells["名称"] for _, cells in table] == ["海河"]
    assert table.notes == ["表头上方的行没有读取：第 1 行「客户表」。"]
