"""Days that cannot be: long ago, far ahead, or ahead of something that has happened."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from django.db import models
from django.utils import timezone

from customers.models import Order
from kit.domain.days import SPREADSHEET_EPOCH, explain_far_day, misread_month
from kit.domain.past_dates import FUTURE_DATE_REFUSED, is_in_future, refuse_ahead
from kit.sql.streaming import stream_values

from .findings import Finding, build_setter
from .texts import checked_models, label_of

MAY_BE_FAR = ("until",)  # the last day of a share


def impossible_days() -> Iterator[Finding]:
    """Find days before 1949, more than five years ahead, or after tomorrow though they tell of the past."""
    for model in checked_models():
        fields = [
            field
            for field in model._meta.concrete_fields
            if isinstance(field, models.DateField) and field.name not in MAY_BE_FAR
        ]
        names = [field.name for field in fields]
        for key, *values in stream_values(model._base_manager.values_list("pk", *names)) if fields else ():
            for field, value in zip(fields, values, strict=True):
                if reason := date_error(value, happened=refuse_ahead in field.validators):
                    yield as_finding(model._base_manager.get(pk=key), field.name, reason)


def date_error(value: date | datetime | None, *, happened: bool) -> str:
    """Return what is wrong with a stored day, or nothing."""
    if value is None:
        return ""
    if words := explain_far_day(as_day(value)):
        return words
    return FUTURE_DATE_REFUSED if happened and is_in_future(value) else ""


def as_finding(record: models.Model, name: str, reason: str) -> Finding:
    value = getattr(record, name)
    day = as_day(value)
    meant = None if isinstance(value, datetime) else misread_month(value)
    if meant:
        advice = f"当时的 {(value - SPREADSHEET_EPOCH).days} 是年月，改为 {meant}"
        return Finding(record, label_of(record, name), str(day), advice, build_setter(record, name, meant))
    advice = "请在销售系统改正后重新同步" if isinstance(record, Order) else "请打开改正"
    return Finding(record, label_of(record, name), str(day), f"{reason}{advice}")


def as_day(value: date | datetime) -> date:
    return timezone.localtime(value).date() if isinstance(value, datetime) else value
