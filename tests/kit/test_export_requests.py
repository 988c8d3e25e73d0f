"""Exports and logged reads need a POST from a page of ours: no GET, no other site and no prefetch has an effect."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django_tasks_db.models import DBTaskResult

from customers.models import ImportFile
from kit.audit.models import AuditEntry
from kit.exchange.exports import EXPORT_FUNCTION
from kit.jobs.models import Job
from kit.jobs.tasks import start_job
from tests import factories
from tests.exports import export
from tests.html import find, form, links, text, values

LIST = "/customers/"
PREFETCH_HEADERS = ({"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}, {"X-Moz": "prefetch"})
OTHER_SITES = ("cross-site", "same-site")


@pytest.fixture
def exportable(company):
    """A customer with a contact, and a monthly report, in the supervisor's scope."""
    customer = factories.CustomerFactory(name="海河水务有限公司", manager=company.manager)
    contact = factories.ContactFactory(customer=customer, name="高峰")
    report = factories.monthly_report(company.supervisor)
    return customer, contact, report


def exports(exportable, company):
    """Return (user, URL) of each kind of export the user may use."""
    customer, contact, report = exportable
    return [
        (company.supervisor, LIST),
        (company.supervisor, reverse("customers:contact_list", args=[customer.pk])),
        (company.supervisor, "/marketing/opportunities/"),
        (company.supervisor, "/reports/contribution/"),
        (company.supervisor, reverse("contact_personal", args=[customer.pk, contact.pk])),
        (company.supervisor, reverse("reports:monthly_workbook", args=[report.pk])),
    ]


def effects():
    """Return the number of logged exports and of jobs."""
    return AuditEntry.objects.filter(verb__startswith="导出").count() + Job.objects.count()


@pytest.mark.django_db
@pytest.mark.parametrize("rows_at_once", [0, 2000])
def test_a_get_shows_the_question_and_exports_or_logs_nothing(exportable, company, sign_in, settings, rows_at_once):
    settings.CRM_EXPORT_DIRECT_ROWS = rows_at_once
    for person, url in exports(exportable, company):
        client = sign_in(person)
        answer = client.get(url, {"export": "xlsx", "reason": "别人写的原因"})
        html = answer.content.decode()
        if "contribution" not in url:  # without orders a report has nothing to export
            assert "还没有导出任何内容" in html, url
        assert "attachment" not in answer.get("Content-Disposition", "")
        assert "别人写的原因" not in html
        for headers in PREFETCH_HEADERS:
            assert client.get(url, {"export": "xlsx"}, headers=headers).content == b""
        assert client.head(url, {"export": "xlsx"}).content == b""
    assert effects() == 0


@pytest.mark.django_db
def test_the_question_says_what_is_exported_and_its_button_exports_it(exportable, company, sign_in):
    client = sign_in(company.supervisor)
    page = client.get(f"{LIST}?export=csv&name=海河&sort=name_pinyin")
    assert "将导出 1 行" in text(page)
    assert "名称 海河" in text(page)
    assert form(page).get("action") == "/customers/"
    answer = export(client, f"{LIST}?name=海河&sort=name_pinyin")
    assert "海河水务有限公司" in answer.content.decode("utf-8-sig")
    assert AuditEntry.objects.get(verb="导出").changes["行数"] == ["", "1"]


@pytest.mark.django_db
@pytest.mark.parametrize("site", OTHER_SITES)
def test_another_site_gets_nothing_even_by_post(exportable, company, sign_in, site):
    headers = {"Sec-Fetch-Site": site}
    for person, url in exports(exportable, company):
        client = sign_in(person)
        for answer in (
            client.post(url, {"export": "xlsx"}, headers=headers),
            client.get(url, {"export": "xlsx"}, headers=headers),
        ):
            assert answer.status_code == 403, url
            assert "从别的网站打开" in answer.content.decode()
        if not url.endswith("/xlsx/"):  # a link to the page itself still works
            assert client.get(url, headers=headers).status_code == 200
    assert effects() == 0


@pytest.mark.django_db
def test_without_the_csrf_token_nothing_is_exported(exportable, company):
    client = Client(enforce_csrf_checks=True)
    client.force_login(company.supervisor, backend="accounts.backends.RoleBackend")
    for _, url in exports(exportable, company):
        assert client.post(url, {"export": "xlsx"}).status_code == 403
    assert effects() == 0


