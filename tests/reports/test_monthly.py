"""客户管理报告: who may do what in which state, and that nothing submitted ever changes."""

from __future__ import annotations

import io
from datetime import date

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from accounts.models import Notification
from kit.audit.models import AuditEntry
from kit.domain.days import add_months
from kit.domain.verdict import Kind, Refused
from reports import reminders
from reports.models import MonthlyReport, Submission
from reports.models.monthly import due_on
from tests import factories
from tests.html import choices, errors, find, markup, menu
from tests.reports.rows import joined_long_ago

pytestmark = pytest.mark.django_db
PEOPLE = ("author", "other", "manager", "executive", "administrator", "nobody")
VERBS = ("edit", "refresh", "remove", "submit", "review", "send_back")
# y: done; r: no role of theirs holds the permission; n: not their record; s: the state refuses
TABLE = """
# state      verb       author other manager executive administrator nobody
draft        edit       y      n     r       r         r             r
draft        refresh    y      n     r       r         r             r
draft        remove     y      n     r       r         r             r
draft        submit     y      n     r       r         r             r
draft        review     r      r     r       s         r             r
draft        send_back  r      r     r       s         r             r
submitted    edit       s      n     r       r         r             r
submitted    refresh    s      n     r       r         r             r
submitted    remove     s      n     r       r         r             r
submitted    submit     s      n     r       r         r             r
submitted    review     r      r     r       y         r             r
submitted    send_back  r      r     r       y         r             r
reviewed     edit       s      n     r       r         r             r
reviewed     refresh    s      n     r       r         r             r
reviewed     remove     s      n     r       r         r             r
reviewed     submit     s      n     r       r         r             r
reviewed     review     r      r     r       s         r             r
reviewed     send_back  r      r     r       s         r             r
returned     edit       y      n     r       r         r             r
returned     refresh    y      n     r       r         r             r
returned     remove     s      n     r       r         r             r
returned     submit     y      n     r       r         r             r
returned     review     r      r     r       s         r             r
returned     send_back  r      r     r       s         r             r
"""
ROWS = [line.split() for line in TABLE.splitlines() if line and not line.startswith("#")]
LETTERS = {Kind.NO_PERMISSION: "r", Kind.NOT_YOURS: "n", Kind.STATE: "s"}
ARGUMENTS = {
    "edit": {"remarks": "改过的说明"},
    "refresh": {"figures": []},
    "review": {"comment": "好"},
    "send_back": {"comment": "请补充"},
}


def again(report):
    return MonthlyReport.objects.select_related("author").get(pk=report.pk)


@pytest.mark.parametrize(("state", "verb", "expected"), [(row[0], row[1], row[2:]) for row in ROWS])
def test_every_state_answers_every_verb_and_role_as_the_table_says(company, state, verb, expected):
    people = dict(zip(PEOPLE, [company.supervisor, company.outsider, company.manager], strict=False))
    people |= {name: getattr(company, name) for name in PEOPLE[3:]}
    report = factories.monthly_report(company.supervisor, state, by=company.executive)
    got = []
    for person in people.values():
        before = MonthlyReport.objects.values().get(), list(Submission.objects.values()), AuditEntry.objects.count()
        sid = transaction.savepoint()
        try:
            getattr(again(report), verb)(by=person, **ARGUMENTS.get(verb, {}))
            got.append("y")
            assert AuditEntry.objects.count() == before[2] + 1
        except Refused as refused:
            got.append(LETTERS[refused.verdict.kind])
            after = MonthlyReport.objects.values().get(), list(Submission.objects.values()), AuditEntry.objects.count()
            assert after == before
        transaction.savepoint_rollback(sid)
    assert got == expected


def test_the_table_names_every_state_and_verb():
    assert {(row[0], row[1]) for row in ROWS} == {(state, verb) for state in MonthlyReport.Status for verb in VERBS}


