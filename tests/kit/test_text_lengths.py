"""Maximum lengths: counted as browsers count, never cut, with the number of characters to delete."""

from __future__ import annotations

import re

import pytest
from django import forms
from django.urls import reverse

from kit.audit.log import save_changes
from kit.audit.models import AuditEntry
from kit.pages.forms import CrmForm
from tests import factories
from tests.exports import export

TEN_LINES = "\r\n".join(["计划" * 24 + "好"] * 10)  # 499 characters, as a browser sends them 508


class Sheet(CrmForm, forms.Form):
    text = forms.CharField(label="内容", max_length=500, required=False, widget=forms.Textarea)
    name = forms.CharField(label="名称", max_length=100, required=False)
    phone = forms.CharField(label="电话", max_length=30, required=False)


def test_a_newline_counts_and_is_stored_as_one_character():
    form = Sheet({"text": TEN_LINES})
    assert form.is_valid(), form.errors
    assert form.cleaned_data["text"] == TEN_LINES.replace("\r\n", "\n")
    assert len(form.cleaned_data["text"]) == 499


def test_too_long_a_text_says_how_many_characters_to_delete():
    form = Sheet({"text": f"{TEN_LINES}\r\n" + "好" * 10})
    assert form.errors == {"text": ["最多 500 字，现在 510 字，请删去 10 字。"]}


@pytest.mark.parametrize("field", ["text", "name", "phone"])
def test_no_browser_cuts_pasted_text(field):
    assert "maxlength" not in str(Sheet()[field])


def test_long_fields_have_a_counter_and_short_ones_have_none():
    form = Sheet()
    for field, limit in (("text", 500), ("name", 100)):
        assert f'data-limit="{limit}"' in str(form[field])
        assert f'data-count-for="id_{field}">最多 {limit} 字' in form[field].as_field_group()
    assert "data-limit" not in str(form["phone"])
    assert "data-count-for" not in form["phone"].as_field_group()


def test_a_text_stored_with_crlf_is_unchanged_when_saved_again():
    assert Sheet({"text": "一\r\n二"}, initial={"text": "一\n二"}).changed_data == ["submission"]


@pytest.mark.django_db
def test_saving_a_text_with_crlf_again_logs_no_event(company):
    contact = factories.ContactFactory(note="一\r\n二")
    assert save_changes(company.administrator, "修改", contact, note="一\n二") == {}
    assert set(save_changes(company.administrator, "修改", contact, note="一\n三")) == {"备注"}


@pytest.mark.django_db
def test_django_admin_counts_and_refuses_like_the_pages(sign_in, company):
    client = sign_in(company.administrator)
    page = client.get(reverse("admin:accounts_department_add"))
    form = page.context["adminform"].form
    names = [name for name, field in form.fields.items() if isinstance(field, forms.CharField) and field.max_length]
    assert names
    assert not [name for name in names if "maxlength" in str(form[name])]
    answer = client.post(page.request["PATH_INFO"], dict.fromkeys(names, "部" * 400))
    error = answer.context["adminform"].form.errors[names[0]][0]
    assert re.fullmatch(r"最多 \d+ 字，现在 400 字，请删去 \d+ 字。", error)


@pytest.mark.django_db
def test_a_long_reason_of_an_export_is_asked_for_again_and_not_cut(sign_in, company, settings):
    settings.CRM_EXPORT_REASON_ROWS = 0
    factories.CustomerFactory(manager=company.manager)
    client = sign_in(company.manager)
    answer = export(client, reverse("customers:customer_list"), "csv", reason="因" * 203)
    assert "最多 200 字，请删去 3 字" in answer.content.decode()
    assert "因" * 203 in answer.content.decode()
    assert not AuditEntry.objects.filter(verb="导出").exists()


@pytest.mark.django_db
def test_a_search_says_that_it_looks_for_the_beginning_of_a_longer_text_only(sign_in, company):
    client = sign_in(company.administrator)
    assert "只按前 100 字查找" in client.get(reverse("search"), {"q": "长" * 101}).content.decode()
    assert "只按前" not in client.get(reverse("search"), {"q": "长" * 100}).content.decode()
