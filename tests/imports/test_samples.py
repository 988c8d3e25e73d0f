"""The messy samples go through, templates come back as they were filled in, refused rows can be uploaded again."""

from __future__ import annotations

import io
from collections import Counter
from datetime import date

import openpyxl
import pytest

from kit.imports import date_patterns, refused_sheet, repairs, samples, sheets
from kit.imports.matching import match_columns
from kit.imports.refused_sheet import Refused, RefusedTable
from kit.imports.repairs import Candidate
from kit.imports.targets import Kind, Target
from kit.imports.templates import write_template

from .office import CONTACTS, CUSTOMERS, INDUSTRIES, LEVELS, OPPORTUNITIES, REGIONS, TALKS, candidates

TODAY = date(2026, 11, 30)


def read_sample(tmp_path, key: str, targets):
    """Return the table of a sample, its rows, and its columns."""
    path = tmp_path / "upload"
    path.write_bytes(samples.build_sample(key, samples.PEOPLE, TODAY))
    name = next(each.file_name for each in samples.SAMPLES if each.key == key)
    table = sheets.read(path, name)
    matches = match_columns([head.text for head in table.heads], table.samples(), targets)
    return table, list(table), {match.target: match.column for match in matches if match.target}


def test_the_sample_of_customers_is_messy_and_understood(tmp_path):
    table, rows, columns = read_sample(tmp_path, "customers", CUSTOMERS)
    assert table.sheet == "客户"
    assert table.header_rows == (3, 4)
    assert len(rows) == 200
    assert table.skipped_counts == {"列名上方的行": 2, "合计行": 5, "表格外的说明": 1}
    assert columns.keys() >= {"name", "region", "level", "industry", "manager", "phone", "license_number"}
    assert columns.keys() >= {"contact.name", "contact.title", "contact.mobile", "contact.memo"}
    assert columns.keys() >= {"registered_capital", "cooperation_since"}
    assert len(columns) == 13
    assert sum(bool(row.faults) for row in rows) == 5
    assert len({row.cells[columns["name"]] for row in rows}) > 100
    people = [Candidate(name, name) for name in samples.PEOPLE]
    known = {
        "region": (candidates(*REGIONS), Kind.REGION),
        "level": (candidates(*LEVELS), Kind.CHOICE),
        "industry": (candidates(*INDUSTRIES), Kind.CHOICE),
        "manager": (people, Kind.PERSON),
    }
    open_values = {
        proposal.value
        for key, (values, kind) in known.items()
        for proposal in repairs.propose(Counter(row.cells[columns[key]] for row in rows), values, kind)
        if proposal.candidate is None
    }
    assert open_values == {"VIP", "玻璃制造"}
    dates = date_patterns.guess(Counter(row.cells[columns["cooperation_since"]] for row in rows))
    assert (dates.pattern, dates.question) == ("ymd", "")
    assert [misfit.empty for misfit in dates.misfits] == [True]


def test_the_sample_of_contacts_has_two_columns_of_one_name(tmp_path):
    table, rows, columns = read_sample(tmp_path, "contacts", CONTACTS)
    assert len(rows) == 80
    assert [head.text for head in table.heads][3:5] == ["电话", "电话（2）"]
    assert (columns["office_phone"], columns["mobile"]) == (3, 4)
    customers = {samples.company(number) for number in range(samples.CUSTOMER_COUNT)}
    assert {row.cells[columns["customer"]] for row in rows} <= customers


def test_the_sample_of_visits_has_a_sheet_for_each_year(tmp_path):
    table, rows, columns = read_sample(tmp_path, "interactions", TALKS)
    path = tmp_path / "upload"
    assert [sheet.name for sheet in sheets.look(path, "拜访记录.xlsx").sheets] == ["2026年", "2025年"]
    others = list(sheets.read(path, "拜访记录.xlsx", "2025年"))
    assert len(rows) + len(others) == samples.VISIT_COUNT
    assert table.sheet == "2026年"
    assert date_patterns.guess(Counter(row.cells[columns["at"]] for row in rows)).pattern == "mdy"
    days = [date_patterns.parse(row.cells[columns["at"]], "mdy").at.date() for row in [*rows, *others]]
    assert max(days) < TODAY


def test_samples_are_the_same_every_time_and_take_the_names_of_colleagues(tmp_path):
    assert samples.build_sample("contacts", today=TODAY) == samples.build_sample("contacts", today=TODAY)
    path = tmp_path / "upload"
    path.write_bytes(samples.build_sample("customers", ["孙立群"], TODAY))
    found = {row.cells[5] for row in sheets.read(path, "客户台账.xlsx")}
    assert found == {"孙立群", "小孙", "孙经理"}
    with pytest.raises(StopIteration):
        samples.build_sample("nothing")


def test_every_credit_code_of_the_samples_is_valid(tmp_path):
    _, rows, columns = read_sample(tmp_path, "customers", CUSTOMERS)
    codes = [row.cells[columns["license_number"]] for row in rows]
    assert len(set(codes)) == 200
    target = next(each for each in CUSTOMERS if each.key == "license_number")
    (match,) = match_columns(["甲"], [codes], [target])
    assert match.why == "按内容猜（校验位 200 / 200）"


# Templates


def template_of(targets) -> openpyxl.Workbook:
    stream = io.BytesIO()
    write_template(stream, "客户", targets)
    return openpyxl.load_workbook(io.BytesIO(stream.getvalue()))


