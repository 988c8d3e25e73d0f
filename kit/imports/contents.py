"""What the values of a column look like: how many of them fit a kind of target."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import InvalidOperation
from functools import lru_cache
from itertools import pairwise

from kit.domain.credit_codes import is_credit_code
from kit.domain.folding import fold_code, fold_name, fold_number, fold_width
from kit.domain.shortened_numbers import is_shortened_number
from kit.exchange.amounts import parse_amount

from .date_patterns import is_date
from .places import is_place
from .targets import Kind, Target

MOBILE = re.compile(r"1[3-9]\d{9}")
LANDLINE = re.compile(r"(?:[1-9]\d{1,2})?[2-8]\d{6,7}(?:\d{1,6})?|[48]00\d{7}")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[a-z]{2,}", re.I)
WEBSITE = re.compile(
    r"(?:https?://)?(?:www\.)?[\w-]+(?:\.[\w-]+)*\.(?:com|cn|net|org|edu|gov|io|top|shop|vip)(?:/\S*)?", re.I
)
COMPANY = re.compile(
    (
        ".{2,}(?:公司|集团|厂|院|所|中心|学校|大学|医院|银行|合作社|商行|经营部|门市部|工作室|事务所|协会|局|电站|电厂|矿"
        "|分公司|店|(?:co\\.?,?\\s*)?ltd\\.?|inc\\.?|gmbh|llc)(?:[(（].{1,12}[)）])?"
    ),
    re.I,
)
ADDRESS = re.compile(
    r"(?:.*[省市区县州盟旗镇乡村].*(?:[路街道巷村镇园弄里庄屯]|大厦|广场|工业|开发).*|.*[路街道巷弄].*\d+号.*)"
)
SURNAMES = frozenset(
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎鲁韦昌马苗凤花方"
    "俞任袁柳酆鲍史唐费廉岑薛雷贺倪汤滕殷罗毕郝邬安常乐于时傅皮卞齐康伍余元卜顾孟平黄和穆萧尹姚邵湛汪祁毛禹狄米贝明臧"
    "计伏成戴谈宋茅庞熊纪舒屈项祝董梁杜阮蓝闵席季麻强贾路娄危江童颜郭梅盛林刁钟徐邱骆高夏蔡田樊胡凌霍虞万支柯管卢莫房"
    "裘缪解应宗丁宣邓郁单杭洪包左石崔吉龚程嵇邢裴陆荣翁荀羊惠甄曲家封储靳段焦巴牧车侯全班仰秋仲伊宫宁仇栾甘厉戎祖武符"
    "刘景詹束龙叶司黎薄印宿白蒲邰从索赖卓蔺屠蒙池乔阳胥闻党翟谭贡劳姬申扶冉宰雍桑桂牛寿通边扈燕冀尚农温庄晏柴瞿阎慕连"
    "习容向古易廖耿满匡国文寇广东欧沃利师巩聂关曾沙养丰巢游权盖肖"
)
COMPOUND_SURNAMES = frozenset(
    [
        "欧阳",
        "司马",
        "上官",
        "诸葛",
        "东方",
        "皇甫",
        "尉迟",
        "公孙",
        "慕容",
        "令狐",
        "司徒",
        "夏侯",
        "长孙",
        "宇文",
        "端木",
        "南宫",
        "百里",
        "呼延",
        "轩辕",
        "闻人",
        "澹台",
        "公羊",
        "赫连",
    ]
)
IDEOGRAPHS = re.compile(r"[\u3400-\u9fff·]+")
YES_NO = frozenset(["是", "否", "有", "无", "y", "n", "yes", "no", "true", "false", "√", "×", "1", "0", "对", "错"])
SHORT = 30


def is_phone(text: str) -> bool:
    """Tell whether a text is one phone number, or several."""
    whole = fold_width(text)
    parts = [whole] if _is_phone_number(whole) else [part for part in re.split(r"[/、;；,，\s]+", whole) if part]
    return bool(parts) and all(map(_is_phone_number, parts))


def _is_phone_number(text: str) -> bool:
    if not re.fullmatch(r"[\d\s()+\-—–.转ext#*]+", text, re.I):
        return False
    if is_date(text):
        return False
    number = fold_number(re.sub(r"(?:转|ext\.?|#|\*)\s*\d{1,6}$", "", text, flags=re.I))
    return bool(MOBILE.fullmatch(number) or LANDLINE.fullmatch(number))


def is_clear_phone(text: str) -> bool:
    """Tell whether a text is a phone number whatever stands above it: 88881234 may be an amount."""
    return is_phone(text) and (is_mobile(text) or not re.fullmatch(r"[1-9]\d{6,7}", fold_width(text)))


def is_mobile(text: str) -> bool:
    return bool(re.fullmatch(r"[\d\s+\-()（）]+", fold_width(text)) and MOBILE.fullmatch(fold_number(text)))


def is_person_name(text: str) -> bool:
    """Tell whether a text is the name of a person, or a surname with a title."""
    plain = fold_width(text).replace(" ", "")
    if not IDEOGRAPHS.fullmatch(plain) or not 2 <= len(plain) <= 4:
        return False
    return plain[0] in SURNAMES or plain[:2] in COMPOUND_SURNAMES or plain[0] in "小老阿"


def is_number(text: str) -> bool:
    try:
        parse_amount(text, "元", "元")
    except InvalidOperation:
        return False
    return True


def _is_code(text: str) -> bool:
    code = fold_code(text)
    return 3 <= len(code) <= SHORT and code.isascii() and bool(re.search(r"\d", code)) and not is_shortened_number(text)


TESTS: dict[Kind, Callable[[str], bool]] = {
    Kind.NUMBER: is_number,
    Kind.MONEY: is_number,
    Kind.DATE: is_date,
    Kind.REGION: is_place,
    Kind.NAME: is_person_name,
    Kind.PERSON: is_person_name,
    Kind.COMPANY: lambda text: bool(COMPANY.fullmatch(text.strip())),
    Kind.PHONE: is_phone,
    Kind.EMAIL: lambda text: bool(EMAIL.fullmatch(fold_width(text))),
    Kind.WEBSITE: lambda text: bool(WEBSITE.fullmatch(fold_width(text))),
    Kind.ADDRESS: lambda text: bool(ADDRESS.fullmatch(text.strip())) and len(text) > 5,
    Kind.CODE: _is_code,
    Kind.CREDIT_CODE: lambda text: is_credit_code(fold_code(text)),
    Kind.YES_NO: lambda text: fold_width(text).lower() in YES_NO,
}
# Kinds whose values leave no doubt; others are only asked whether they agree with the head.
TELLING = {Kind.CREDIT_CODE: 30, Kind.EMAIL: 28, Kind.PHONE: 24, Kind.WEBSITE: 22, Kind.COMPANY: 20, Kind.DATE: 12,
           Kind.REGION: 16, Kind.PERSON: 18, Kind.CHOICE: 18, Kind.ADDRESS: 14, Kind.NAME: 10}  # fmt: skip


@lru_cache(maxsize=256)
def _folded(choices: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(fold_name, choices))


def count_fitting(target: Target, values: Sequence[str]) -> int | None:
    """Return how many of the values fit a target, None when any value would."""
    known = _folded(target.choices)
    if target.kind in (Kind.CHOICE, Kind.PERSON) and known:
        return sum(fold_name(value) in known for value in values)
    test = TESTS.get(target.kind)
    if test is None:
        return None
    return sum(test(value) or fold_name(value) in known for value in values)


def is_record_value(text: str) -> bool:
    """Tell whether a text is a value and no head: a company, a place, a number."""
    return any(TESTS[kind](text) for kind in (Kind.COMPANY, Kind.REGION, Kind.NUMBER, Kind.DATE, Kind.EMAIL))


def counts_rows(values: Sequence[str]) -> bool:
    """Tell whether the values only number the rows: 1, 2, 3 …"""
    if len(values) < 2 or not all(re.fullmatch(r"\d{1,7}", value) for value in values):
        return False
    numbers = list(map(int, values))
    steps = [later - earlier for earlier, later in pairwise(numbers)]
    return numbers[0] <= 1000 and sum(step == 1 for step in steps) >= 0.9 * len(steps) and min(steps) >= 0
