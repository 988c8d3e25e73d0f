"""The kinds of faults, in the order of the list."""

from __future__ import annotations

from .days import impossible_days
from .findings import Kind
from .history import creators_without_access, forgotten_shares, old_merged_cases
from .money import sums_in_yuan, sums_of_wrong_sign
from .texts import codes_in_another_spelling, invisible_signs, shortened_numbers

KINDS = (
    Kind("numbers", "被表格软件缩写的号码", shortened_numbers),
    Kind("days", "不可能的或太远的日期", impossible_days),
    Kind("invisible", "看不见的字符", invisible_signs),
    Kind("sums", "像是以元填写的注册资本和年营业额", sums_in_yuan, is_guess=True),
    Kind("codes", "写法不统一的信用代码、税号和销售系统客户编号", codes_in_another_spelling),
    Kind("returns", "正负与状态不符的订单", sums_of_wrong_sign),
    Kind("merged", "可能因合并而结束、却算作挽回或解除的流失记录", old_merged_cases, is_guess=True),
    Kind("shares", "从前的客户经理还留着的共享", forgotten_shares),
    Kind("creators", "创建人不再看到的客户（规则已改，供核对）", creators_without_access),
)
