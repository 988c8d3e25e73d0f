"""Foreign heads find their columns: by what was chosen before, names, synonyms, likeness and content."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.domain.credit_codes import code_check_character
from kit.domain.folding import fold_name
from kit.imports import date_patterns, repairs, sheets
from kit.imports.contents import counts_rows, is_mobile, is_person_name, is_phone
from kit.imports.matching import Match, head_key, match_columns
from kit.imports.synonyms import MEANINGS, words_for
from kit.imports.targets import Kind, Target
from kit.imports.units import ask_unit, convert, read_head

from .odd_files import book_bytes, workbook
from .office import CONTACTS, CUSTOMERS, OPPORTUNITIES, REGIONS, STAFF, TALKS, candidates, staff

CODE = "91350100M000100Y43"
SAMPLES = {
    "company": ["青岛海天机械有限公司", "唐山暄和玻璃制品厂"],
    "mobile": ["13800001234", "13900005678"],
    "phone": ["0532-88881234", "0315-5555 1274"],
    "name": ["王芳", "李建国"],
    "date": ["2024/3/5", "2023.12.1"],
    "region": ["山东", "河北省唐山市"],
    "count": ["1", "2", "3"],
    "text": ["随便", "写写"],
    "amount": ["500", "1200"],
    "staff": ["周晓明", "王伟"],
    "address": ["青岛市市南区香港中路12号"],
    "code": ["K0012", "K0013"],
    "mail": ["a@b.com"],
    "credit": [CODE],
    "level": ["A", "B"],
    "account": ["6228480012345678"],
    "web": ["www.a.com"],
    "none": [],
}
OFFICES = [
    (
        CUSTOMERS,
        {
            "序号:count": None,
            "单位名称:company": "name",
            "单位地址:address": "address",
            "联系人:name": "contact.name",
            "手机:mobile": "contact.mobile",
            "业务员:staff": "manager",
            "备注:text": "contact.memo",
        },
    ),
    (
        CUSTOMERS,
        {
            "客户编码:code": "number",
            "客户简称:company": "name",
            "所属区域:region": "region",
            "行业类别:text": "industry",
            "客户级别:level": "level",
            "业务代表:staff": "manager",
            "开票税号:credit": "license_number",
            "开户行:text": "bank",
            "帐号:account": "bank_account",
            "注册资金:amount": "registered_capital",
            "ERP编码:code": "external_number",
        },
    ),
    (
        CUSTOMERS,
        {
            "公司全称:company": "name",
            "法人代表:name": "legal_representative",
            "注册资本金(元):amount": "registered_capital",
            "年产值（亿元）:amount": "annual_turnover",
            "官网:web": "website",
            "邮编:code": "postcode",
            "传真号码:phone": "fax",
            "电话:phone": "phone",
            "手机号码:mobile": "contact.mobile",
            "电子邮件:mail": "contact.email",
            "职务:text": "contact.title",
            "对接人:name": "contact.name",
        },
    ),
    (
        CUSTOMERS,
        {
            "厂家名称:company": "name",
            "区域:region": "region",
            "销售:staff": "manager",
            "首次合作时间:date": "cooperation_since",
            "采购联系人:name": "contact.name",
            "采购电话:mobile": "contact.mobile",
            "厂址:address": "address",
        },
    ),
    (
        CUSTOMERS,
        {
            "贵公司名称:company": "name",
            "客户所在地区:region": "region",
            "客户归属:staff": "manager",
            "纳税人识别号码:credit": "license_number",
            "满意程度:amount": "satisfaction",
            "集团:company": "parent",
        },
    ),
    (
        CUSTOMERS,
        {
            "Company Name:company": "name",
            "Province:region": "region",
            "Sales:staff": "manager",
            "Tel:phone": "phone",
            "E-mail:mail": "contact.email",
            "Address:address": "address",
        },
    ),
    (CUSTOMERS, {"客户名称:company": "name", "客户名:text": None, "省:region": "region", "市:region": None}),
    (
        CUSTOMERS,
        {
            "联系人 › 姓名:name": "contact.name",
            "联系人 › 电话:mobile": "contact.mobile",
            "公司 › 名称:company": "name",
            "公司 › 电话:phone": "phone",
        },
    ),
    (
        CUSTOMERS,
        {
            "名称:company": "name",
            "地 区:region": "region",
            "*客户等级（必填）:level": "level",
            "联系\u3000电话:phone": "phone",
        },
    ),
    (
        CONTACTS,
        {
            "公司:company": "customer",
            "姓名:name": "name",
            "职务:text": "title",
            "手机号:mobile": "mobile",
            "座机:phone": "office_phone",
            "性别:text": "gender",
            "备注:text": "memo",
        },
    ),
    (
        TALKS,
        {
            "客户名称:company": "customer",
            "拜访日期:date": "at",
            "拜访人:staff": "author",
            "拜访内容:text": "details",
            "方式:text": "way",
            "客户联系人:name": "contact",
            "主题:text": "summary",
        },
    ),
    (
        OPPORTUNITIES,
        {
            "项目名称:text": "summary",
            "客户单位:company": "customer_name",
            "预算（万元）:amount": "amount",
            "商机来源:text": "source",
            "负责人:staff": "assignee",
            "联系人:name": "contact_name",
            "手机:mobile": "contact_phone",
            "赢率:amount": "chance",
            "需求描述:text": "description",
        },
    ),
]


def match(targets, columns: dict[str, list[str]], remembered=None) -> dict[str, Match]:
    found = match_columns(list(columns), list(columns.values()), targets, remembered)
    return dict(zip(columns, found, strict=True))


@pytest.mark.parametrize("place", range(len(OFFICES)))
def test_heads_of_an_office_find_their_targets(place):
    targets, heads = OFFICES[place]
    columns = {head.partition(":")[0]: SAMPLES[head.partition(":")[2]] for head in heads}
    found = match(targets, columns)
    assert {head: each.target for head, each in found.items()} == dict(zip(columns, heads.values(), strict=True))


def test_each_way_of_finding_is_named():
    found = match(
        CUSTOMERS,
        {
            "客户名称": SAMPLES["company"],
            "所在省份": ["江苏"],
            "序号": ["1", "2"],
            "客户所在行业": ["化工"],
            "甲": [CODE] * 3,
            "乙": ["随便"],
            "丙": [],
            "负责": ["周晓明"],
        },
        {head_key("丁"): "level"},
    )
    assert {head: each.why for head, each in found.items()} == {
        "客户名称": "名称相同",
        "所在省份": "同义词",
        "序号": "连续数字",
        "客户所在行业": "与「行业」相近",
        "甲": "按内容猜（校验位 3 / 3）",
        "乙": "没有对应",
        "丙": "没有内容",
        "负责": "与「负责人」相近",
    }
    assert found["序号"].ignored
    assert found["丙"].ignored
    assert not found["乙"].ignored
    assert [head for head, each in found.items() if not each.sure] == ["乙", "负责"]


def test_content_alone_is_marked_unless_it_leaves_no_doubt():
    found = match(
        CUSTOMERS,
        {
            "A": SAMPLES["company"],
            "B": SAMPLES["mobile"],
            "C": SAMPLES["mail"],
            "D": [CODE],
            "E": SAMPLES["address"],
            "F": SAMPLES["staff"],
        },
    )
    assert {head: each.target for head, each in found.items()} == {
        "A": "name",
        "B": "contact.mobile",
        "C": "contact.email",
        "D": "license_number",
        "E": "address",
        "F": "manager",
    }
    assert {head for head, each in found.items() if each.sure} == {"B", "C", "D"}
    assert found["A"].why == "按内容猜，请看一眼"


def test_a_head_whose_content_is_another_kind_asks_for_a_look():
    found = match(CUSTOMERS, {"客户电话": ["王芳", "李建国", "张三"], "建立合作日期": ["五百", "很久"]})
    assert found["客户电话"].target == "phone"
    assert found["客户电话"].why == "名称相同，内容不像，请看一眼"
    assert not found["客户电话"].sure
    assert not found["建立合作日期"].sure


def test_what_was_chosen_before_goes_first():
    remembered = {
        head_key("客户类型 "): "industry",
        head_key("备注"): None,
        head_key("老列"): "gone",
        head_key("电话"): "fax",
    }
    found = match(CUSTOMERS, {"客户类型": ["A"], "备注": ["x"], "老列": ["x"], "电话": SAMPLES["phone"]}, remembered)
    assert found["客户类型"] == Match(0, "industry", "上次的选择", True)
    assert found["备注"] == Match(1, None, "上次的选择", True, ignored=True)
    assert found["老列"].target is None
    assert found["电话"].target == "fax"


def test_a_target_remembered_for_two_columns_goes_to_the_first():
    found = match(CUSTOMERS, {"甲": ["x"], "乙": ["y"]}, {head_key("甲"): "name", head_key("乙"): "name"})
    assert [each.target for each in found.values()] == ["name", None]


def test_the_surer_column_wins_and_the_other_says_why():
    found = match(CUSTOMERS, {"公司": SAMPLES["company"], "客户名称": SAMPLES["company"]})
    assert [each.target for each in found.values()] == [None, "name"]
    assert found["公司"].why == "「客户名称」已有更合适的列"


def test_units_and_foreign_currencies_are_read_from_heads():
    found = match(CUSTOMERS, {"注册资金（元）": ["1"], "年营业额（美元）": ["1"], "备注（美元）": ["x"]})
    assert [each.target for each in found.values()] == ["registered_capital", "annual_turnover", "contact.memo"]
    assert [each.unit for each in found.values()] == ["元", "", ""]
    assert "只能导入人民币" in found["年营业额（美元）"].fault
    assert not found["备注（美元）"].fault


def test_the_unit_of_the_whole_table_counts_for_money_without_a_unit_of_its_own():
    heads = ["注册资金", "年营业额（元）", "客户名称"]
    found = match_columns(heads, [["1"]] * 3, CUSTOMERS, unit="亿元")
    assert [each.unit for each in found] == ["亿元", "元", ""]
    assert ask_unit("注册资金", ["5000000"], "万元", "万元") is None


def test_numbers_of_rows_are_known_by_head_and_content():
    found = match(CUSTOMERS, {"编号": ["K01", "K02"], "No.": ["1", "2", "3"], "序号": ["12", "5", "900"]})
    assert found["编号"].target == "number"
    assert found["No."].ignored
    assert not found["序号"].ignored


HEAD = st.one_of(st.sampled_from([word for meaning in MEANINGS for word in words_for(meaning)]), st.text(max_size=12))
VALUE = st.one_of(st.sampled_from([value for values in SAMPLES.values() for value in values]), st.text(max_size=12))


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(HEAD, st.lists(VALUE, max_size=6)), max_size=12), st.sampled_from([CUSTOMERS, TALKS]))
def test_any_heads_are_matched_each_target_at_most_once(columns, targets):
    found = match_columns([head for head, _ in columns], [values for _, values in columns], targets)
    taken = [each.target for each in found if each.target]
    assert len(found) == len(columns)
    assert len(taken) == len(set(taken))
    assert set(taken) <= {target.key for target in targets}
    assert all(each.why and each.column == place for place, each in enumerate(found))
    assert not any(each.ignored and each.target for each in found)


@pytest.mark.parametrize("targets", [CUSTOMERS, CONTACTS, TALKS, OPPORTUNITIES])
def test_every_own_label_finds_its_own_target(targets):
    found = match(targets, {target.head: ["x"] for target in targets})
    assert {head: each.target for head, each in found.items()} == {target.head: target.key for target in targets}


@pytest.mark.parametrize("meaning", MEANINGS)
def test_the_words_of_a_meaning_are_all_different(meaning):
    words = [fold_name(word) for word in words_for(meaning)]
    assert all(words)
    assert len(set(words)) == len(words)


def test_an_unknown_meaning_is_a_mistake():
    with pytest.raises(KeyError):
        assert Target("x", "X", meaning="nothing").words


@pytest.mark.parametrize(
    ("text", "phone", "mobile"),
    [
        ("13800001234", True, True),
        ("+86 138-0000-1234", True, True),
        ("0532-88881234", True, False),
        ("0315-5555 1274", True, False),
        ("88881234", True, False),
        ("(0532)88881234转801", True, False),
        ("400-800-8888", True, False),
        ("13800001234/13900005678", True, False),
        ("0532-88881234、88885678", True, False),
        ("12345", False, False),
        ("王芳", False, False),
        ("2024-03-05", False, False),
        ("500", False, False),
        (CODE, False, False),
        ("", False, False),
    ],
)
def test_numbers_of_phones_are_known(text, phone, mobile):
    assert (is_phone(text), is_mobile(text)) == (phone, mobile)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("王芳", True), ("欧阳锋", True), ("小周", True), ("主管", False), ("青岛海天机械", False), ("Bob", False)],
)
def test_names_of_people_are_known(text, expected):
    assert is_person_name(text) is expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "2", "3"], True),
        (["101", "102"], True),
        (["1", "1"], False),
        (["3", "2"], False),
        (["1"], False),
        (["1", "x"], False),
        (["13800001234", "13800001235"], False),
    ],
)
def test_counting_of_rows_is_told_from_codes(values, expected):
    assert counts_rows(values) is expected


# Units


@pytest.mark.parametrize(
    ("head", "bare", "unit"),
    [
        ("注册资本（元）", "注册资本", "元"),
        ("注册资本[万元]*", "注册资本", "万元"),
        ("年产值：亿元", "年产值", "亿元"),
        ("金额（单位：千元）", "金额", "千元"),
        ("★客户名称(必填)", "客户名称", ""),
        ("（备注）", "备注", ""),
        ("万元", "万元", "万元"),
    ],
)
def test_heads_are_taken_apart(head, bare, unit):
    name = read_head(head)
    assert (name.bare, name.unit) == (bare, unit)


def test_amounts_that_look_like_yuan_ask_for_their_unit():
    question = ask_unit("注册资本", ["5000000", "300", "100万元"], "万元")
    assert question.likely == "元"
    assert question.choices == ("元", "万元")
    assert "1 个数达到 100,000" in question.why
    assert ask_unit("注册资本", ["¥300"], "万元")
    assert ask_unit("注册资本（元）", ["5000000"], "万元") is None
    assert ask_unit("注册资本", ["500", "1200", "无"], "万元") is None
    assert ask_unit("注册资本", ["5000000元"], "万元") is None
    assert ask_unit("金额", ["5000000"], "元") is None


def test_amounts_are_converted_exactly():
    assert str(convert("5,000,000", "元", "万元")) == "500"
    assert str(convert("1.5亿", "元", "万元")) == "15000"
    assert str(convert("12.3456", "", "万元")) == "12.3456"


# The goal: a foreign sheet of 5,000 rows


def make_codes(count: int) -> list[str]:
    bodies = (f"9137{number:04}MA3{number:06}"[:17] for number in range(count))
    return [body + code_check_character(body) for body in bodies]


FOREIGN = {
    "公司名称": "name",
    "所在省份": "region",
    "客户类型": "level",
    "所属行业": "industry",
    "负责人": "manager",
    "联系电话": "phone",
    "联系人": "contact.name",
    "职务": "contact.title",
    "移动电话": "contact.mobile",
    "税号": "license_number",
    "首次合作时间": "cooperation_since",
    "注册资金（元）": "registered_capital",
}
# Each wrong value with what it means; "" where only a person knows.
WRONG = {
    "region": {
        "江苏": "华东",
        "河北省唐山市": "华北",
        "唐山": "华北",
        "河北唐山": "华北",
        "内蒙": "华北",
        "华中": "中南",
        "北京市": "北京",
        "广东-深圳": "中南",
        "西南": "西部",
        "新疆维吾尔自治区": "西部",
        "沈阳市": "东北",
        "鲁": "华东",
        "火星": "",
    },
    "level": {
        "重点客户": "重点开发客户",
        "一般": "普通客户",
        "战略客户": "战略合作伙伴",
        "大客戶": "大客户",
        "VIP": "",
        "重点开发": "重点开发客户",
    },
    "industry": {
        "电厂": "电力能源",
        "化公": "化工",
        "食品": "食品饮料",
        "制药": "医药",
        "污水处理": "水务环保",
        "地铁": "轨道交通",
        "机械": "机械制造",
        "其它": "其他",
        "半导体": "电子",
        "玻璃制造": "",
    },
    "manager": {
        "小周": "周晓明",
        "陈总": "陈志刚",
        "zhaorui": "赵睿",
        "王小宏": "王小红",
        "销售部-吴海涛": "吴海涛",
        "刘娜（北京）": "刘娜",
        "欧阳经理": "欧阳锋",
        "孙 丽": "孙丽",
        "小王": "",
        "张三": "",
        "晓明": "周晓明",
    },
}


def foreign_sheet() -> bytes:
    """Return a sheet of 5,000 rows with titles, foreign heads and wrong values in every tenth row."""
    chance = random.Random(5)
    rights = {
        "region": REGIONS,
        "level": ["普通客户", "大客户"],
        "industry": ["化工", "电子"],
        "manager": list(STAFF.values()),
    }
    wrong = [(key, text) for key, texts in WRONG.items() for text in texts]
    rows = []
    for number, code in enumerate(make_codes(5000)):
        values = {key: chance.choice(list(texts)) for key, texts in rights.items()}
        if number % 10 == 0:
            key, text = wrong[number // 10 % len(wrong)]
            values[key] = text
        rows.append(
            [
                f"青岛第{number}机械有限公司",
                values["region"],
                values["level"],
                values["industry"],
                values["manager"],
                f"0532-8{number:07}",
                "王芳",
                "采购主管",
                f"138{number:08}",
                code,
                f"{2000 + number % 24}.{number % 12 + 1}.5",
                1_000_000 + number,
            ]
        )
    book = workbook(["客户台账（2026）"], [], list(FOREIGN), *rows, ["合计"])
    return book_bytes(book)


def test_a_foreign_sheet_of_5000_rows_is_understood(tmp_path):
    path = tmp_path / "upload"
    path.write_bytes(foreign_sheet())
    table = sheets.read(path, "客户台账2026.xlsx")
    found = match_columns([head.text for head in table.heads], table.samples(), CUSTOMERS)
    assert {table.heads[each.column].text: each.target for each in found} == FOREIGN
    assert all(each.sure for each in found)
    counts: dict[str, dict[str, int]] = {each.target: {} for each in found}
    for row in table:
        for each in found:
            text = row.cells[each.column]
            counts[each.target][text] = counts[each.target].get(text, 0) + 1
    assert table.row_count == 5000
    assert [skipped.why for skipped in table.skipped] == ["列名上方的行", "合计行"]
    known = {
        "region": (candidates(*REGIONS), Kind.REGION),
        "manager": (staff(), Kind.PERSON),
        "level": (candidates(*CUSTOMERS[5].choices), Kind.CHOICE),
        "industry": (candidates(*CUSTOMERS[4].choices), Kind.CHOICE),
    }
    proposed = {}
    for key, (values, kind) in known.items():
        for proposal in repairs.propose(counts[key], values, kind):
            assert proposal.rows == counts[key][proposal.value]
            proposed[key, proposal.value] = proposal.candidate.label if proposal.candidate else ""
    expected = {
        (key, text): right
        for key, texts in WRONG.items()
        for text, right in texts.items()
        if fold_name(text) not in {fold_name(value.label) for value in known[key][0]} and text not in STAFF
    }
    assert proposed == expected
    assert len(proposed) >= 36
    assert sum(bool(right) for right in proposed.values()) >= 30
    dates = date_patterns.guess(counts["cooperation_since"])
    assert (dates.pattern, dates.question, dates.fits) == ("ymd", "", 5000)
    assert ask_unit(table.heads[11].text, counts["registered_capital"], "万元") is None
