"""客户贡献分析 in pure numbers, against the rules said another way, and the toy anchors."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.domain.money import shorten_amount
from reports.figure_cells import SHARED, change, percent, shares, signed
from reports.ranking import Ranking

AMOUNTS = st.lists(st.decimals(-(10**6), 10**7, places=7, allow_nan=False), max_size=40)


def ranked(*amounts):
    return Ranking.of((key, Decimal(amount), 1) for key, amount in enumerate(amounts, start=1))


@pytest.mark.parametrize(
    ("amounts", "said"),
    [
        ((1, 1, 1), ["33.4", "33.3", "33.3"]),
        ((0, 0), ["0.0", "0.0"]),
        ((), []),
        ((1,), ["100.0"]),
        ((999, 1, 0), ["99.9", "0.1", "0.0"]),
        ((1, 1, 1, 1, 1, 1, 1), ["14.3"] * 6 + ["14.2"]),
    ],
)
def test_shares_add_up_by_the_largest_remainder(amounts, said):
    assert [str(share) for share in shares(amounts)] == said


@given(st.lists(st.decimals(0, 10**9, places=4, allow_nan=False), min_size=1, max_size=60))
def test_shares_always_add_up_and_are_never_a_tenth_away(amounts):
    percentages, total = shares(amounts), sum(map(Fraction, amounts))
    assert sum(percentages) == (100 if total else 0)
    for amount, share in zip(amounts, percentages, strict=True):
        assert not total or abs(Fraction(share) - 100 * Fraction(amount) / total) < Fraction(1, 10)


@given(st.lists(st.decimals(0, 10**5, places=2, allow_nan=False), min_size=2, max_size=60), st.integers(2000, 2600))
def test_of_many_in_order_the_first_have_all_shares(amounts, length):
    many = sorted((amounts * (length // len(amounts) + 1))[:length], reverse=True)
    total = sum(many, Decimal(0))
    first = shares(many[:SHARED], total)
    assert first + [Decimal("0.0")] * (length - SHARED) == shares(many)


def test_the_row_that_crosses_eighty_percent_is_in_a():
    assert [row.grade for row in ranked(70, 20, 6, 4)[:]] == ["A", "A", "B", "C"]
    assert [row.grade for row in ranked(80, 15, 5)[:]] == ["A", "B", "C"]  # what is reached is crossed
    assert [row.grade for row in ranked(100)[:]] == ["A"]
    assert [row.grade for row in ranked("79.9999999", 16, "4.0000001")[:]] == ["A", "A", "C"]


def test_customers_at_or_below_zero_stand_last_without_a_share():
    result = ranked(-5, 30, 0, 70)
    assert [(row.customer, row.amount, row.share, row.grade) for row in result[:]] == [
        (4, 70, Decimal("70.0"), "A"), (2, 30, Decimal("30.0"), "A"), (3, 0, None, "C"), (1, -5, None, "C"),
    ]  # fmt: skip
    assert (result.total, result.base, result.positive, result.a_rows) == (95, 100, 2, 2)
    assert [row.cumulative for row in result[:]] == [Decimal("70.0"), Decimal("100.0"), None, None]


@pytest.mark.parametrize("amounts", [(), (0,), (-1, -2)])
def test_nothing_positive_divides_nothing(amounts):
    result = ranked(*amounts)
    assert (result.base, result.a_rows, result.median, result.largest_share) == (0, 0, None, None)
    assert [row.grade for row in result[:]] == ["C"] * len(amounts)


@given(AMOUNTS)
def test_the_ranking_equals_a_slow_one_with_fractions(amounts):
    result = ranked(*amounts)
    slow = sorted(((Fraction(amount), -key) for key, amount in enumerate(amounts, start=1)), reverse=True)
    base = sum((amount for amount, _ in slow if amount > 0), Fraction(0))
    before = Fraction(0)
    for row, (amount, key) in zip(result[:], slow, strict=True):
        assert (row.customer, Fraction(row.amount)) == (-key, amount)
        grade = "C" if amount <= 0 or before >= base * 95 / 100 else "A" if before < base * 80 / 100 else "B"
        assert row.grade == grade
        before += max(amount, 0)
        if amount > 0:
            assert abs(Fraction(row.cumulative) - 100 * before / base) <= Fraction(1, 20)
    assert result.a_rows == sum(1 for row in result[:] if row.grade == "A")
    assert Fraction(result.total) == sum(amount for amount, _ in slow)
    assert sum((row.share for row in result[:] if row.share is not None), Decimal(0)) in (0, 100)


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("11173600", ("1,117.4", "万元")), ("123456789012", ("1,234.57", "亿元")), ("9999.5", ("9,999.50", "元")),
        ("-25000", ("−2.5", "万元")), ("10000", ("1.0", "万元")), ("0", ("0.00", "元")),
    ],
)  # fmt: skip
def test_amounts_of_tiles(amount, said):
    assert shorten_amount(Decimal(amount)) == said


def test_growth_against_nothing_is_none():
    assert change(Decimal(110), Decimal(100)) == Decimal("10.0")
    assert [change(Decimal(1), before) for before in (None, Decimal(0), Decimal(-5))] == [None] * 3
    assert percent(1, 0) is None
    assert (signed(Decimal("4.8"), "%"), signed(-7), signed(0)) == ("+4.8%", "−7", "0")
