"""The table of fields: complete, true to the model, and what pages, files and tables make of a row."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import models

from customers.imports.table_form import CustomerImportForm, choice_field, column_key
from customers.models import Customer
from customers.page.columns import FILE_FIELDS, PAGE_FIELDS
from customers.page.filters import CustomerFilter, field_filter
from customers.page.list_pages import CustomerList
from customers.records.fields import BLOCKS, FIELDS, FORM_FIELDS, REQUIRED_NAMES, CustomerField, Kind, names
from tests import factories
from tests.html import find, find_all, text, texts, urls

STATUS = CustomerField("status", kind=Kind.CHOICE)
TYPES: dict[Kind, type[models.Field]] = {
    Kind.TEXT: models.Field,
    Kind.CHOICE: models.CharField,
    Kind.ENTRY: models.ForeignKey,
    Kind.SCORE: models.PositiveSmallIntegerField,
    Kind.DAY: models.DateField,
    Kind.TIME: models.DateTimeField,
    Kind.AMOUNT: models.DecimalField,
    Kind.LINK: models.CharField,
    Kind.CUSTOMER: models.ForeignKey,
    Kind.USER: models.ForeignKey,
}


def test_every_column_of_the_model_has_one_row_and_nothing_else_has():
    assert sorted(names(FIELDS)) == sorted(field.name for field in Customer._meta.concrete_fields)


def test_kinds_and_blocks_are_those_that_model_and_form_know():
    fields = {row.name: Customer._meta.get_field(row.name) for row in FIELDS}
    assert [row.name for row in FIELDS if not isinstance(fields[row.name], TYPES[row.kind])] == []
    chosen = {row.name for row in FIELDS if row.kind in (Kind.CHOICE, Kind.SCORE)}
    assert chosen == {name for name, field in fields.items() if field.choices}
    assert {row.block for row in FIELDS} == {"", *BLOCKS}


@pytest.mark.django_db
def test_what_the_list_exports_under_a_header_is_read_by_the_import_as_the_same_field():
    form, asked = CustomerImportForm(), names(FORM_FIELDS)
    own = len(PAGE_FIELDS) + len(FILE_FIELDS)
    columns = zip([*PAGE_FIELDS, *FILE_FIELDS], CustomerList.columns[:own], strict=True)
    headers = {row.name: column.file_header for row, column in columns}
    assert asked
    assert {name: form.columns.get(column_key(headers[name])) for name in asked} == {name: name for name in asked}
    assert all(form.knows_column(column.file_header) for column in CustomerList.columns)


def test_lists_and_filters_keep_an_order_of_their_own():
    shown = [name for name in names(PAGE_FIELDS) if name in ("region", "manager", "level", "credit")]
    assert shown == ["region", "manager", "level", "credit"]  # the form asks for 客户经理 after all of them
    assert [name for name in names(FILE_FIELDS) if name in ("bank", "parent", "cooperation_since")] == [
        "bank", "cooperation_since", "parent",
    ]  # fmt: skip
    offered = [name for name in CustomerFilter.base_filters if name in ("manager", "department", "level", "industry")]
    assert offered == ["manager", "department", "level", "industry"]


def test_a_choice_is_filtered_by_the_models_choices_and_read_by_its_text():
    choice = field_filter(STATUS)
    assert (choice.label, choice.extra["choices"]) == ("状态", Customer.Status.choices)
    assert "null_label" not in choice.extra  # the column is never NULL
    field = choice_field(STATUS)
    field.required = False
    assert (field.clean(" 流 失 "), field.clean("")) == ("lost", "")
    with pytest.raises(ValidationError, match="「lost」不是可选的值，可填写正常、流失。"):
        field.clean("lost")


@pytest.mark.django_db
def test_the_page_shows_each_field_in_its_block_and_by_its_kind(company, sign_in):
    group = factories.CustomerFactory(name="海河集团", manager=company.manager)
    customer = factories.CustomerFactory(
        name="海河水务有限公司", manager=company.manager, parent=group, website="https://haihe.example",
        annual_turnover=Decimal("1200.5"), bank_account="6222020200112233", industry=factories.entry("行业", "化工"),
    )  # fmt: skip
    page = sign_in(company.manager).get(f"/customers/{customer.pk}/?tab=info")
    assert texts(page, "section.card:has(dl.kv) h2") == list(BLOCKS[:3])  # nothing was registered before 三证合一
    shown = dict(zip(texts(page, "dl.kv dt"), texts(page, "dl.kv dd"), strict=True))
    assert (shown["上级单位"], shown["行业"], shown["年营业额（万元）"]) == ("海河集团", "化工", "1,200.50")
    assert (shown["银行账号"], shown["传真"]) == ("6222020200112233", "—")
    assert {"https://haihe.example", group.get_absolute_url()} <= set(urls(page, "dl.kv a"))
    assert [text(find(row, "dt")) for row in find_all(page, "dl.kv div.w")] == ["地址"]
    Customer.objects.filter(pk=customer.pk).update(local_tax_number="370200")
    page = sign_in(company.manager).get(f"/customers/{customer.pk}/?tab=info")
    assert texts(page, "section.card:has(dl.kv) h2") == list(BLOCKS)


def test_what_counts_as_incomplete_is_what_the_field_table_requires():
    """The condition of an index stands in words of its own: a newly required field is added to it, with a migration."""
    lacking = dict(Customer.incomplete.children)
    assert set(lacking) == set(REQUIRED_NAMES)
    for name, value in lacking.items():
        assert value == (None if Customer._meta.get_field(name).null else "")
