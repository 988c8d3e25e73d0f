"""Bad input in every field of the forms: a message beside it or a clean round trip, never a crash."""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import quote

import pytest

from marketing.models import Opportunity
from tests import factories
from tests.hazards.forms import (
    FORMS,
    HUGE,
    SUPERVISORS,
    send,
)
from tests.html import errors, find

pytestmark = pytest.mark.django_db


# Text


@pytest.mark.parametrize("form", FORMS)
def test_every_form_goes_through_as_it_is_used_here(form, clients, ids):
    """The control for what follows: what is refused below is refused for its text."""
    assert send(clients, ids, form)[0].status_code == 302


WRITTEN = [form for form in FORMS if FORMS[form][2]]


@pytest.mark.parametrize("form", WRITTEN)
def test_control_characters_are_refused_beside_every_field(form, clients, ids):
    fields = FORMS[form][2]
    for bad in ("a\x00b", "a\x07b", "a\x1b[31mb", "a\x7fb"):
        response, stored = send(clients, ids, form, **dict.fromkeys(fields, bad))
        assert (bad, response.status_code) == (bad, 200)
        assert (bad, len(errors(response)) >= len(fields)) == (bad, True)
        assert bad not in stored


@pytest.mark.parametrize("form", WRITTEN)
@pytest.mark.parametrize("bad", ["%ED%A0%80", "%FF%FE", "%C0%80"])
def test_broken_encoding_in_a_form_is_no_crash(form, bad, clients, ids):
    """Bytes that are no UTF-8, among them a lone surrogate, arrive as replacement characters or are refused."""
    address, values, fields = FORMS[form]
    client = clients["supervisor" if form in SUPERVISORS else "manager"]
    pairs = [f"{name}={quote(str(value).format(**ids))}" for name, value in values.items() if name not in fields]
    body = "&".join([*pairs, *(f"{field}=a{bad}b" for field in fields)])
    response = client.post(address.format(**ids), body, content_type="application/x-www-form-urlencoded")
    assert response.status_code in (200, 302, 400)


@pytest.mark.parametrize("form", WRITTEN)
def test_texts_of_100_kilobytes_are_refused_beside_every_field(form, clients, ids):
    fields = FORMS[form][2]
    response, stored = send(clients, ids, form, **dict.fromkeys(fields, "长" * 34_000))
    assert response.status_code == 200
    assert len(errors(response)) >= len(fields)
    assert "长" * 1000 not in stored


@pytest.mark.parametrize("form", WRITTEN)
def test_four_byte_and_rare_characters_make_a_round_trip(form, clients, ids):
    strict = {"postcode", "website", "email", "introduced_by", "parent"}
    texts = {field: f"𠮷野家🚀é{n}" for n, field in enumerate(FORMS[form][2]) if field not in strict}
    response, stored = send(clients, ids, form, **texts)
    assert response.status_code == 302
    assert [field for field, text in texts.items() if text not in stored] == []


def test_four_byte_characters_in_strict_fields_are_refused(clients, ids):
    strict = ("postcode", "website", "parent")
    response, _ = send(clients, ids, "customer", **dict.fromkeys(strict, "𠮷野家🚀é"))
    assert len(errors(response)) == len(strict)


def test_line_ends_and_tabs_are_text(clients, ids):
    response, stored = send(clients, ids, "new opportunity", description="一\r\n二\t三")
    assert response.status_code == 302
    assert "二\t三" in stored


def test_more_than_the_upload_limit_gets_a_page(clients):
    clients["manager"].raise_request_exception = False
    response = clients["manager"].post("/marketing/opportunities/new/", {"description": "x" * 6_000_000})
    assert response.status_code in (400, 413)


# Numbers and dates


@pytest.mark.parametrize("form", ["new opportunity", "opportunity", "forecast"])
def test_a_success_rate_that_is_no_whole_number_up_to_100_is_refused(form, clients, ids):
    for value in ("NaN", "Infinity", "-Infinity", "1e400", "-1", "101", "50.5", "一百", "0x10", HUGE, "9" * 5000):
        page = send(clients, ids, form, success_rate=value)[0]
        assert (value, len(errors(page))) == (value, 1)
        assert find(page, 'input[name="success_rate"]').get("value") == value


