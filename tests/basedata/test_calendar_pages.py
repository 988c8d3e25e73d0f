"""工作日历: the year at a glance, who changes it, a notice pasted as lines, and what a year without one says."""

from __future__ import annotations

from datetime import date, time

import pytest

from basedata.calendar.working_time import current_schedule
from basedata.models import SpecialDay, WorkCalendar
from kit.audit.models import AuditEntry
from kit.domain.verdict import Refused
from tests.html import errors, find_all, links, markup, notices, text, texts, urls, value, written

pytestmark = pytest.mark.django_db

PAGE = "/basedata/calendar/"
NOTICE = "国务院办公厅关于2027年部分节假日安排的通知（测试）"


def words(response):
    """Return what a reader sees, without the spaces."""
    return text(response).replace(" ", "")


def opened(client, address):
    return value(client.get(address), "opened")


def enter(client, lines, year="2027", source=NOTICE):
    return client.post(f"{PAGE}enter/", {"year": year, "source": source, "lines": lines}, follow=True)


def test_the_year_shows_its_holidays_make_up_days_and_their_source(company, sign_in, django_assert_max_num_queries):
    client = sign_in(company.manager)
    client.get(PAGE)
    with django_assert_max_num_queries(16):
        response = client.get(f"{PAGE}?year=2026")
    page = words(response)
    for part in (
        "工作日历2026年",
        "工作日248天；周一至周五09:00–12:00、13:00–18:00，每天8小时",
        "国庆节10-01周四至10-07周三，共7天",
        "国庆节调休09-20周日",
        "国庆节调休10-10周六",
        "国办发明电〔2025〕7号",
    ):
        assert part in page
    assert "还没有录入" not in page
    assert len(find_all(response, "table.month td.hol")) == 33
    assert len(find_all(response, "table.month td.work")) == 6
    assert [url for label, url in links(response, "main a[rel]") if label == "通知全文" and "politics.gmw.cn" in url]
    assert "录入年度通知" not in page
    assert "/days/" not in markup(response), "who may only look gets no links to change"


def test_a_year_without_a_notice_says_so_and_tells_an_administrator_what_to_do(company, admin, sign_in):
    assert "2027年的节假日通知还没有录入，现在只按平常的周几计算" in words(admin.get(f"{PAGE}?year=2027"))
    assert f"{PAGE}enter/?year=2027" in urls(admin.get(f"{PAGE}?year=2027"), ".msg a")
    assert "由系统管理员录入" in words(sign_in(company.manager).get(f"{PAGE}?year=2027"))
    SpecialDay.create(by=company.administrator, day=date(2027, 6, 1), kind="rest", name="厂庆")
    assert "还没有录入" in words(admin.get(f"{PAGE}?year=2027")), "a day of the company's own is no notice"


@pytest.mark.parametrize("asked", ["", "x", "1999", "2101", "99999", "２０２７", "-1", "2027%00"])
def test_a_year_that_makes_no_sense_is_this_year(admin, asked):
    response = admin.get(f"{PAGE}?year={asked}")
    assert response.status_code in (200, 400)


def test_an_administrator_enters_a_notice_as_lines(company, admin):
    before = AuditEntry.objects.count()
    response = enter(admin, "2027-01-01 休 元旦\n\n2027-10-01~2027-10-07　休　国庆节\n2027-10-09 班 国庆节调休\n")
    assert response.redirect_chain == [(f"{PAGE}?year=2027", 302)]
    assert "2027年：新增9天，更正0天，未变0天。" in words(response)
    assert "还没有录入" not in words(response)
    assert NOTICE in text(response)
    assert AuditEntry.objects.count() == before + 9
    assert not current_schedule().is_working_day(date(2027, 10, 1))
    assert current_schedule().is_working_day(date(2027, 10, 9))
    again = enter(admin, "2027-10-01 至 2027-10-08 休 国庆节、中秋节\n2027-10-09 班 国庆节调休")
    assert "2027年：新增1天，更正7天，未变1天。" in words(again)
    entry = AuditEntry.objects.filter(verb="编辑").latest("pk")
    assert entry.changes == {"名称": ["国庆节", "国庆节、中秋节"]}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("元旦放假", "第 1 行：请写成"),
        ("2027-01-01 休", "第 1 行：请写成"),
        ("2027-01-01 假 元旦", "第 1 行：请写成"),
        ("2027-01-01 休 元旦\n2027-02-30 休 春节", "第 2 行：没有 2027-02-30 这一天。"),
        ("2026-12-31 休 元旦", "第 1 行：日期不在 2027 年。"),
        ("2027-12-31~2028-01-02 休 元旦", "第 1 行：日期不在 2027 年。"),
        ("2027-01-03~2027-01-01 休 元旦", "第 1 行：结束日期应不早于开始日期"),
        ("2027-01-01~2027-06-01 休 元旦", "一段最长 31 天"),
        ("2027-01-01~2027-01-03 休 元旦\n2027-01-02 班 元旦", "第 2 行：2027-01-02 在第 1 行已经写过。"),
        ("2027-01-01 休 " + "长" * 51, "第 1 行：名称最多 50 个字。"),
        ("\n".join(["错"] * 9), "还有 4 行有误。"),
        ("", "请填写。"),
    ],
)
def test_lines_that_are_wrong_are_named_and_nothing_is_entered(admin, lines, said):
    before = SpecialDay.objects.count()
    response = enter(admin, lines)
    assert response.status_code == 200
    assert said in " ".join(errors(response))
    assert lines.strip()[:20] in written(response, "[name=lines]")[0], "what was typed stays"
    assert SpecialDay.objects.count() == before


