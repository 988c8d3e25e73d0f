"""Three messy sheets to try the import with: a list of customers, a list of contacts, a diary of visits.

All organisations and people are invented; the words for regions, levels and industries are those of offices and not
those of the dictionary, so that there is something to repair.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import timezone

from kit.domain.credit_codes import code_check_character
from kit.exchange.free_sheets import FreeSheet, write_free

PEOPLE = ("周晓明", "陈志刚", "张丽娜", "刘宏伟", "王小红", "徐婧", "吴海涛", "郑佳怡")
# Place as it is written, city, area code.
PLACES = (
    ("河北省唐山市", "唐山", "0315"), ("江苏", "苏州", "0512"), ("北京市", "北京", "010"), ("沈阳", "沈阳", "024"),
    ("山东青岛", "青岛", "0532"), ("华中", "武汉", "027"), ("内蒙", "包头", "0472"), ("广东-深圳", "深圳", "0755"),
    ("西南", "成都", "028"), ("陕西", "西安", "029"),
)  # fmt: skip
TRADES = (
    ("玻璃制品", "玻璃制造"), ("机械", "机械制造"), ("热电", "电厂"), ("精细化工", "化工"), ("水处理", "污水处理"),
    ("食品", "食品加工"), ("制药", "制药"), ("电子", "电子元器件"), ("轨道装备", "地铁"), ("仪表", "其它"),
)  # fmt: skip
SIGNS = ("暄和", "榕峰", "漪帆", "泽昌", "隆禾", "峻岭", "澄源", "晟朗", "沐川", "翊航", "恒瀚", "景曜")
LEVELS = ("重点客户", "一般客户", "大客户", "VIP", "普通", "战略客户", "合作伙伴")
SURNAMES, GIVEN = "姜钱孙苏林何罗宋唐韩冯于", ("文博", "国栋", "雅琴", "建军", "思敏", "海燕", "志远", "秀英", "子涵")
TITLES = ("采购主管", "设备科长", "总工程师", "采购经理", "副总经理", "车间主任")
CUSTOMER_COUNT, CONTACT_COUNT, VISIT_COUNT = 200, 80, 60


@dataclass(frozen=True)
class Sample:
    """A file to try. kind: of the records, as the product calls them; told: what is messy about it, in Chinese."""

    key: str
    kind: str
    file_name: str
    told: str
    build: Callable[[Sequence[str], date], bytes]


def company(number: int) -> str:
    """Return the name of an invented company."""
    city, sign = PLACES[number % len(PLACES)][1], SIGNS[number // len(PLACES) % len(SIGNS)]
    trade = TRADES[(number * 7 + number // 100) % len(TRADES)][0]
    return f"{city}{sign}{trade}{'有限公司' if number % 5 else '厂'}"


def person(number: int) -> str:
    return SURNAMES[number % len(SURNAMES)] + GIVEN[number * 5 % len(GIVEN)]


def mobile(number: int) -> str:
    return f"1380000{(number * 37 + 1000) % 10_000:04}"


def _credit_code(number: int) -> str:
    body = f"9113{number:04}MA5{number * 97 % 1_000_000:06}"
    return body + code_check_character(body)


def _nickname(name: str, number: int) -> str:
    """Return a colleague as offices write them: 周晓明, 小周, 周经理."""
    return (name, f"小{name[0]}", name, f"{name[0]}经理", name)[number % 5]


def build_customers(people: Sequence[str], today: date) -> bytes:
    """Return a workbook: titles, heads over two lines, sums in between, notes below, a hidden sheet of last year."""
    heads: list[object] = ["序号", "公司名称", "所在省份", "客户类型", "所属行业", "负责人", "联系电话", "联系人"]
    heads += [None, None, "税号", "注册资金\n（元）", "最近合作", "备注"]
    lower: list[object] = [*[None] * 7, "姓名", "职务", "手机"]
    rows: list[list[object]] = [
        [f"客户台账（{today.year} 年）"],
        ["制表：综合管理部", None, None, f"{today:%Y.%m.%d}"],
        heads,
        lower,
    ]
    for number in range(CUSTOMER_COUNT):
        rows.append(_customer_row(number, people, today))
        if number % 50 == 49:
            rows.append(["小计", f"{number % 50 + 1} 家"])
    rows += [["合计", f"{CUSTOMER_COUNT} 家"], [], ["注：资金以营业执照为准，电话请以最近一次为准。"]]
    down = [(2, column, 3, column) for column in range(len(heads)) if column not in (7, 8, 9)]
    merged = [(0, 0, 0, len(heads) - 1), (2, 7, 2, 9), *down]
    old = FreeSheet("去年（勿动）", [["公司名称"], [company(3)]], hidden=True)
    return _workbook([FreeSheet("填表说明", [["本表由各组每月更新"]]), FreeSheet("客户", rows, merged), old])


def _customer_row(number: int, people: Sequence[str], today: date) -> list[object]:
    place, _, code = PLACES[number % len(PLACES)]
    day = today - timedelta(days=number * 11 % 1500 + 3)
    days: tuple[object, ...] = (day, f"{day:%Y.%m.%d}", f"{day.year}年{day.month}月{day.day}日", f"{day:%Y%m%d}", "无")
    return [
        number + 1, company(number), place, LEVELS[number * 3 % len(LEVELS)],
        TRADES[(number * 7 + number // 100) % len(TRADES)][1], _nickname(people[number % len(people)], number),
        f"{code}-5555{number:04}" if number % 40 != 13 else "#N/A", person(number), TITLES[number % len(TITLES)],
        mobile(number), _credit_code(number), 1_000_000 + number % 9 * 500_000, days[number * 3 % len(days)],
        "四季度检修" if number % 6 == 0 else None,
    ]  # fmt: skip


def build_contacts(people: Sequence[str], today: date) -> bytes:
    """Return a csv in GB18030 with tabs, as older systems hand it out; phones in every form, two heads alike."""
    rows = [["单位", "联系人", "职务", "电话", "电话", "性别", "生日", "说明"]]
    for number in range(CONTACT_COUNT):
        phone = mobile(number)
        forms = (phone, f"{phone[:3]} {phone[3:7]} {phone[7:]}", f"+86{phone}", f"{phone[:3]}-{phone[3:7]}-{phone[7:]}")
        born = date(1965 + number * 7 % 35, number % 12 + 1, number * 5 % 28 + 1)
        days = (f"{born.year}/{born.month}/{born.day}", f"{born:%Y-%m-%d}", "")
        office = f"{PLACES[number % len(PLACES)][2]}-5555{number:04}"
        rows.append([
            company(number), person(number * 3 + 1), TITLES[number * 5 % len(TITLES)], office, forms[number % 4],
            ("男", "女", "先生", "女士", "")[number % 5], days[number % 3], "微信同号" if number % 4 == 0 else "",
        ])  # fmt: skip
    return "".join("\t".join(row) + "\r\n" for row in rows).encode("gb18030")


def build_visits(people: Sequence[str], today: date) -> bytes:
    """Return a workbook with a sheet for each year; dates as month/day/year, authors who have left."""
    heads: list[object] = ["拜访日期", "客户", "拜访人", "方式", "拜访内容", "对方联系人"]
    ways = ("上门拜访", "电话", "微信", "邮件", "座谈")
    words = ("了解四季度检修计划", "回访设备使用情况", "送样并介绍新型号", "催收尾款", "讨论年度框架协议")
    sheets: dict[int, list[list[object]]] = {today.year: [heads], today.year - 1: [heads]}
    for number in range(VISIT_COUNT):
        day = today - timedelta(days=number * 7 + 2)
        author = "李四（已离职）" if number % 9 == 4 else _nickname(people[number * 3 % len(people)], number)
        row: list[object] = [
            f"{day.month}/{day.day}/{day.year}",
            company(number % 40),
            author,
            ways[number % 5],
            words[number % 5],
            person(number),
        ]
        sheets.setdefault(day.year, [heads]).append(row)
    return _workbook([FreeSheet(f"{year}年", rows) for year, rows in sheets.items() if len(rows) > 1])


def _workbook(sheets: Sequence[FreeSheet]) -> bytes:
    stream = io.BytesIO()
    write_free(stream, sheets)
    return stream.getvalue()


SAMPLES = (
    Sample(
        "customers",
        "客户",
        "客户台账.xlsx",
        "标题、两行列名、小计、旧叫法的地区和等级，联系人在同一行",
        build_customers,
    ),
    Sample(
        "contacts", "联系人", "联系人名单.csv", "旧系统导出的文本：国标编码、制表符、各种写法的电话", build_contacts
    ),
    Sample("interactions", "交往记录", "拜访记录.xlsx", "每年一张工作表，日期是月/日/年，有人已离职", build_visits),
)


def build_sample(key: str, people: Sequence[str] = PEOPLE, today: date | None = None) -> bytes:
    """Return the file of a sample. people: names of colleagues; today: up to which its dates reach."""
    sample = next(each for each in SAMPLES if each.key == key)
    return sample.build(people or PEOPLE, today or timezone.localdate())
