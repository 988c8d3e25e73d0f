"""Sums with the unit of their cell or head: exact, or no sum at all."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.exchange.amounts import UNITS, parse_amount, parse_exact, parse_header_unit

STEADY = settings(deadline=None, derandomize=True, database=None, max_examples=100)


@pytest.mark.parametrize(
    ("head", "unit"),
    [
        ("注册资本", ""), ("注册资本（元）", "元"), ("注册资本(万元)", "万元"),
        ("年营业额[亿元]", "亿元"), ("注册资本【千元】", "千元"),
        ("注册资本（百万元）", "百万元"), ("注册资本（单位：万元）", "万元"),
        ("注册资本（人民币万元）", "万元"), ("注册资本万元", "万元"),
        ("注册资本 / 元", "元"), ("注册资本（实缴）（万元）", "万元"),
        ("注册资本（实缴）", ""), ("注册资本（ 万 元 ）", "万元"),
    ],
)  # fmt: skip
def test_the_unit_of_a_head(head, unit):
    assert parse_header_unit(head) == unit


@pytest.mark.parametrize("head", ["注册资本（万美元）", "注册资本（USD）", "注册资本（$）", "注册资本（港元）"])
def test_other_currencies_are_refused(head):
    with pytest.raises(ValueError, match="人民币"):
        parse_header_unit(head)


@pytest.mark.parametrize(
    ("text", "unit", "into", "expected"),
    [
        ("5000000", "元", "万元", "500"), ("500万", "元", "万元", "500"), ("3亿", "万元", "万元", "30000"),
        ("500 万元", "元", "万元", "500"), ("5,000,000元", "万元", "万元", "500"), ("1.2亿元", "万元", "万元", "12000"),
        ("12.5", "百万元", "万元", "1250"), ("7", "千元", "万元", "0.7"), ("人民币500万元整", "万元", "万元", "500"),
        ("1234567", "元", "万元", "123.4567"), ("５００万", "万元", "万元", "500"), ("0", "元", "万元", "0"),
    ],
)  # fmt: skip
def test_a_sum_is_converted_exactly(text, unit, into, expected):
    assert parse_amount(text, unit, into)[0] == Decimal(expected)


@pytest.mark.parametrize("text", ["500万美元", "约500万", "1,23", "NaN", "1_000", "五百万", "1.38E+10", "1e999999999"])
def test_what_is_no_sum_is_refused(text):
    with pytest.raises((InvalidOperation, ValueError)):
        parse_amount(text, "元", "万元")


@STEADY
@given(st.decimals(0, 10**9, places=2), st.sampled_from(sorted(UNITS)), st.sampled_from(["元", "万元"]))
def test_no_sum_changes_by_its_unit(number, unit, into):
    found, _ = parse_amount(str(number), unit, into)
    assert found * UNITS[into] == number * UNITS[unit]


def test_thousands_are_read_in_groups_of_three_only():
    assert parse_exact("1,234,567.5") == Decimal("1234567.5")
    with pytest.raises(InvalidOperation):
        parse_exact("1,2345")
