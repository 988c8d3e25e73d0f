"""Lock what a changed row belongs to before the row itself, in the order that merging locks in."""

from __future__ import annotations

from typing import Any, Protocol

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.http import QueryDict

from kit.domain.verdict import lock_before_records
from kit.transitions import LockedWithParent


class UpdatePage(Protocol):
    """A RecordUpdate, as far as locking reads it."""

    model: type[models.Model]
    request: Any

    def get_record(self) -> Any: ...

    def make_form(self, record: Any, data: QueryDict | None = None) -> Any: ...


def lock_before_row(page: UpdatePage) -> None:
    """Lock the customer the page's row belongs to and those its form chooses.

    A page names in `locked_first` the form fields that choose a customer, a model gives its own by locked_parent().
    Call it in a transaction before the row is locked.
    """
    field_names, parent_name = getattr(page, "locked_first", ()), getattr(page.model, "locked_with", "")
    has_parent = issubclass(page.model, LockedWithParent)
    if not (field_names or parent_name or has_parent):
        return
    record = page.get_record()
    form = page.make_form(record, page.request.POST) if field_names else None
    rows = [_chosen_row(form, name) for name in field_names]
    parent = record.locked_parent() if has_parent else getattr(record, parent_name, None)
    lock_before_records(*rows, *([record] if any(rows) else []), parent)


def _chosen_row(form: forms.BaseForm | None, name: str) -> Any:
    """Return the row an unvalidated form's field chooses; None if it is none, or not one the user may choose."""
    if form is None or name not in form.fields:
        return None
    try:
        return form.fields[name].clean(form[name].data)
    except ValidationError:
        return None