@pytest.mark.parametrize(("value", "stored"), [("0", 0), ("100", 100), (" 60 ", 60), ("６０", 60), ("060", 60)])
def test_a_success_rate_in_other_digits_is_understood(value, stored, clients):
    clients["manager"].post("/marketing/opportunities/new/", {**factories.OPPORTUNITY, "success_rate": value})
    assert Opportunity.objects.get().success_rate == stored


MONEY = [
    ("new opportunity", "expected_amount"),
    ("forecast", "expected_amount"),
    ("customer", "registered_capital"),
    ("customer", "annual_turnover"),
]


NO_AMOUNTS = (
    "NaN",
    "sNaN",
    "Infinity",
    "-Infinity",
    "1e400",
    "1e9999999999999999999",
    "一百",
    "1.234",
    "9" * 15,
    "0x10",
)


@pytest.mark.parametrize(("form", "field"), MONEY)
def test_an_amount_that_is_none_is_refused_beside_the_field(form, field, clients, ids):
    for value in NO_AMOUNTS:
        response, _ = send(clients, ids, form, **{field: value})
        assert (value, response.status_code) == (value, 200)
        assert (value, len(errors(response))) == (value, 1)


@pytest.mark.parametrize(("form", "field"), MONEY)
def test_a_negative_amount_is_refused(form, field, clients, ids):
    response, _ = send(clients, ids, form, **{field: "-1"})
    assert response.status_code == 200
    assert len(errors(response)) == 1


@pytest.mark.parametrize(
    ("value", "stored"),
    [("0", "0"), ("0.01", "0.01"), ("999999999999.99", "999999999999.99"), ("１２３", "123"), ("1e2", "100")],
)
def test_an_amount_is_kept_to_the_cent(value, stored, clients):
    clients["manager"].post("/marketing/opportunities/new/", {**factories.OPPORTUNITY, "expected_amount": value})
    assert Opportunity.objects.get().expected_amount == Decimal(stored)


DATES = ["0000-00-00", "0001-01-01", "9999-12-31", "10000-01-01", "2025-02-30", "明天", "2025-13-01", "1e5", HUGE, "-1"]


REFUSED_DATE = ("请填写日期", "请填写 1900 年以后", "请填写 3000 年以前")


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ("new opportunity", "expected_on"),
        ("forecast", "expected_on"),
        ("customer", "cooperation_since"),
        ("new item", "on"),
        ("item", "on"),
    ],
)
def test_a_date_that_is_none_is_refused_beside_the_field(form, field, clients, ids):
    for value in DATES:
        page = send(clients, ids, form, **{field: value})[0]
        assert (value, [error.startswith(REFUSED_DATE) for error in errors(page)]) == (value, [True])
        assert find(page, f'input[name="{field}"]').get("value") == value


@pytest.mark.parametrize("field", ["created_from", "created_to"])
def test_a_date_filter_that_is_none_is_said_beside_the_filter(field, clients, ids):
    for value in DATES:
        page = clients["manager"].get("/marketing/opportunities/", {field: value})
        assert (value, [error.startswith(REFUSED_DATE) for error in errors(page)]) == (value, [True])


# Choices


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ("assign", "to"), ("reassign", "to"), ("lose", "competitor"), ("win", "choice"), ("new opportunity", "region"),
        ("new opportunity", "industry"), ("customer", "region"), ("customer", "level"), ("customer", "satisfaction"),
        ("customer", "credit"), ("new contact", "gender"), ("new contact", "preferred_channel"),
    ],
)  # fmt: skip
def test_a_choice_that_is_not_offered_is_refused(form, field, clients, ids):
    for value in ("abc", "-1", "0", HUGE, "1.5", "' OR 1=1 --", f"link:{HUGE}", "link:", "9" * 5000):
        response, _ = send(clients, ids, form, **{field: value})
        assert (value, response.status_code) == (value, 200)
        assert (value, errors(response) == []) == (value, False)


@pytest.mark.parametrize("value", ["abc", "-1", "00000000", "a" * 5000, "' OR 1=1"])
def test_a_senseless_submission_token_is_no_crash(value, clients, ids):
    assert send(clients, ids, "new opportunity", submission=value)[0].status_code in (200, 302)


@pytest.mark.parametrize("value", ["", "x", "a:b:c", "." * 5000, "\x00"])
def test_a_senseless_memory_is_no_crash(value, clients, ids):
    for form in ("opportunity", "item", "customer", "contact"):
        response, _ = send(clients, ids, form, opened=value)
        assert (form, response.status_code in (200, 400)) == (form, True)
