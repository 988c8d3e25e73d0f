"""Numbers that a spreadsheet has shortened are refused wherever a number is kept as text."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models

from customers.models import Contact, Customer
from kit.domain.shortened_numbers import SHORTENED_REFUSED, is_shortened_number, refuse_shortened

NUMBERS = ("电话", "手机", "传真", "编号", "账号", "代码", "登记号", "邮政编码")
# Made by the system, or mirrored: the feed refuses them row by row, see customers/sync/rows.py.
ELSEWHERE = {
    "customers.Customer.number", "customers.Order.number", "customers.OrderLine.product_number",
    "customers.ParkedOrder.number", "customers.ParkedOrder.customer_key", "basedata.Product.number",
    "basedata.SyncRefusal.key", "services.ServiceRequest.number",
}  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "1.38E+10",
        "6.22848E+18",
        "9.13702E+17",
        "1E+10",
        "1.38e+10",
        " 1.38E+10 ",
        "１．３８Ｅ＋１０",
        "2.00E-03",
        "1.38E10",
    ],
)
def test_shortened_numbers_are_recognised(text):
    assert is_shortened_number(text)


@pytest.mark.parametrize("text", ["", "13800000000", "1E5", "2E-3", "E+10", "AB1.38E+10", "1.38", "91370200MA3C1E5X2T"])
def test_codes_are_no_shortened_numbers(text):
    assert not is_shortened_number(text)


def fields():
    ours = {"crm", "accounts", "basedata", "customers", "marketing", "services", "reports", "kit"}
    for model in (model for model in apps.get_models() if model.__module__.partition(".")[0] in ours):
        for field in model._meta.fields:
            label = str(field.verbose_name)
            if isinstance(field, models.CharField) and not field.choices and any(word in label for word in NUMBERS):
                yield f"{model._meta.app_label}.{model.__name__}.{field.name}", field


def test_every_text_that_holds_a_number_refuses_a_shortened_one():
    checked = 0
    for name, field in fields():
        if name in ELSEWHERE or not field.editable:
            continue
        assert SHORTENED_REFUSED in refusals(field), name
        checked += 1
    assert checked >= 12


def refusals(field):
    try:
        field.run_validators("1.38E+10")
    except ValidationError as refused:
        return refused.messages
    return []


@pytest.mark.parametrize("name", ["phone", "bank_account", "license_number", "external_number", "postcode", "fax"])
def test_the_sentence_stands_alone(name):
    with pytest.raises(ValidationError) as refused:
        Customer._meta.get_field(name).run_validators("1.38E+10")
    assert refused.value.messages == [SHORTENED_REFUSED]


def test_phones_of_contacts_too():
    assert all(refuse_shortened in Contact._meta.get_field(name).validators for name in ("mobile", "office_phone"))
