"""Error messages of fields: in Chinese, and saying what to type instead."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from kit.pages.forms import CrmForm
from tests import factories
from tests.html import choices


class Sheet(CrmForm, forms.Form):
    text = forms.CharField(required=False)
    rate = forms.IntegerField(required=False, validators=[MinValueValidator(0), MaxValueValidator(100)])
    amount = forms.DecimalField(required=False, max_digits=14, decimal_places=2, min_value=0)
    own = forms.IntegerField(required=False, min_value=1, error_messages={"min_value": "至少一家。"})


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("text", "a\0b", "含有看不见的控制字符，请删除后重试。"),
        ("rate", "101", "请填写不大于 100 的数。"),
        ("rate", "-1", "请填写不小于 0 的数。"),
        ("rate", "一百", "请填写整数，例如 60。"),
        ("rate", "50.5", "请填写整数，例如 60。"),
        ("amount", "一百", "请填写数字，例如 1200.50。"),
        ("amount", "NaN", "请填写数字，例如 1200.50。"),
        ("amount", "-0.01", "请填写不小于 0 的数。"),
        ("amount", "1.234", "小数点后最多 2 位，请四舍五入后填写。"),
        ("amount", "1234567890123", "数字太大，小数点前最多 12 位，请核对单位。"),
        ("own", "0", "至少一家。"),
    ],
)
def test_a_wrong_value_gets_one_message_that_says_what_to_type(field, value, message):
    assert Sheet({field: value}).errors == {field: [message]}


def test_too_many_digits_get_one_message_for_each_reason():
    errors = Sheet({"amount": "1234567890123.456"}).errors["amount"]
    assert errors[0] == "数字太长，最多 14 位，请核对。"
    assert not [text for text in errors if "确" in text]


def test_right_values_pass():
    form = Sheet({"rate": "100", "amount": "1200.50"})
    assert (form.is_valid(), form.cleaned_data["amount"]) == (True, Decimal("1200.50"))


@pytest.mark.django_db
def test_choosing_nothing_is_called_one_word_whatever_the_field(company, sign_in):
    """请选择 where something must be chosen, 不填 where nothing need be; Django's dashes nowhere."""
    customer = factories.CustomerFactory(manager=company.manager)
    client = sign_in(company.manager)
    page = client.get(f"/customers/{customer.pk}/contacts/new/")
    assert choices(page, "gender")[0] == ("", "不填")  # of the model's choices
    page = client.get(f"/customers/{customer.pk}/interactions/new/")
    assert choices(page, "contact")[0] == ("", "不填")  # of records
    assert choices(page, "kind")[0] == ("", "请选择")