@pytest.mark.django_db
def test_a_form_sent_again_after_its_token_expired_keeps_its_conditions(exportable, company):
    factories.CustomerFactory(name="别的单位", manager=company.manager)
    client = Client(enforce_csrf_checks=True)
    client.force_login(company.supervisor, backend="accounts.backends.RoleBackend")
    data = {"export": "csv", "conditions": "name=海河"}
    page = client.post(LIST, data, headers={"Sec-Fetch-Site": "same-origin"})
    assert values(page, "main form[method=post]")["conditions"] == "name=海河"
    assert find(page, 'textarea[name="conditions"]').get("hidden") is not None


@pytest.mark.django_db
def test_a_control_character_among_the_conditions_is_refused(exportable, company, sign_in):
    answer = sign_in(company.supervisor).post(LIST, {"export": "csv", "conditions": "name=a%00b"})
    assert answer.status_code == 400
    assert effects() == 0


@pytest.mark.django_db
def test_a_list_without_an_export_takes_no_post(company, sign_in):
    client = sign_in(company.supervisor)
    assert client.post(LIST, {"name": "海河"}).status_code == 405
    assert export(sign_in(company.administrator), "/accounts/users/").status_code == 403


@pytest.mark.django_db
def test_template_and_refused_rows_have_a_question_too(company, sign_in):
    client = sign_in(company.manager)
    upload = ImportFile.objects.create(owner=company.manager, name="甲.csv", manager=company.manager)
    for url in ("/import/template/", f"/import/{upload.pk}/refused/"):
        page = client.get(url)
        assert "还没有导出任何内容" in page.content.decode()
        assert client.post(url, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post("/import/template/")["Content-Disposition"].startswith("attachment")


@pytest.mark.django_db
def test_a_prefetch_or_another_site_does_not_open_an_import(company, sign_in):
    client = sign_in(company.manager)
    factories.CustomerFactory(name="海外公司", manager=company.stranger)
    client.post("/import/", {"file": SimpleUploadedFile("a.csv", "名称\n海外公司\n".encode())})
    url = ImportFile.objects.get().get_absolute_url()
    for headers in PREFETCH_HEADERS:
        assert client.get(url, headers=headers).content == b""
    client.head(url)
    assert client.get(url, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert not AuditEntry.objects.filter(verb="导入查重").exists()
    client.get(url, headers={"Sec-Fetch-Site": "none"})
    assert AuditEntry.objects.filter(verb="导入查重").count() == 1


# Exports of one user and jobs of others


@pytest.mark.django_db
def test_a_fourth_unfinished_export_is_refused_with_a_link_to_the_jobs(exportable, company, sign_in, settings):
    settings.CRM_EXPORT_DIRECT_ROWS = 0
    client = sign_in(company.supervisor)
    for _ in range(settings.CRM_EXPORTS_AT_ONCE):
        assert export(client, LIST).status_code == 302
    notice = find(export(client, LIST), ".msg.amber")
    assert "您已有 3 个导出还没有完成，没有再开始新的。" in text(notice)
    assert links(notice) == [("看后台任务", reverse("job_list"))]
    assert Job.objects.count() == 3
    assert export(sign_in(company.manager), LIST).status_code == 302
    Job.objects.filter(owner=company.supervisor).first().finish("已导出。")
    assert export(client, LIST).status_code == 302


@pytest.mark.django_db
def test_a_users_second_export_waits_behind_the_first_jobs_of_others(
    company, django_capture_on_commit_callbacks, settings
):
    with django_capture_on_commit_callbacks(execute=True):
        exports_of_one = [start_job("导出客户", EXPORT_FUNCTION, owner=company.supervisor) for _ in range(3)]
        later_jobs = [
            start_job("导入客户", "customers.imports.tasks.run", owner=company.manager),
            start_job("导出客户", EXPORT_FUNCTION, owner=company.colleague),
            start_job("数据同步", "customers.sync.jobs.run", owner=None),
        ]
    run_order = [task.args_kwargs["args"][0] for task in DBTaskResult.objects.all()]
    assert run_order == [
        exports_of_one[0].pk,
        *(job.pk for job in later_jobs),
        exports_of_one[1].pk,
        exports_of_one[2].pk,
    ]
