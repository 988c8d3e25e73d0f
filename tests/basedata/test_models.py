"""The dictionary and the numbers of records."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from basedata import initial_data
from basedata.models import DictionaryEntry, NumberSequence, reserve_numbers
from tests import factories


class Numbers(TestCase):
    @settings(max_examples=30, deadline=None, derandomize=True, database=None)
    @given(
        st.sampled_from(["KH", "FW", "X"]),
        st.lists(st.integers(1, 1200), min_size=1, max_size=4),
        st.dates(date(1970, 1, 1), date(2999, 12, 31)),
    )
    def test_numbers_are_prefix_day_and_at_least_three_running_digits(self, prefix, counts, day):
        """Every block goes on where the last one ended."""
        numbers = [number for count in counts for number in reserve_numbers(prefix, count, on=day)]
        head = f"{prefix}{day:%y%m%d}"
        assert all(re.fullmatch(rf"{head}\d{{3,}}", number) for number in numbers)
        assert [int(number.removeprefix(head)) for number in numbers] == list(range(1, sum(counts) + 1))
        assert len(set(numbers)) == len(numbers)


@pytest.mark.django_db
def test_the_first_number_of_a_day_reads_as_the_specification_shows_it():
    assert reserve_numbers("KH", on=date(2007, 12, 2)) == ["KH071202001"]


@pytest.mark.django_db
def test_prefixes_and_days_count_apart():
    day, next_day = date(2026, 1, 5), date(2026, 1, 6)
    assert reserve_numbers("KH", 2, on=day) == ["KH260105001", "KH260105002"]
    assert reserve_numbers("FW", on=day) == ["FW260105001"]
    assert reserve_numbers("KH", on=next_day) == ["KH260106001"]
    assert reserve_numbers("KH", on=day) == ["KH260105003"]


@pytest.mark.django_db
def test_the_thousandth_number_has_four_digits():
    assert reserve_numbers("KH", 1000, on=date(2026, 1, 5))[-2:] == ["KH260105999", "KH2601051000"]


@pytest.mark.django_db
def test_the_day_is_the_one_in_shanghai(monkeypatch):
    evening = datetime(2025, 12, 31, 16, 0, 0, tzinfo=UTC)
    monkeypatch.setattr("django.utils.timezone.now", lambda: evening)
    assert reserve_numbers("KH") == ["KH260101001"]


@pytest.mark.django_db
def test_a_day_has_one_sequence_per_prefix():
    NumberSequence.objects.create(prefix="KH", day=date(2026, 1, 5))
    with pytest.raises(IntegrityError), transaction.atomic():
        NumberSequence.objects.create(prefix="KH", day=date(2026, 1, 5))


# The dictionary


@pytest.mark.django_db
@pytest.mark.parametrize("category", initial_data.INITIAL_ENTRIES)
def test_the_shipped_entries_are_there_in_order(category):
    editable, items = initial_data.INITIAL_ENTRIES[category]
    found = DictionaryEntry.objects.of(category)
    assert list(found.values_list("item", "value")) == [(item, str(n)) for n, item in enumerate(items, start=1)]
    assert set(found.values_list("is_editable", flat=True)) == {editable}


@pytest.mark.django_db
def test_levels_and_regions_are_those_of_the_specification():
    levels = DictionaryEntry.objects.of("客户等级").values_list("value", "item", "is_editable")
    assert list(levels) == [
        ("1", "普通客户", False),
        ("2", "重点开发客户", False),
        ("3", "大客户", False),
        ("4", "合作伙伴", False),
        ("5", "战略合作伙伴", False),
    ]
    regions = DictionaryEntry.objects.of("地区").values_list("item", flat=True)
    assert list(regions) == ["北京", "华北", "中南", "东北", "西部"]


@pytest.mark.django_db
def test_shipping_again_brings_back_no_deleted_entry_and_changes_none():
    factories.entry("地区", "西部").delete()
    DictionaryEntry.objects.filter(category="地区", item="北京").update(item="首都")
    before = list(DictionaryEntry.objects.values())
    initial_data.create_initial_entries()
    assert list(DictionaryEntry.objects.values()) == before


@pytest.mark.django_db
def test_shipping_brings_a_category_that_is_missing_entirely():
    DictionaryEntry.objects.of("竞争对手").delete()
    initial_data.create_initial_entries()
    assert list(DictionaryEntry.objects.of("竞争对手").values_list("item", flat=True)) == [
        "进口品牌",
        "本地供应商",
        "客户自制",
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "message"),
    [({"item": "北京", "value": "99"}, "该类别下已有此条目。"), ({"item": "海外", "value": "1"}, "该类别下已有此值。")],
)
def test_item_and_value_are_unique_in_their_category(values, message):
    double = DictionaryEntry(category="地区", **values)
    with pytest.raises(ValidationError) as refused:
        double.validate_constraints()
    assert message in refused.value.messages
    with pytest.raises(IntegrityError), transaction.atomic():
        DictionaryEntry.objects.bulk_create([double])
    DictionaryEntry.objects.create(category="另一类", **values)


@pytest.mark.django_db
def test_an_entry_in_use_is_not_deleted():
    customer = factories.CustomerFactory()
    with pytest.raises(ProtectedError):
        customer.region.delete()
    assert DictionaryEntry.objects.filter(pk=customer.region_id).exists()


@pytest.mark.django_db
def test_a_renamed_entry_shows_everywhere_at_once():
    customer = factories.CustomerFactory()
    DictionaryEntry.objects.filter(pk=customer.region_id).update(item="华北大区")
    customer.refresh_from_db()
    assert str(customer.region) == "华北大区"