def test_a_submission_stays_the_same_whatever_happens_to_the_report(company):
    author, executive = company.supervisor, company.executive
    report = factories.monthly_report(author, "returned", by=executive)
    first = Submission.objects.values("figures", "taken_at", "remarks", "submitted_at").get()
    report.edit(by=author, remarks="补充：主要因停产。")
    report.refresh(by=author, figures=[])
    report.submit(by=author)
    report.review(by=executive, comment="好")
    submissions = Submission.objects.order_by("number")
    assert submissions.values("figures", "taken_at", "remarks", "submitted_at")[0] == first
    assert [(one.number, one.remarks, one.figures == [], one.outcome, one.comment) for one in submissions] == [
        (1, "本月新增 1 家客户。", False, "returned", "请补充流失原因"),
        (2, "补充：主要因停产。", True, "reviewed", "好"),
    ]
    verbs = list(AuditEntry.objects.about(report).order_by("pk").values_list("verb", flat=True))
    assert verbs == ["新建", "提交", "退回", "编辑", "重新取数", "提交", "审阅"]


@pytest.mark.parametrize(
    "changed", [{"remarks": "x"}, {"figures": []}, {"number": 9}, {"submitted_at": timezone.now()}]
)
def test_the_database_itself_refuses_to_change_a_submission(company, changed):
    factories.monthly_report(company.supervisor, "submitted")
    with pytest.raises(DatabaseError, match="提交过的报告不能修改"), transaction.atomic():
        Submission.objects.update(**changed)
    assert Submission.objects.get().remarks == "本月新增 1 家客户。"


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "lost"},
        {"status": "submitted", "remarks": ""},
        {"period": date(2026, 10, 2)},
    ],
)
def test_the_database_refuses_reports_of_a_wrong_shape(company, wrong):
    factories.monthly_report(company.supervisor)
    with pytest.raises(IntegrityError), transaction.atomic():
        MonthlyReport.objects.update(**wrong)


@pytest.mark.parametrize(
    "wrong", [{"outcome": "reviewed"}, {"outcome": "draft"}, {"outcome": "returned", "answered_at": timezone.now()}]
)
def test_the_database_refuses_an_answer_by_nobody(company, wrong):
    factories.monthly_report(company.supervisor, "submitted")
    with pytest.raises(IntegrityError), transaction.atomic():
        Submission.objects.update(**wrong)


def test_one_report_per_author_and_month(company):
    factories.monthly_report(company.supervisor)
    factories.monthly_report(company.outsider)
    with pytest.raises(Refused, match="已经有2026年10月的客户管理报告"):
        factories.monthly_report(company.supervisor, period=date(2026, 10, 20))
    with pytest.raises(IntegrityError), transaction.atomic():
        MonthlyReport.objects.create(author=company.supervisor, period=date(2026, 10, 1), taken_at=timezone.now())
    with pytest.raises(Refused, match="还没有开始"):
        factories.monthly_report(company.supervisor, period=add_months(timezone.localdate(), 2))


def test_submitting_needs_words_and_returning_needs_a_comment(company):
    report = factories.monthly_report(company.supervisor, remarks="  ")
    with pytest.raises(Refused, match="请先填写情况说明"):
        report.submit(by=company.supervisor)
    report.edit(by=company.supervisor, remarks="写了")
    report.submit(by=company.supervisor)
    with pytest.raises(Refused, match="请填写批注"):
        report.send_back(by=company.executive, comment=" ")
    assert again(report).status == "submitted"


def test_visibility_of_reports(company):
    mine = factories.monthly_report(company.supervisor)
    theirs = factories.monthly_report(company.outsider, "submitted")

    def seen(person):
        return set(MonthlyReport.objects.visible_to(person))

    assert seen(company.supervisor) == {mine}
    assert seen(company.outsider) == {theirs}
    assert seen(company.executive) == {theirs}, "a draft is its author's own"
    assert seen(company.manager) == seen(company.administrator) == seen(company.nobody) == set()
    mine.submit(by=company.supervisor)
    assert seen(company.executive) == {mine, theirs}


def test_everybody_concerned_is_notified(company):
    report = factories.monthly_report(company.supervisor, "submitted")
    assert [n.text for n in Notification.visible(company.executive)] == [
        "林主管 提交了2026年10月客户管理报告，请审阅。"
    ]
    report.send_back(by=company.executive, comment="请补充")
    assert [n.text for n in Notification.visible(company.supervisor)] == [
        "沈总 已退回您的2026年10月客户管理报告：请补充"
    ]


