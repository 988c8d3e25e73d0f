"""Searching as people speak: pinyin from the middle of a name, several words, numbers in every writing."""

from __future__ import annotations

import pytest
from django.db import transaction

from tests import factories
from tests.customers.test_search import found

pytestmark = pytest.mark.django_db


@pytest.fixture
def glass(company):
    """The customer in glass whose name begins with its city, and its buyer 姜."""
    customer = factories.CustomerFactory(
        name="唐山暄和玻璃制品有限公司", manager=company.manager, address="开平路 3 号", phone="(0315) 5555-1200",
        industry=factories.entry("行业", "机械制造"), region=factories.entry("地区", "华北"), number="KH-GLASS",
    )  # fmt: skip
    factories.ContactFactory(customer=customer, name="姜文博", position="采购主管", mobile="13955551274")
    return customer


@pytest.mark.parametrize(
    "words", ["xuanhe", "xhbl", "bolizhipin", "xuanheb", "XHBL 唐山", "wenbo 暄和", "wb xhbl", "xuanhebolizhipin",
              "tsxhbl", "tangshanxuanhebolizhipinyouxiangongsi"],
)  # fmt: skip
def test_pinyin_from_any_syllable_on_finds(words, glass, company):
    factories.CustomerFactory(name="唐山别家有限公司", manager=company.manager)
    assert found(company.manager, words) == [glass]


@pytest.mark.parametrize(
    "words",
    [
        "唐山 玻璃 姜", "姜 唐山 玻璃", "唐山、玻璃、姜", "唐山，玻璃；姜", "13955551274", "139-5555-1274",
        "139 5555 1274", "１３９５５５５１２７４", "+86 139-5555-1274", "0315-55551200", "031555551200",
        "(0315)55551200", "华北 机械", "机械制造 华北 姜", "ｘｈｂｌ；姜",
        "ＫＨ－ＧＬＡＳＳ", "ｋｈ－ｇｌａｓｓ", "ＸＨＢＬ",
        "唐山　玻璃",
    ],
)  # fmt: skip
def test_words_as_people_type_them(words, glass, company):
    factories.CustomerFactory(name="唐山别家有限公司", manager=company.manager)
    assert found(company.manager, words) == [glass]


def test_a_former_name_is_found_as_people_speak_it(glass, company):
    with transaction.atomic():
        glass.edit(by=company.manager, name="砚丰新材料有限公司")
    for words in ("唐山 玻璃 姜", "xuanhe", "xhbl 砚丰", "暄和 xincailiao"):
        assert found(company.manager, words) == [glass], words
