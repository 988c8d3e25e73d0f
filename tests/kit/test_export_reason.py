"""Exports of many rows need a reason, which the audit log stores with their number."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from django.urls import reverse

from kit.audit.models import AuditEntry
from kit.jobs.models import Job
from kit.jobs.tasks import run_job
from tests import factories
from tests.exports import export
from tests.html import find, text, values

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(company, sign_in, settings):
    settings.CRM_EXPORT_REASON_ROWS = 2
    for number in range(3):
        factories.CustomerFactory(name=f"客户{number}", manager=company.manager)
    return sign_in(company.manager)


def ask(client, **query):
    return export(client, reverse("customers:customer_list"), **{"name": "客户", "sort": "name_pinyin", **query})


def exported():
    return [entry.changes for entry in AuditEntry.objects.filter(verb="导出")]


def test_more_rows_than_the_setting_ask_for_a_reason_first(client):
    page = ask(client)
    assert "导出原因" in text(page)
    assert "将导出 3 行" in text(page)
    assert text(find(page, 'form.card button[name="export"][value="csv"]')) == "导出 CSV"
    assert values(page)["conditions"] == f"name={quote('客户')}&sort=name_pinyin"
    assert values(page)["reason"] == ""
    assert "请填写导出原因" not in text(page)
    assert exported() == []


@pytest.mark.parametrize(
    ("at_once", "text_part"), [(3, "本页不变；下载完了请返回"), (2, "在后台写成文件，完成后在任务页下载")]
)
def test_the_question_says_where_the_file_will_be(client, settings, at_once, text_part):
    settings.CRM_EXPORT_DIRECT_ROWS = at_once
    assert text_part in ask(client).content.decode()


@pytest.mark.parametrize("reason", ["", "   "])
def test_no_reason_is_no_answer(client, reason):
    assert "请填写导出原因" in ask(client, reason=reason).content.decode()
    assert exported() == []


def test_the_reason_is_logged_with_count_and_conditions(client):
    answer = ask(client, reason="第四季度回访")
    assert answer["Content-Type"].startswith("text/csv")
    (changes,) = exported()
    assert (changes["行数"], changes["原因"]) == (["", "3"], ["", "第四季度回访"])
    assert "reason" not in changes["条件"][1]
    assert "name_pinyin" in changes["条件"][1]


def test_few_rows_need_no_reason(client):
    assert ask(client, name="客户1")["Content-Type"].startswith("text/csv")
    assert "原因" not in exported()[0]


def test_a_job_logs_the_reason_too(client, settings):
    settings.CRM_EXPORT_DIRECT_ROWS = 1
    assert ask(client, reason="年度备份").status_code == 302
    job = Job.objects.get()
    assert "reason" not in job.arguments["query"]
    run_job.func(job.pk)
    assert exported()[0]["原因"] == ["", "年度备份"]


def test_a_reason_with_markup_is_text(client):
    ask(client, reason="<b>" + "长" * 197)
    assert exported()[0]["原因"][1] == "<b>" + "长" * 197