# Due, and reminded


@pytest.mark.parametrize(
    ("setting", "period", "expected"),
    [
        (5, date(2026, 10, 1), date(2026, 11, 5)),
        (5, date(2025, 12, 31), date(2026, 1, 5)),
        (31, date(2027, 1, 1), date(2027, 2, 28)),
        (30, date(2028, 1, 1), date(2028, 2, 29)),
    ],
)
def test_a_report_is_due_in_the_following_month(settings, setting, period, expected):
    settings.CRM_MONTHLY_REPORT_DAY = setting
    assert due_on(period) == expected


def test_reminders_once_at_the_beginning_and_once_when_late(company):
    joined_long_ago(company.supervisor, company.outsider)
    factories.monthly_report(company.outsider, "submitted", period=date(2026, 10, 1))

    def reminders_of(person):
        return [n.text for n in person.notifications.order_by("pk")]

    first = "请在 2026年11月5日前提交2026年10月客户管理报告。"
    late = "2026年10月客户管理报告已过 2026年11月5日的提交期限，请尽快提交。"
    for day in (1, 2, 5):
        reminders.remind_authors(date(2026, 11, day))
    assert reminders_of(company.supervisor) == [first]
    for day in (6, 7, 30):
        reminders.remind_authors(date(2026, 11, day))
    assert reminders_of(company.supervisor) == [first, late]
    assert reminders_of(company.outsider) == reminders_of(company.manager) == []
    assert [n.text for n in company.executive.notifications.all()] == [
        "外部主管 提交了2026年10月客户管理报告，请审阅。"
    ]


def test_a_returned_report_is_owed_again_and_a_newcomer_owes_none(company, settings):
    joined_long_ago(company.supervisor)
    last = add_months(timezone.localdate().replace(day=1), -1)
    assert reminders.month_owed_by(company.supervisor) == last
    report = factories.monthly_report(company.supervisor, "submitted", period=last)
    assert reminders.month_owed_by(company.supervisor) is None
    report.send_back(by=company.executive, comment="请补充")
    assert reminders.month_owed_by(company.supervisor) == last
    assert reminders.month_owed_by(company.manager) is None
    settings.CRM_MONTHLY_REPORT_DAY = 0
    assert reminders.month_owed_by(company.supervisor) is None
    assert reminders.remind_authors() == "未启用"


def test_the_schedule_runs_the_reminder(company, settings):
    assert ("reports.remind", 86400, "reports.reminders.remind_authors") in settings.CRM_PERIODIC_TASKS


# Pages


def page(client, name, *args, status=200, **query):
    response = client.get(reverse(f"reports:{name}", args=args), query)
    assert response.status_code == status
    return markup(response)


def test_a_supervisor_writes_corrects_and_submits(company, sign_in):
    factories.CustomerFactory(manager=company.manager, name="海河水务有限公司")
    client, last = sign_in(company.supervisor), add_months(timezone.localdate().replace(day=1), -1)
    assert "还没有客户管理报告" in page(client, "monthly_list")
    assert find(page(client, "monthly_create"), "[name=period] [selected]").get("value") == f"{last:%Y-%m-%d}"
    created = client.post(reverse("reports:monthly_create"), {"period": f"{last:%Y-%m-%d}", "remarks": ""})
    report = MonthlyReport.objects.get()
    assert created["Location"] == report.get_absolute_url()
    text = page(client, "monthly_detail", report.pk)
    assert "请先填写情况说明" in text
    assert "客户构成分析" in text
    assert [part["title"] for part in report.figures] == FOUR
    detail = client.get(reverse("reports:monthly_update", args=[report.pk])).context["form"].initial["opened"]
    words = "新增客户 1 家。\n下月拜访老客户。"
    client.post(reverse("reports:monthly_update", args=[report.pk]), {"remarks": words, "opened": detail})
    assert "确认提交" in page(client, "monthly_submit", report.pk)
    client.post(reverse("reports:monthly_submit", args=[report.pk]))
    assert again(report).status == "submitted"
    assert "下月拜访老客户" in page(client, "monthly_detail", report.pk)
    assert f"{last:%Y-%m-%d}" not in dict(choices(page(client, "monthly_create"), "period"))


