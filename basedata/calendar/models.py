"""The company's working calendar: hours of the day, days of the week, and the days that differ."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import date, time
from typing import Any, NamedTuple, Self

from django.db import models, transaction
from django.urls import reverse

from basedata.company_wide import CompanyWideQuerySet
from kit.audit.log import log_event, log_events, save_changes
from kit.domain.actor import Actor
from kit.domain.verdict import ALLOWED, Verdict, require_permission
from kit.sql.transactions import in_transaction
from kit.transitions import creation, transition

WEEKDAY_CHOICES = (  # ISO numbers, Monday is 1
    ("12345", "周一至周五"),
    ("123456", "周一至周六"),
    ("1234567", "周一至周日"),
    ("23456", "周二至周六"),
    ("12347", "周日至周四"),
)
CHANGE, NO_PERMISSION = "basedata.change_workcalendar", "您的角色不能修改工作日历"


class WorkCalendarQuerySet(CompanyWideQuerySet):
    view_permission = "basedata.view_workcalendar"


class WorkCalendar(models.Model):
    """The only row. Its stamp changes with every change of hours or days, so that no process caches an old calendar.

    A stamp and not a version: a number given back by a rolled-back transaction would name two calendars.
    """

    ONLY = 1

    weekdays = models.CharField("工作日", max_length=7, choices=WEEKDAY_CHOICES, default="12345")
    morning_from = models.TimeField("上班时间", default=time(9))
    morning_to = models.TimeField("午休开始", default=time(12))
    afternoon_from = models.TimeField("午休结束", default=time(13))
    afternoon_to = models.TimeField("下班时间", default=time(18))
    version = models.PositiveIntegerField(default=0, editable=False)
    stamp = models.UUIDField(default=uuid.uuid4, editable=False)

    objects = WorkCalendarQuerySet.as_manager()

    class Meta:
        verbose_name = "工作日历"
        verbose_name_plural = "工作日历"
        default_permissions = ("view", "change")
        constraints = [
            models.CheckConstraint(condition=models.Q(pk=1), name="basedata_one_calendar"),
            models.CheckConstraint(condition=~models.Q(weekdays=""), name="basedata_calendar_has_days"),
            models.CheckConstraint(
                condition=models.Q(
                    morning_from__lt=models.F("morning_to"),
                    morning_to__lte=models.F("afternoon_from"),
                    afternoon_from__lt=models.F("afternoon_to"),
                ),
                name="basedata_calendar_hours",
                violation_error_message="时间应依次为上班、午休开始、午休结束、下班；没有午休时，午休开始与结束填同一时间。",
            ),
        ]

    def __str__(self) -> str:
        return "工作日历"

    def get_absolute_url(self) -> str:
        return reverse("basedata:calendar")

    @property
    def hours_a_day(self) -> float:
        def minutes(at: time) -> int:
            return at.hour * 60 + at.minute

        morning = minutes(self.morning_to) - minutes(self.morning_from)
        return (morning + minutes(self.afternoon_to) - minutes(self.afternoon_from)) / 60

    @classmethod
    def load(cls) -> Self:
        """Return the company's row; the shipped hours where it is missing."""
        return cls.objects.filter(pk=cls.ONLY).first() or cls(pk=cls.ONLY)

    @classmethod
    @in_transaction
    def renew(cls) -> None:
        """Make every process read the calendar again, once the change is committed."""
        cls.objects.update(stamp=uuid.uuid4())

    @transition(CHANGE, "编辑", refusal=NO_PERMISSION)
    def edit(self, *, by: Actor, **values: Any) -> None:
        save_changes(by, "编辑", self, **values)
        self.renew()

    @edit.guard
    def can_edit(self, by: Actor) -> Verdict:
        return ALLOWED


class SpecialDayQuerySet(CompanyWideQuerySet):
    view_permission = "basedata.view_workcalendar"

    def of_year(self, year: int) -> Self:
        return self.filter(day__gte=date(year, 1, 1), day__lte=date(year, 12, 31))

    def announced(self) -> Self:
        """Days from an official notice, by which a year counts as entered."""
        return self.exclude(source="")


class SpecialDay(models.Model):
    """A day that differs from its weekday: a holiday, or a make-up day (调休)."""

    class Kind(models.TextChoices):
        REST = "rest", "休"
        WORK = "work", "班"

    day = models.DateField("日期", unique=True, error_messages={"unique": "这一天已经登记，请直接编辑它。"})
    kind = models.CharField("休或班", max_length=4, choices=Kind)
    name = models.CharField("名称", max_length=50)
    source = models.CharField("依据", max_length=200, blank=True)
    version = models.PositiveIntegerField(default=0, editable=False)

    objects = SpecialDayQuerySet.as_manager()

    class Meta:
        verbose_name = "节假日与调休"
        verbose_name_plural = "节假日与调休"
        default_permissions = ()  # the calendar's own permissions cover its days
        ordering = ["day"]
        constraints = [
            models.CheckConstraint(condition=models.Q(kind__in=("rest", "work")), name="basedata_special_day_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d} {self.get_kind_display()} {self.name}"

    def get_absolute_url(self) -> str:
        return f"{reverse('basedata:calendar')}?year={self.day.year}"

    @creation(CHANGE, "新增", refusal=NO_PERMISSION)
    @classmethod
    def create(cls, *, by: Actor, **values: Any) -> SpecialDay:
        """Return a new day, saved with its audit row."""
        day = cls(**values)
        day.save()
        log_event(by, "新建", day, 日期=day.day, 休或班=day.get_kind_display(), 名称=day.name, 依据=day.source)
        WorkCalendar.renew()
        return day

    @transition(CHANGE, "编辑", refusal=NO_PERMISSION)
    def edit(self, *, by: Actor, **values: Any) -> None:
        save_changes(by, "编辑", self, **values)
        WorkCalendar.renew()

    @edit.guard
    def can_edit(self, by: Actor) -> Verdict:
        return ALLOWED

    @transition(CHANGE, "删除", refusal=NO_PERMISSION)
    def remove(self, *, by: Actor) -> None:
        log_event(by, "删除", self, 日期=self.day, 休或班=self.get_kind_display(), 名称=self.name)
        self.delete()
        WorkCalendar.renew()

    @remove.guard
    def can_remove(self, by: Actor) -> Verdict:
        return ALLOWED


class AnnouncedDay(NamedTuple):
    """One day of a notice."""

    day: date
    kind: str
    name: str


class YearEntry(NamedTuple):
    """Numbers of days, by the result of entering a year."""

    added: int
    changed: int
    unchanged: int


@transaction.atomic
def enter_year(days: Iterable[AnnouncedDay], source: str, *, by: Actor) -> YearEntry:
    """Add and correct the days that a notice names; other days stay as they are."""
    require_permission(by, CHANGE, NO_PERMISSION).enforce()
    announced = {day.day: day for day in days}
    existing = {row.day: row for row in SpecialDay.objects.select_for_update().filter(day__in=announced)}
    changed = 0
    for row in existing.values():
        new = announced[row.day]
        changed += bool(save_changes(by, "编辑", row, kind=new.kind, name=new.name, source=source))
    missing = [SpecialDay(**new._asdict(), source=source) for new in announced.values() if new.day not in existing]
    added = SpecialDay.objects.bulk_create(missing)
    log_events(by, "新建", added, lambda row: {"休或班": row.get_kind_display(), "名称": row.name, "依据": row.source})
    WorkCalendar.renew()
    return YearEntry(len(added), changed, len(existing) - changed)
