"""工作日历: the year at a glance, its holidays and make-up days, the hours; entering, changing, removing."""

from __future__ import annotations

from calendar import Calendar
from collections.abc import Iterable
from datetime import date
from itertools import groupby
from typing import Any, NamedTuple

from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views import View

from kit.audit.models import AuditEntry
from kit.pages.buttons import Button, controls
from kit.pages.form_page import FormPage
from kit.pages.page import render_page
from kit.pages.unknown_parameters import shorten

from .forms import EnterYearForm, SpecialDayForm, WorkHoursForm
from .holidays import NOTICES
from .models import SpecialDay, WorkCalendar, enter_year
from .working_time import Schedule, current_schedule

CRUMBS = (("基础数据", ""), ("工作日历", "basedata:calendar"))
EDIT = Button(SpecialDay.edit, "edit", "basedata:special_day_update")
REMOVE = Button(SpecialDay.remove, "trash", "basedata:special_day_delete", dialog=True)


class Cell(NamedTuple):
    """One day of the year view. css: hol, work or off, and today."""

    day: date
    css: str
    mark: str
    name: str
    url: str


class Span(NamedTuple):
    """Neighbouring days of one holiday, or one make-up day."""

    name: str
    is_rest: bool
    first: date
    last: date
    days: list[SpecialDay]


class CalendarPage(View):
    model = WorkCalendar
    title, help = "工作日历", "calendar"
    crumbs: tuple[tuple[str, str], ...] = (("基础数据", ""),)
    template_name = "basedata/calendar.html"
    request: Any

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        user = self.request.user
        if not user.has_perm("basedata.view_workcalendar"):
            raise PermissionDenied("您的角色不能查看工作日历。")
        record, year = WorkCalendar.load(), requested_year(request)
        days = list(SpecialDay.objects.visible_to(user).of_year(year))
        schedule, may_edit = current_schedule(), bool(record.can_edit(user))
        sources = {day.source: None for day in days if day.source}
        return render_page(
            self,
            record=record,
            year=year,
            misread=year_problems(request, year),
            years=years_to_show(year),
            months=months(year, schedule, days, may_edit),
            spans=list(spans(days)),
            sources=[(source, source_url(year, source)) for source in sources],
            working_days=schedule.working_days(date(year, 1, 1), date(year, 12, 31)),
            may_edit=may_edit,
            history=recent_changes(),
        )


def requested_year(request: HttpRequest) -> int:
    text = request.GET.get("year", "")
    year = int(text) if text.isdecimal() and len(text) == 4 else 0
    return year if 2000 <= year <= 2100 else timezone.localdate().year


def year_problems(request: HttpRequest, year: int) -> list[str]:
    """Return a sentence about a year in the URL that no calendar has."""
    text = request.GET.get("year", "")
    return [f"没有「{shorten(text)}」年的日历，现在显示 {year} 年。"] if text not in ("", str(year)) else []


def years_to_show(year: int) -> list[int]:
    """Return the years that have days, this one and the next, and the requested one."""
    this = timezone.localdate().year
    entered_years = {first.year for first in SpecialDay.objects.dates("day", "year")}
    return sorted({*entered_years, this, this + 1, year})


def source_url(year: int, source: str) -> str:
    """Return the URL of a shipped notice's text; empty for a notice entered here."""
    notice = NOTICES.get(year)
    return notice.read_at if notice and notice.source == source else ""


def months(
    year: int, schedule: Schedule, days: Iterable[SpecialDay], may_edit: bool
) -> list[tuple[int, list[list[Cell | None]]]]:
    """Return (month, its weeks from Monday to Sunday); cells outside the month are None."""
    special = {day.day: day for day in days}
    weeks = Calendar().monthdatescalendar

    def cell(day: date, month: int) -> Cell | None:
        return day_cell(day, special.get(day), schedule, may_edit) if day.month == month else None

    return [(month, [[cell(day, month) for day in week] for week in weeks(year, month)]) for month in range(1, 13)]


def day_cell(day: date, special: SpecialDay | None, schedule: Schedule, may_edit: bool) -> Cell:
    today = " today" if day == timezone.localdate() else ""
    if special is None:
        return Cell(day, ("" if schedule.is_working_day(day) else "off") + today, "", "", "")
    css = ("hol" if special.kind == SpecialDay.Kind.REST else "work") + today
    url = EDIT.url(special) if may_edit else ""
    return Cell(day, css, special.get_kind_display(), special.name, url)


def spans(days: Iterable[SpecialDay]) -> Iterable[Span]:
    """Yield neighbouring days of one name as spans: 国庆节, 10-01 to 10-07, 7 days."""

    def key(numbered: tuple[int, SpecialDay]) -> tuple[str, str, int]:
        position, day = numbered
        return day.name, day.kind, day.day.toordinal() - position

    for (name, kind, _), group in groupby(enumerate(days), key):
        span_days = [day for _, day in group]
        yield Span(name, kind == SpecialDay.Kind.REST, span_days[0].day, span_days[-1].day, span_days)


def recent_changes() -> QuerySet[AuditEntry]:
    types = ContentType.objects.get_for_models(WorkCalendar, SpecialDay).values()
    return AuditEntry.objects.filter(content_type__in=types).order_by("-id")[:8]


class EditHours(FormPage):
    do, form, title = WorkCalendar.edit, WorkHoursForm, "修改工作时间"
    crumbs, help = CRUMBS, "calendar"


class SpecialDayCreate(FormPage):
    do, form, title = SpecialDay.create, SpecialDayForm, "新增特殊日"
    crumbs, help = CRUMBS, "calendar"

    def back_url(self, record: SpecialDay) -> str:
        return reverse("basedata:calendar")


class SpecialDayUpdate(FormPage):
    do, form, title = SpecialDay.edit, SpecialDayForm, "编辑特殊日"
    crumbs, help = CRUMBS, "calendar"
    template_name = "basedata/special_day_form.html"

    def context(self, record: SpecialDay, form: Any) -> dict[str, Any]:
        return {"drawn": controls((REMOVE,), record, self.request.user)}


class RemoveSpecialDay(FormPage):
    do, title, question = SpecialDay.remove, "删除特殊日", "确认删除？"
    danger, submit_label, message = True, "确定", "删除成功"
    crumbs, help = CRUMBS, "calendar"

    def context(self, record: SpecialDay, form: Any) -> dict[str, Any]:
        return {
            "named": f"特殊日：{record}",
            "consequence": "删除后这一天按平常的周几计算；审计记录会保留删除人和时间。",
        }

    def success_url(self, record: SpecialDay, result: Any) -> str:
        return record.get_absolute_url()


class EnterYear(FormPage):
    """Enter the days of a whole notice at once."""

    do, form, title = WorkCalendar.edit, EnterYearForm, "录入年度通知"
    crumbs, help, submit_label = CRUMBS, "calendar", "录入"

    def get_record(self) -> WorkCalendar:
        return WorkCalendar.load()

    def form_options(self, record: WorkCalendar) -> dict[str, Any]:
        return {"initial": {"year": requested_year(self.request)}} if "year" in self.request.GET else {}

    def carry_out(self, record: WorkCalendar, form: Any) -> None:
        data = form.cleaned_data
        result = enter_year(data["days"], data["source"], by=self.request.user)
        self.message = (
            f"{data['year']} 年：新增 {result.added} 天，更正 {result.changed} 天，未变 {result.unchanged} 天。"
        )

    def success_url(self, record: WorkCalendar, result: None) -> str:
        return f"{reverse('basedata:calendar')}?year={self.request.POST['year']}"
