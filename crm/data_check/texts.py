"""Texts: invisible characters, numbers shortened by a spreadsheet, codes in more than one spelling."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.apps import apps
from django.db import models

from basedata.models import FeedPosition, SyncRefusal, SyncRun
from customers.models import Customer, ImportFile, ParkedOrder
from kit.domain.folding import clean_text, fold_code, fold_width, has_invisible
from kit.domain.shortened_numbers import is_shortened_number
from kit.sql.streaming import stream_values

from .findings import Finding, build_setter

APPS = ("basedata", "customers", "marketing", "services")
RECEIVED = (SyncRun, SyncRefusal, FeedPosition, ParkedOrder, ImportFile)  # received data, stored as evidence
TEXT_FIELDS = (models.CharField, models.TextField)
CODES: dict[str, Callable[[str], str]] = {
    "license_number": fold_code,
    "local_tax_number": fold_code,
    "national_tax_number": fold_code,
    "external_number": fold_width,
}


def checked_models() -> Iterator[type[models.Model]]:
    for app in APPS:
        yield from (model for model in apps.get_app_config(app).get_models() if model not in RECEIVED)


def typed_fields(model: type[models.Model]) -> list[str]:
    """Return the names of a model's free-text fields."""
    derived = getattr(model, "derived_fields", ())
    fields = [field for field in model._meta.concrete_fields if isinstance(field, TEXT_FIELDS) and not field.choices]
    return [field.name for field in fields if field.name not in derived]


def wrong_texts(is_wrong: Callable[[str], bool]) -> Iterator[tuple[models.Model, str, str]]:
    """Yield (record, field, text) of each text that is wrong."""
    for model in checked_models():
        names = typed_fields(model)
        for key, *texts in stream_values(model._base_manager.values_list("pk", *names)) if names else ():
            wrong_fields = [(name, text) for name, text in zip(names, texts, strict=True) if text and is_wrong(text)]
            for name, text in wrong_fields:
                yield model._base_manager.get(pk=key), name, text


def invisible_signs() -> Iterator[Finding]:
    """Find zero-width and bidirectional signs and no-break spaces."""
    for record, name, text in wrong_texts(has_invisible):
        cleaned, escaped = clean_text(text).strip(), ascii(text).strip("'")
        if cleaned or field_of(record, name).blank:
            fix = build_setter(record, name, cleaned)
            yield Finding(record, label_of(record, name), escaped, f"改为「{cleaned[:40]}」", fix)
        else:
            yield Finding(record, label_of(record, name), escaped, "除了看不见的字符什么也没有，请打开填写")


def shortened_numbers() -> Iterator[Finding]:
    """Find numbers such as 1.38E+10: their last digits are lost, nobody can compute them."""
    for record, name, text in wrong_texts(is_shortened_number):
        yield Finding(record, label_of(record, name), text, "表格软件把号码缩写了，后面的数字已经丢失，请打开补填")


def codes_in_another_spelling() -> Iterator[Finding]:
    """Find codes in small letters, full width, or with spaces inside."""
    for key, *codes in stream_values(Customer._base_manager.values_list("pk", *CODES)):
        for (name, normal), code in zip(CODES.items(), codes, strict=True):
            if code and normal(code) != code:
                record = Customer._base_manager.get(pk=key)
                fix = build_setter(record, name, normal(code))
                yield Finding(record, label_of(record, name), code, f"改为 {normal(code)}", fix)


def field_of(record: models.Model, name: str) -> models.Field[Any, Any]:
    field = record._meta.get_field(name)
    assert isinstance(field, models.Field)
    return field


def label_of(record: models.Model, name: str) -> str:
    return str(field_of(record, name).verbose_name)
