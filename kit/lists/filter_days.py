"""Filters by how long ago something was: relative to today, so that a kept link means the same tomorrow."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, NamedTuple

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import DateTimeField, Q, QuerySet
from django.utils import timezone

from kit.domain.days import midnight

WITHIN, OVER = "within", "over"
MAX_DAYS = 9_999
VALUE = re.compile(rf"({WITHIN}|{OVER})-([1-9][0-9]{{0,3}})")
UNREADABLE = "看不懂这个值，请重新选择。"


class Ago(NamedTuple):
    """At most so many days ago, or longer."""

    kind: str
    days: int
    words: str

    def __str__(self) -> str:
        return self.words


class AgoField(forms.Field):
    """within-30 or over-30: any number of days is read, the usual ones are offered."""

    widget = forms.Select

    def __init__(self, *, over: str, within: str, offered: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.patterns, self.offered = {WITHIN: within, OVER: over}, offered

    def read(self, value: str) -> Ago | None:
        match = VALUE.fullmatch(value)
        return match and Ago(match[1], int(match[2]), self.patterns[match[1]].format(int(match[2])))

    def to_python(self, value: Any) -> Ago | None:
        text = str(value or "").strip()
        if text and self.read(text) is None:
            raise ValidationError(UNREADABLE, code="invalid")
        return self.read(text)

    def choices_with(self, value: str) -> list[tuple[str, str]]:
        """Return the offered choices, and the given one if it is another."""
        chosen = self.read(value)
        keys = [*self.offered, *([value] if chosen and value not in self.offered else [])]
        return [("", "不限"), *((key, str(self.read(key))) for key in keys)]


class DaysAgo(django_filters.Filter):
    """Match rows by the day of the field: at most N days ago, or not in the last N days (without a day neither).

    over: what the second means, as "超过 {} 天没有交往"; today: the day to count from.
    """

    field_class = AgoField

    def __init__(
        self,
        *,
        over: str,
        within: str = "近 {} 天",
        offered: tuple[str, ...] = ("within-7", "within-30", "within-90", "over-30", "over-90", "over-180", "over-365"),
        today: Callable[[], date] = timezone.localdate,
        **kwargs: Any,
    ) -> None:
        self.today = today
        super().__init__(over=over, within=within, offered=offered, **kwargs)

    def filter(self, rows: QuerySet[Any], value: Ago | None) -> QuerySet[Any]:
        if value is None:
            return rows
        first_day = self.today() - timedelta(days=value.days)
        bound = midnight(first_day) if isinstance(self.model_field(rows.model), DateTimeField) else first_day
        if value.kind == WITHIN:
            return rows.filter(**{f"{self.field_name}__gte": bound})
        earlier, never = Q(**{f"{self.field_name}__lt": bound}), Q(**{f"{self.field_name}__isnull": True})
        return rows.filter(earlier | never if self.may_be_missing(rows) else earlier)

    def model_field(self, model: Any) -> Any:
        """Return the field at the end of the path; an annotation has none."""
        *path, name = self.field_name.split("__")
        for step in path:
            model = model._meta.get_field(step).related_model
        return next((field for field in model._meta.get_fields() if field.name == name), None)

    def may_be_missing(self, rows: QuerySet[Any]) -> bool:
        field = self.model_field(rows.model)
        return "__" in self.field_name or field is None or field.null
