"""An erased person does not live on in what was exported: the conditions in the audit log, the jobs and their files."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.http import QueryDict
from django.urls import reverse

from crm.privacy import erase_contact
from kit.audit import seals
from kit.audit.log import log_event
from kit.audit.models import AuditEntry
from kit.audit.redaction import ERASED_TEXT
from kit.audit.verification import verify
from kit.exchange import exports as exports_module
from kit.jobs.models import Job
from kit.jobs.tasks import run_job, start_job
from tests import factories
from tests.exports import export

pytestmark = pytest.mark.django_db
NAME, MOBILE = "欧阳独特甲", "13877776666"


@pytest.fixture
def person(company):
    customer = factories.CustomerFactory(name="海河水务有限公司", manager=company.manager)
    contact = factories.ContactFactory(customer=customer, name=NAME, mobile=MOBILE)
    return SimpleNamespace(customer=customer, contact=contact)


def erase(person, company):
    return erase_contact(person.contact, by=company.supervisor, reason="本人来电要求")


def exports():
    return [entry.changes["条件"][1] for entry in AuditEntry.objects.filter(verb="导出").order_by("pk")]


def test_conditions_of_exports_are_kept_in_words_and_lose_the_erased_person(person, company, sign_in):
    client = sign_in(company.supervisor)
    export(client, reverse("customers:contact_list", args=[person.customer.pk]), "csv", name=NAME)
    export(client, reverse("marketing:opportunity_list"), contact_name=NAME, status="all", summary="")
    assert exports() == [f"name = {NAME}", f"contact_name = {NAME}；status = all"]
    seals.seal_pending()
    erase(person, company)
    assert exports() == [f"name = {ERASED_TEXT}", f"contact_name = {ERASED_TEXT}；status = all"]
    seals.seal_pending()
    assert verify() == []


def test_conditions_from_before_stand_encoded_and_are_found_too(person, company, sign_in):
    old = "name=%E6%AC%A7%E9%98%B3%E7%8B%AC%E7%89%B9%E7%94%B2&mobile=138+7777+6666"
    entry = log_event(company.supervisor, "导出", text="联系人", changes={"行数": 1, "条件": old})
    other = log_event(company.supervisor, "导出", text="联系人", changes={"行数": 1, "条件": "name=%E7%8E%8B"})
    page = sign_in(company.administrator).get(reverse("accounts:audit_detail", args=[entry.pk])).content.decode()
    assert f"name = {NAME}；mobile = 138" in page
    erase(person, company)
    assert exports() == [f"name = {ERASED_TEXT}；mobile = {ERASED_TEXT}", "name=%E7%8E%8B"]
    assert not AuditEntry.objects.get(pk=other.pk).is_redacted


def test_the_reason_of_an_export_loses_the_person_too(person, company):
    log_event(company.supervisor, "导出", text="联系人", changes={"行数": 1, "条件": "", "原因": f"{NAME}要名单"})
    erase(person, company)
    assert NAME not in json.dumps(list(AuditEntry.objects.values_list("changes", flat=True)), ensure_ascii=False)


def test_the_question_before_deleting_says_that_erasing_comes_first(person, company, sign_in):
    address = reverse("customers:contact_delete", args=[person.customer.pk, person.contact.pk])
    page = sign_in(company.supervisor).get(address).content.decode()
    assert "审计中仍保留他的姓名和号码，删除后不能再导出或抹去" in page
    assert "请先由主管用「个人信息 › 抹去」，再删除。" in page
    erase(person, company)
    assert sign_in(company.supervisor).post(address).status_code == 302  # and then it can be deleted


# Jobs and their files


def exported(client, address, **query):
    """The job of an export, run to its end."""
    export(client, address, "csv", **query)
    job = Job.objects.order_by("-pk").first()
    run_job.call(job.pk)
    job.refresh_from_db()
    return job


@pytest.fixture
def files(person, company, sign_in, settings):
    """A finished export of the person, and one asked for that waits."""
    settings.CRM_EXPORT_DIRECT_ROWS = 0
    client, address = sign_in(company.manager), reverse("customers:contact_list", args=[person.customer.pk])
    done = exported(client, address, name=NAME, reason=f"{NAME}的名片")
    export(client, address, "csv", name=NAME, sort="name")
    waiting = Job.objects.exclude(pk=done.pk).get()
    return SimpleNamespace(done=done, waiting=waiting, path=Path(done.file.path))


def test_files_of_exports_go_and_jobs_forget_the_words(
    files, person, company, sign_in, django_capture_on_commit_callbacks
):
    assert MOBILE in files.path.read_text("utf-8-sig")
    with django_capture_on_commit_callbacks(execute=True):
        assert erase(person, company).counts["后台任务的文件"] == 1
    assert not files.path.exists()
    for job, asked in (
        (files.done, {"name": [ERASED_TEXT]}),
        (files.waiting, {"name": [ERASED_TEXT], "sort": ["name"]}),
    ):
        job.refresh_from_db()
        assert dict(QueryDict(job.arguments["query"]).lists()) == asked
        assert NAME not in json.dumps(job.arguments, ensure_ascii=False)
    page = sign_in(company.manager).get(reverse("job_detail", args=[files.done.pk])).content.decode()
    assert "文件已过期，请重新导出。" in page
    run_job.call(files.waiting.pk)
    files.waiting.refresh_from_db()
    assert files.waiting.status == "done"
    written = Path(files.waiting.file.path).read_text("utf-8-sig")
    assert NAME not in written
    assert MOBILE not in written


def test_nothing_goes_when_the_erasing_fails(files, person, company, monkeypatch):
    before = list(Job.objects.order_by("pk").values())
    monkeypatch.setattr("crm.privacy.redact", lambda *args, **kwargs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        erase(person, company)
    assert list(Job.objects.order_by("pk").values()) == before
    assert files.path.exists()


def test_jobs_about_others_are_not_changed(files, person, company):
    job = start_job("导出客户", "x", owner=company.manager, path="/", query="name=%E7%8E%8B&a=1&name=b+c", total=1)
    before = job.arguments
    erase(person, company)
    job.refresh_from_db()
    assert dict(QueryDict(job.arguments["query"]).lists()) == {"name": ["王", "b c"], "a": ["1"]}
    assert {**job.arguments, "query": ""} == {**before, "query": ""}


def test_an_export_under_way_while_somebody_is_erased_keeps_no_file(
    files, person, company, monkeypatch, django_capture_on_commit_callbacks
):
    real = exports_module.build_table

    def table(page):
        headers, rows = real(page)
        rows = list(rows)  # read, then the person is erased
        erase(person, company)
        return headers, iter(rows)

    monkeypatch.setattr(exports_module, "build_table", table)
    with django_capture_on_commit_callbacks(execute=True):
        run_job.call(files.waiting.pk)
    files.waiting.refresh_from_db()
    assert (files.waiting.status, files.waiting.file.name) == ("failed", "")
    assert "请重新导出" in files.waiting.result
    left = [path.read_text("utf-8-sig") for path in files.path.parent.iterdir()]
    assert [text for text in left if MOBILE in text] == []