FOUR = ["客户贡献分析", "客户构成分析", "客户服务分析", "客户流失分析"]


def test_figures_stay_until_refreshed(company, sign_in):
    client, last = sign_in(company.supervisor), add_months(timezone.localdate().replace(day=1), -1)
    factories.CustomerFactory(manager=company.manager)
    client.post(reverse("reports:monthly_create"), {"period": f"{last:%Y-%m-%d}", "remarks": "一家"})
    report = MonthlyReport.objects.get()
    before = report.figures
    factories.CustomerFactory(manager=company.manager)
    page(client, "monthly_detail", report.pk)
    assert again(report).figures == before
    client.post(reverse("reports:monthly_refresh", args=[report.pk]))
    assert again(report).figures != before


def test_an_executive_reads_the_submission_and_answers(company, sign_in):
    report = factories.monthly_report(company.supervisor, "submitted")
    client = sign_in(company.executive)
    text = page(client, "monthly_list")
    assert "林主管" in text
    assert "写报告" not in text
    text = page(client, "monthly_detail", report.pk)
    for words in ("本月新增 1 家客户。", "大客户", "合计", "退回", "审阅", "等待审阅"):
        assert words in text
    answer = client.post(reverse("reports:monthly_return", args=[report.pk]), {"comment": ""})
    assert errors(answer) == ["请填写。"]
    client.post(reverse("reports:monthly_return", args=[report.pk]), {"comment": "请补充"})
    report.refresh_from_db()
    report.edit(by=company.supervisor, remarks="还在改的草稿")
    text = page(client, "monthly_detail", report.pk)
    assert "还在改的草稿" not in text
    assert "还在改的草稿" not in page(client, "monthly_history", report.pk)
    assert "还在改的草稿" in page(sign_in(company.supervisor), "monthly_history", report.pk)
    assert "本月新增 1 家客户。" in text
    again(report).submit(by=company.supervisor)
    client.post(reverse("reports:monthly_review", args=[report.pk]), {"comment": "好"})
    assert again(report).status == "reviewed"
    assert "还在改的草稿" in page(client, "monthly_detail", report.pk)
    earlier = page(client, "monthly_detail", report.pk, submission=1)
    assert "这是第 1 次提交的内容" in earlier
    assert "本月新增 1 家客户。" in earlier


def test_the_workbook_holds_the_same_numbers(company, sign_in):
    report = factories.monthly_report(company.supervisor, "submitted", remarks="=1+1\n第二行")
    response = sign_in(company.executive).post(reverse("reports:monthly_workbook", args=[report.pk]))
    book = load_workbook(io.BytesIO(response.content))
    assert book.sheetnames == ["客户管理报告", "客户构成分析"]
    cover = [cell for row in book["客户管理报告"].iter_rows(values_only=True) for cell in row if cell]
    assert "=1+1" in cover
    assert all(cell.data_type != "f" for row in book["客户管理报告"].iter_rows() for cell in row)
    rows = list(book["客户构成分析"].iter_rows(values_only=True))
    assert ("大客户", 2) in [row[:2] for row in rows]
    assert ("合计", 2) in [row[:2] for row in rows]
    assert AuditEntry.objects.filter(verb="导出").count() == 1


def test_the_menu_counts_what_waits_for_me(company, sign_in):
    factories.monthly_report(company.supervisor, "submitted")
    factories.monthly_report(company.outsider, "returned", by=company.executive)

    def counted(person):
        return menu(sign_in(person).get("/help/")).get("客户管理报告")

    assert counted(company.executive) == "1"
    assert counted(company.outsider) == "1"
    assert counted(company.supervisor) == ""
    assert counted(company.manager) is None


def test_lists_and_pages_take_few_queries(company, sign_in, django_assert_max_num_queries):
    for back in range(1, 13):
        factories.monthly_report(
            company.supervisor, "submitted", period=add_months(timezone.localdate().replace(day=1), -back)
        )
    client = sign_in(company.executive)
    with django_assert_max_num_queries(14):
        page(client, "monthly_list")
    with django_assert_max_num_queries(14):
        page(client, "monthly_detail", MonthlyReport.objects.first().pk)
