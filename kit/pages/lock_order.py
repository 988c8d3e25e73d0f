"""Lock what a changed row belongs to before the row itself, in the order that merging locks in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError

from kit.sql.row_locks import lock_before_records
from kit.transitions import LockedWithParent

if TYPE_CHECKING:
    from .form_page import FormPage


def lock_before_row(page: FormPage) -> None:
    """Lock the customer the page's row belongs to and those its form chooses.

    A page names in `locked_first` the form fields that choose a customer, a model gives its own by locked_parent().
    Call it in a transaction before the row is locked.
    """
    if not page.locked_first and not issubclass(page.model, LockedWithParent):
        return
    record = page.get_record()
    form = page.make_form(record, page.request.POST) if page.locked_first else None
    rows = [_chosen_row(form, name) for name in page.locked_first]
    parent = record.locked_parent() if isinstance(record, LockedWithParent) else None
    lock_before_records(*rows, *([record] if any(rows) else []), parent)


def _chosen_row(form: forms.BaseForm | None, name: str) -> Any:
    """Return the row an unvalidated form's field chooses; None if it is none, or not one the user may choose."""
    if form is None or name not in form.fields:
        return None
    try:
        return form.fields[name].clean(form[name].data)
    except ValidationError:
        return None