def test_a_template_has_units_drop_downs_and_hints():
    book = template_of(CUSTOMERS)
    page = book["客户"]
    heads = [cell.value for cell in page[1]]
    assert heads == [target.head for target in CUSTOMERS]
    assert "注册资本（万元）" in heads
    assert "联系人手机" in heads
    region = heads.index("地区")
    assert page.cell(2, region + 1).value.startswith("必填")
    assert "单位：万元" in page.cell(2, heads.index("注册资本（万元）") + 1).value
    lists = {str(rule.sqref): rule.formula1 for rule in page.data_validations.dataValidation}
    letters = openpyxl.utils.get_column_letter(region + 1)
    source = lists[f"{letters}2:{letters}5001"]
    sheet, _, area = source.partition("!")
    cells = book[sheet.strip("'")][area.replace("$", "")]
    assert tuple(cell.value for (cell,) in cells) == REGIONS
    assert book[sheet.strip("'")].sheet_state == "hidden"
    assert {rule.errorStyle for rule in page.data_validations.dataValidation} == {"warning"}


@pytest.mark.parametrize("targets", [CUSTOMERS, CONTACTS, TALKS, OPPORTUNITIES])
def test_a_filled_template_is_read_without_any_question(tmp_path, targets):
    book = template_of(targets)
    book.worksheets[0].append([f"值{place}" for place in range(len(targets))])
    path = tmp_path / "upload"
    book.save(path)
    table = sheets.read(path, "模板.xlsx")
    rows = list(table)
    assert [row.cells for row in rows] == [tuple(f"值{place}" for place in range(len(targets)))]
    assert [skipped.why for skipped in table.skipped] == ["填写说明"]
    assert table.notes == []
    matches = match_columns([head.text for head in table.heads], [[] for _ in table.heads], targets)
    filled = match_columns([head.text for head in table.heads], [["500"]] * len(table.heads), targets)
    assert all(match.ignored for match in matches)  # nothing filled in: nothing to import
    assert [match.target for match in filled] == [target.key for target in targets]


# Refused rows


def refused_book(**options) -> tuple[bytes, openpyxl.Workbook]:
    targets = {0: CUSTOMERS[1], 1: CUSTOMERS[3], 2: CUSTOMERS[10]}
    rows = [
        Refused(7, ["青岛海天", "火星", "45000"], {1: "字典里没有「火星」。"}),
        Refused(9, ["", "华北", "=1+1"], {0: "请填写。", 2: "不是日期。"}),
        Refused(12, ["唐山暄和", "华北"], {}, "已经有这个客户。"),
    ]
    table = RefusedTable("客户", ["公司名称", "所在省份", "合作日期"], targets, **options)
    stream = io.BytesIO()
    assert refused_sheet.write(stream, table, iter(rows)) == 3
    return stream.getvalue(), openpyxl.load_workbook(io.BytesIO(stream.getvalue()))


def test_refused_cells_are_marked_and_commented():
    page = refused_book()[1]["客户"]
    assert [cell.value for cell in page[1]] == ["公司名称", "所在省份", "合作日期", "行号", "原因与改法"]
    assert page["B2"].comment.text == "字典里没有「火星」。"
    assert page["B2"].fill.start_color.rgb == "FFFFC7CE"
    assert page["A2"].comment is None
    assert page["A2"].fill.start_color.rgb == "00000000"
    assert page["A3"].comment.text == "请填写。"
    assert page["A3"].fill.start_color.rgb == "FFFFC7CE"
    assert page["C3"].value == "=1+1"
    assert page["C3"].data_type == "s"
    assert [page.cell(line, 4).value for line in (2, 3, 4)] == ["7", "9", "12"]
    assert page["E3"].value == "公司名称：请填写。 合作日期：不是日期。"
    assert page["E4"].value == "已经有这个客户。"
    assert len(page.data_validations.dataValidation) == 1


def test_refused_sheet_are_read_again_under_the_same_heads(tmp_path):
    path = tmp_path / "upload"
    path.write_bytes(refused_book()[0])
    table = sheets.read(path, "被拒绝的行.xlsx")
    assert [row.cells[:3] for row in table] == [
        ("青岛海天", "火星", "45000"),
        ("", "华北", "=1+1"),
        ("唐山暄和", "华北", ""),
    ]
    matches = match_columns([head.text for head in table.heads], table.samples(), CUSTOMERS)
    assert [match.target for match in matches] == ["name", "region", "cooperation_since", None, None]
    assert [match.why for match in matches][3:] == ["被拒绝的行的说明"] * 2
    assert all(match.ignored for match in matches[3:])


def test_days_from_1904_and_units_are_written_so_that_they_are_read_alike():
    page = refused_book(is_1904=True, units={0: "元"})[1]["客户"]
    assert page["C2"].value == "2027-03-16"
    assert page["A1"].value == "公司名称（元）"


def test_reasons_of_a_nameless_column_name_its_place():
    stream = io.BytesIO()
    refused_sheet.write(stream, RefusedTable("x", ["客户", ""]), [Refused(2, ["甲", "乙"], {1: "不对。"})])
    page = openpyxl.load_workbook(io.BytesIO(stream.getvalue())).active
    assert page["D2"].value == "第 2 列：不对。"


def test_the_head_of_a_target_carries_group_and_unit():
    target = Target("x", "手机", group="联系人", unit="元", kind=Kind.PHONE)
    assert target.head == "联系人手机（元）"
    assert target.full_label == "联系人 › 手机"
    assert Target("x", "联系人姓名", group="联系人").head == "联系人姓名"
