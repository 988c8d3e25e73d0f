"""The forms of 数据字典 and 工作日历."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from kit.pages.forms import Block, CrmForm, RecordForm

from .models import AnnouncedDay, SpecialDay, WorkCalendar


class ClockField(forms.TimeField):
    """A time of the day to the minute."""

    def __init__(self, **options: Any) -> None:
        widget = forms.TimeInput(format="%H:%M", attrs={"type": "time"})
        super().__init__(**{**options, "widget": widget, "input_formats": ["%H:%M"]})
        self.error_messages["invalid"] = "请填写时间，例如 09:00。"

    def prepare_value(self, value: Any) -> Any:
        return f"{value:%H:%M}" if isinstance(value, time) else value


class WorkHoursForm(RecordForm):
    blocks = (
        Block("工作日", "节假日与调休不受这里影响，它们在年历里逐日登记。", (("weekdays", 3),)),
        Block(
            "工作时间",
            "没有午休时，午休开始与结束填同一时间。",
            (("morning_from", 3), ("morning_to", 3), ("afternoon_from", 3), ("afternoon_to", 3)),
        ),
    )

    class Meta:
        model = WorkCalendar
        fields = ["weekdays", "morning_from", "morning_to", "afternoon_from", "afternoon_to"]
        field_classes = dict.fromkeys(("morning_from", "morning_to", "afternoon_from", "afternoon_to"), ClockField)


class SpecialDayForm(RecordForm):
    blocks = (
        Block(
            "特殊日",
            "与平常的周几不同的一天：放假，或因调休上班。",
            (("day", 3), ("kind", 3), ("name", 6), ("source", 6)),
        ),
    )

    class Meta:
        model = SpecialDay
        fields = ["day", "kind", "name", "source"]
        widgets = {"kind": forms.RadioSelect}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [("rest", "休（放假）"), ("work", "班（上班）")]  # type: ignore[attr-defined]
        self.fields["source"].help_text = "节假日填国务院办公厅通知的名称和文号；公司自行安排的可以不填"


LINE_PATTERN = re.compile(
    r"(?P<first>\d{4}-\d{1,2}-\d{1,2})(?:\s*[~～至]\s*(?P<last>\d{4}-\d{1,2}-\d{1,2}))?\s+(?P<kind>[休班])\s+(?P<name>\S.*)"
)
KIND_OF_SIGN = {"休": SpecialDay.Kind.REST, "班": SpecialDay.Kind.WORK}
EXAMPLE = "2027-01-01 休 元旦\n2027-10-01~2027-10-07 休 国庆节\n2027-10-09 班 国庆节调休"
MAX_ERRORS = 5


class EnterYearForm(CrmForm, forms.Form):
    """A whole notice pasted as lines: a day or a range of days, 休 or 班, the name."""

    blocks = (
        Block(
            "通知",
            "国务院办公厅每年 11 月前后公布下一年的安排。",
            (("year", 2), ("source", 6)),
        ),
        Block(
            "日期",
            "每行一天或一段：日期、休或班、名称，以空格隔开。已登记的日期按这里更正，没有提到的保持不变。",
            ("lines",),
        ),
    )
    units = {"year": "年"}
    year = forms.IntegerField(label="年份", min_value=2000, max_value=2100)
    source = forms.CharField(
        label="依据",
        max_length=200,
        help_text="通知的名称、文号和日期，例如：国务院办公厅关于2026年部分节假日安排的通知（国办发明电〔2025〕7号，2025-11-04）",
    )
    lines = forms.CharField(
        label="节假日与调休",
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 12, "placeholder": EXAMPLE}),
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if "year" in data and "lines" in data:
            try:
                data["days"] = list(parse_notice(data["lines"], data["year"]))
            except ValidationError as errors:
                self.add_error("lines", errors)
        return data


def parse_notice(text: str, year: int) -> Iterator[AnnouncedDay]:
    """Yield the days that the lines name; raise ValidationError naming the wrong lines."""
    line_of_day: dict[date, int] = {}
    errors = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            days = parse_line(line.strip(), year)
            if repeated := next((day.day for day in days if day.day in line_of_day), None):
                raise ValueError(f"{repeated} 在第 {line_of_day[repeated]} 行已经写过。")
            line_of_day.update((day.day, number) for day in days)
        except ValueError as error:
            errors.append(f"第 {number} 行：{error}")
            continue
        if not errors:
            yield from days
    if errors:
        more = [f"还有 {len(errors) - MAX_ERRORS} 行有误。"] if len(errors) > MAX_ERRORS else []
        raise ValidationError(errors[:MAX_ERRORS] + more)


def parse_line(line: str, year: int) -> list[AnnouncedDay]:
    """Return the days of one line; raise ValueError with the reason in words."""
    match = LINE_PATTERN.fullmatch(line)
    if not match:
        raise ValueError("请写成“2027-01-01 休 元旦”或“2027-10-01~2027-10-07 休 国庆节”。")
    first = parse_date(match["first"])
    last = parse_date(match["last"]) if match["last"] else first
    if not first <= last <= first + timedelta(days=30):
        raise ValueError("结束日期应不早于开始日期，一段最长 31 天。")
    if (first.year, last.year) != (year, year):
        raise ValueError(f"日期不在 {year} 年。")
    if len(match["name"]) > 50:
        raise ValueError("名称最多 50 个字。")
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [AnnouncedDay(day, KIND_OF_SIGN[match["kind"]], match["name"]) for day in days]


def parse_date(text: str) -> date:
    try:
        return date(*map(int, text.split("-")))
    except ValueError:
        raise ValueError(f"没有 {text} 这一天。") from None
