"""Django admin under bad input and curious eyes: every list and page of it, whatever the record."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.models import Department
from crm.audit.trail import record
from tests import factories

pytestmark = pytest.mark.django_db
HUGE = "9" * 23


@pytest.fixture
def admin(company, sign_in):
    return sign_in(company.administrator)


# What an address may ask

ASKED_BEYOND = (
    "accounts/user/?password__startswith=pbkdf2",
    "accounts/user/?mobile__startswith=138",
    "accounts/user/?department__members__mobile__startswith=138",
    "accounts/user/?username__regex=[",
    "accounts/user/?nonsense=1",
    "accounts/role/?name__regex=(",
    "accounts/department/?name__startswith=a",
    "basedata/dictionaryentry/?category__startswith=a",
    "audit/auditentry/?changes__手机__1__startswith=1380000",
    "audit/auditentry/?changes__contains=a",
    "audit/auditentry/?verb__regex=(",
    "jobs/job/?arguments__query=a",
    "jobs/job/?arguments__contains=a",
)


@pytest.mark.parametrize("address", ASKED_BEYOND)
def test_an_address_asks_nothing_that_the_page_does_not_offer(address, admin):
    assert admin.get(f"/admin/{address}").status_code == 400


def test_a_masked_number_is_not_guessed_by_its_digits(admin, company):
    record(company.manager, "更正联系方式", factories.ContactFactory(), 手机=("13700001111", "13800001111"))
    for guess in ("1370000", "1380000"):
        for side in (0, 1):
            asked = {f"changes__手机__{side}__startswith": guess}
            assert admin.get("/admin/audit/auditentry/", asked).status_code == 400


def test_every_link_that_a_filter_draws_is_answered(admin, company):
    record(company.manager, "登录")
    followed = 0
    for kind in ("accounts/user", "basedata/dictionaryentry", "audit/auditentry", "jobs/job"):
        page = admin.get(f"/admin/{kind}/")
        for spec in page.context["cl"].filter_specs:
            for choice in spec.choices(page.context["cl"]):
                address = f"/admin/{kind}/{choice['query_string']}"
                assert (address, admin.get(address).status_code) == (address, 200)
                followed += 1
    assert followed > 20


@pytest.mark.parametrize("kind", ["accounts/user", "basedata/dictionaryentry", "audit/auditentry"])
def test_a_search_for_a_thousand_words_is_answered(kind, admin):
    assert admin.get(f"/admin/{kind}/", {"q": "a " * 1200}).status_code == 200


# What a form may send


@pytest.mark.parametrize("ticked", ["x", HUGE, "", "-1", "１２"])
def test_ticked_rows_that_do_not_exist_are_left_out(ticked, admin):
    empty = factories.DepartmentFactory(name="临时部")
    before = Department.objects.count()
    sent = {"action": "delete_selected", "_selected_action": [ticked, empty.pk]}
    answer = admin.post(reverse("admin:accounts_department_changelist"), sent)
    assert answer.status_code == 200
    assert "临时部" in answer.content.decode()
    alone = admin.post(reverse("admin:accounts_department_changelist"), {**sent, "_selected_action": [ticked]})
    assert alone.status_code in (200, 302)
    assert Department.objects.count() == before
