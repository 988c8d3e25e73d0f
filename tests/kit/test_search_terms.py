"""The index of terms finds whatever comparing the columns finds, on PostgreSQL; and marks say where."""

from __future__ import annotations

import pytest
from django.db import connection

from kit.domain.marks import mark, mark_number
from kit.domain.search_words import Word, read_query
from kit.sql.search_terms import HasTerms, number_terms, sound_term, terms_of, text_terms, whole_term
from tests import factories

TEXTS = "|唐山暄和abb玻璃2厂|kh261002001|=X77|@12|TANGSHANXUANHE|TSXH|'\\é|"
NUMBERS = "|3155551200|13900001111|"


def has(query: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {terms_of(['%s'], ['%s'])} @@ %s::tsquery", [TEXTS, NUMBERS, query])
        return cursor.fetchone()[0]


def parts(text: str) -> set[str]:
    return {text[first:last] for first in range(len(text)) for last in range(first + 1, len(text) + 1)}


@pytest.mark.django_db
@pytest.mark.postgres
def test_every_part_of_a_text_or_number_is_in_the_index():
    for token in ("唐山暄和abb玻璃2厂", "kh261002001", "'\\é"):
        assert [part for part in parts(token) if not has(text_terms(part))] == []
    assert [part for number in NUMBERS.split("|") for part in parts(number) if not has(number_terms(part))] == []
    assert [end for end in range(1, 15) if not has(sound_term("TANGSHANXUANHE"[:end]))] == []
    assert has(whole_term("=X77"))
    assert has(whole_term("@12"))
    for query in (text_terms("山唐"), text_terms("bba"), text_terms("1200"), number_terms("kh26"), sound_term("SXH")):
        assert not has(query), query
    assert not has(whole_term("=X7"))


@pytest.mark.django_db
@pytest.mark.postgres
def test_the_condition_is_the_expression_of_the_index(company):
    """Otherwise PostgreSQL would compute the terms of every row."""
    from customers.models import SearchText
    from customers.search.conditions import NUMBERS as NUMBER_COLUMNS
    from customers.search.conditions import TEXTS as TEXT_COLUMNS

    factories.CustomerFactory(manager=company.manager)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    rows = SearchText.objects.filter(HasTerms(TEXT_COLUMNS, NUMBER_COLUMNS, text_terms("唐山")))
    assert "customers_searchtext_terms" in rows.explain()


def test_marks_follow_the_folding_and_never_let_html_through():
    query = read_query("ab 暄和（玻璃）")
    assert mark("暄和-玻璃ＡＢ<b>", query) == "<mark>暄和-玻璃</mark><mark>ＡＢ</mark>&lt;b&gt;"
    assert mark("", query) == ""
    assert mark_number("0315-5555 1200 转 8", read_query("55551200")) == "0315-<mark>5555 1200</mark> 转 8"


def test_numbers_are_told_by_the_run_they_stand_in():
    assert [word.number for word in read_query("唐山 0315 5555 姜").words] == ["", "0315 5555", "0315 5555", ""]
    assert [word.typed for word in read_query("+86 315").words] == ["315"]
    assert read_query("0315").words[0].digits == (("0315", False), ("315", True))
    assert Word("姜").digits == ()