def test_a_day_is_added_changed_and_removed_and_logged(company, admin):
    values = {"day": "2026-12-25", "kind": "rest", "name": "年会", "source": ""}
    added = admin.post(f"{PAGE}days/new/", values, follow=True)
    assert added.redirect_chain == [(f"{PAGE}?year=2026", 302)]
    day = SpecialDay.objects.get(day=date(2026, 12, 25))
    address = f"{PAGE}days/{day.pk}/"
    assert f"{address}edit/" in urls(added)
    twice = admin.post(f"{PAGE}days/new/", values)
    assert errors(twice) == ["这一天已经登记，请直接编辑它。"]
    changed = {**values, "name": "公司年会", "opened": opened(admin, f"{address}edit/")}
    assert admin.post(f"{address}edit/", changed).status_code == 302
    assert f"{address}delete/" in urls(admin.get(f"{address}edit/"))
    assert "删除后这一天按平常的周几计算" in text(admin.get(f"{address}delete/"))
    gone = admin.post(f"{address}delete/", follow=True)
    assert notices(gone) == ["删除成功"]
    assert not SpecialDay.objects.filter(day=date(2026, 12, 25)).exists()
    entries = AuditEntry.objects.filter(object_text__startswith="2026-12-25").order_by("pk")
    assert [(entry.verb, entry.actor) for entry in entries] == [
        (verb, company.administrator) for verb in ("新建", "编辑", "删除")
    ]
    assert "删除2026-12-25休公司年会" in words(gone)


def test_two_administrators_at_one_day_or_at_the_hours_both_see_what_the_other_did(company, admin):
    day = SpecialDay.objects.get(day=date(2026, 10, 10))
    address = f"{PAGE}days/{day.pk}/edit/"
    memory = opened(admin, address)
    day.edit(by=company.administrator, name="别人写的")
    values = {"day": "2026-10-10", "kind": "work", "name": "我写的", "source": day.source, "opened": memory}
    response = admin.post(address, values)
    assert response.status_code == 409
    assert "别人写的" in text(response)
    assert "我写的" in text(response)
    hours = {"weekdays": "12345", "morning_from": "08:30", "morning_to": "12:00"}
    hours |= {"afternoon_from": "13:00", "afternoon_to": "17:30"}
    memory = opened(admin, f"{PAGE}hours/")
    WorkCalendar.load().edit(by=company.administrator, morning_to=time(11, 30))
    response = admin.post(f"{PAGE}hours/", {**hours, "opened": memory})
    assert response.status_code == 409
    assert "午休开始" not in [row["label"] for row in response.context["choices"]], "only one of us changed it"
    assert admin.post(f"{PAGE}hours/", {**hours, "opened": opened(admin, f"{PAGE}hours/")}).status_code == 302
    assert (WorkCalendar.load().morning_from, current_schedule().minutes_a_day) == (time(8, 30), 480)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"morning_from": "25:00"}, "请填写时间，例如 09:00。"),
        ({"morning_from": ""}, "请填写。"),
        ({"morning_from": "12:30"}, "时间应依次为上班、午休开始、午休结束、下班"),
        ({"afternoon_to": "12:30"}, "时间应依次为上班、午休开始、午休结束、下班"),
        ({"weekdays": "89"}, "89"),
        ({"weekdays": ""}, "请选择。"),
    ],
)
def test_hours_that_make_no_sense_are_refused_in_words(admin, changes, said):
    hours = {"weekdays": "12345", "morning_from": "08:30", "morning_to": "12:00"}
    hours |= {"afternoon_from": "13:00", "afternoon_to": "17:30", "opened": opened(admin, f"{PAGE}hours/")}
    response = admin.post(f"{PAGE}hours/", {**hours, **changes})
    assert response.status_code == 200
    assert said in " ".join(texts(response, ".msg.red li"))
    assert current_schedule().minutes_a_day == 480


def test_a_company_without_lunch_break_says_so_with_two_equal_times(admin):
    hours = {"weekdays": "123456", "morning_from": "08:00", "morning_to": "12:00"}
    hours |= {"afternoon_from": "12:00", "afternoon_to": "16:00", "opened": opened(admin, f"{PAGE}hours/")}
    assert admin.post(f"{PAGE}hours/", hours).status_code == 302
    assert current_schedule().minutes_a_day == 480
    assert current_schedule().is_working_day(date(2026, 11, 28))


def test_nobody_but_an_administrator_changes_the_calendar(company):
    day = SpecialDay.objects.get(day=date(2026, 10, 10))
    for person in (company.supervisor, company.manager, company.executive, company.nobody):
        for attempt in (
            lambda by: SpecialDay.create(by=by, day=date(2026, 12, 25), kind="rest", name="年会"),
            lambda by: day.edit(by=by, name="x"),
            lambda by: day.remove(by=by),
            lambda by: WorkCalendar.load().edit(by=by, weekdays="123456"),
        ):
            with pytest.raises(Refused):
                attempt(person)
