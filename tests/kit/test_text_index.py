"""Text anywhere in a field: the same rows on both databases, and on PostgreSQL from an index."""

from __future__ import annotations

import importlib
import re

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import Q

from customers.models import Contact, Customer
from customers.records.duplicates import SearchTerms, _search_conditions
from kit.domain.folding import fold_name, folding_table
from marketing.models import Opportunity
from tests import factories

pytestmark = pytest.mark.django_db
POSTGRES = pytest.mark.skipif(connection.vendor != "postgresql", reason="an index of PostgreSQL")

NAMES = [
    "海河水务有限公司",
    "水海河",
    "ABC 仪表（天津）",
    "a%b_c",
    "100% 棉",
    "单",
    "𠮷野家",
    "水 务",
    "O'Neil \\ Söhne",
]
TEXTS = [
    "水",
    "水务",
    "海河水",
    "务水",
    "abc",
    "C 仪",
    "%",
    "_",
    "a%b",
    "单",
    "𠮷",
    "𠮷野",
    "'",
    "\\",
    "ö",
    "没有的",
    "（天",
    " ",
]


@pytest.fixture
def named(company):
    Customer.objects.bulk_create(
        Customer(name=name, number=f"KH{place}", manager=company.manager) for place, name in enumerate(NAMES)
    )


@pytest.mark.parametrize("text", TEXTS)
def test_it_finds_what_holds_the_text_whatever_case_width_spaces_and_punctuation(text, named):
    found = set(Customer.objects.filter(name__contains_text=text).values_list("name", flat=True))
    plain = text.translate(folding_table())
    assert found == {name for name in NAMES if (plain in fold_name(name) if plain else text in name)}


def test_it_is_asked_through_a_relation_and_negated(named, company):
    customer = Customer.objects.get(name="水海河")
    factories.ContactFactory(customer=customer, name="高志峰")
    assert list(Contact.objects.filter(customer__name__contains_text="海河")) == list(customer.contacts.all())
    assert customer not in Customer.objects.exclude(name__contains_text="海河")
    assert customer in Customer.objects.filter(Q(contacts__name__contains_text="志") | Q(name__contains_text="没有"))
    assert Customer.objects.filter(name__contains_text="").count() == Customer.objects.count()


KINDS = {"text_indexed": ("text",), "number_indexed": ("part", "number"), "plain_indexed": ("plain",)}


def indexed():
    return {
        f"{model._meta.db_table}_{model._meta.get_field(name).column}_{kind}"
        for model in apps.get_models()
        for attribute, kinds in KINDS.items()
        for name in getattr(model, attribute, ())
        for kind in kinds
    } | {"customers_customer_license_number_same"}


@POSTGRES
def test_the_indexes_are_those_the_models_name():
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE indexdef ~ 'crm_(grams|fold)'")
        assert {name for (name,) in cursor.fetchall()} == indexed()


def plan(rows) -> str:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return rows.explain()


def many(company, count=8000):
    Opportunity.objects.bulk_create(
        Opportunity(
            customer_name=f"某某{number}有限公司",
            summary="清江水务" if number % 400 == 0 else f"换热站{number}期",
            success_rate=50,
            created_by=company.manager,
        )
        for number in range(count)
    )


@POSTGRES
def test_a_rare_text_comes_from_the_index_and_a_frequent_one_in_the_lists_order(company):
    many(company)
    visible = Opportunity.objects.visible_to(company.supervisor).order_by("-created_at", "-pk")
    for text in ("清江", "水"):
        seen = plan(visible.filter(summary__contains_text=text)[:20])
        assert "marketing_opportunity_summary_text" in seen
        assert "Seq Scan on marketing_opportunity" not in seen
    either = Q(summary__contains_text="清江") | Q(customer_name__contains_text="清江")
    assert "BitmapOr" in plan(visible.filter(either | Q(contact_name__contains_text="清江"))[:20])
    frequent = plan(visible.filter(customer_name__contains_text="有限公司")[:20])
    assert "Index Scan using marketing_newest" in frequent, "the first rows are read, not all of them sorted"


@POSTGRES
@pytest.mark.parametrize("text", ["鑫水", "水鑫", "鑫鑫水务"])
def test_of_what_occurs_nowhere_next_to_no_rows_are_expected(company, text):
    """Expecting half a percent of them, PostgreSQL looks for the newest twenty in a large table until its end."""
    many(company)
    expected = re.search(r"rows=(\d+)", plan(Opportunity.objects.filter(summary__contains_text=text)))
    assert int(expected[1]) <= 8000 * 0.005 / 20


@POSTGRES
def test_numbers_codes_and_readings_come_from_their_indexes(company):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # of few rows reading the table is cheaper
    Customer.objects.bulk_create(
        Customer(name=f"甲{number}", number=f"N{number}", phone=f"0532-{number:08}", manager=company.manager)
        for number in range(3000)
    )
    asked = {
        "customers_customer_phone_part": Q(phone__contains_number="00002345"),
        "customers_customer_phone_number": Q(phone__same_number="+86 532 0000 2345"),
        "customers_customer_license_number_same": Q(license_number__same_text="91350100m000100y43"),
        "customers_customer_name_readings_plain": Q(name_readings__contains_plain="|ceng"),
    }
    for name, condition in asked.items():
        assert name in plan(Customer.objects.filter(condition)), name
    sought = SearchTerms("海河", license_number="91350100M000100Y43")
    condition, _ = next(_search_conditions(sought, Q()))
    assert "customers_customer_license_number_same" in plan(Customer.objects.filter(condition))


@POSTGRES
def test_without_an_index_of_its_own_a_field_is_simply_compared():
    assert "crm_grams" not in str(Customer.objects.filter(address__contains_text="路").query)


def test_on_sqlite_the_migrations_do_nothing(monkeypatch):
    statements: list[str] = []

    class Editor:
        connection = type("Connection", (), {"vendor": "sqlite"})
        execute = statements.append

    names = ("kit.pages.migrations.0003_foldings", "services.migrations.0003_text_indexes")
    for name in (*names, "services.migrations.0008_folded_texts"):
        for operation in importlib.import_module(name).Migration.operations:
            operation.code(None, Editor)
            operation.reverse_code(None, Editor)
    assert statements == []
