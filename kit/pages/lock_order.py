"""Lock what a changed row belongs to before the row itself, in the order that merging locks in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError

from kit.sql.row_locks import lock_before_records, lock_row
from kit.sql.transactions import in_transaction
from kit.transitions import LockedWithParent

if TYPE_CHECKING:
    from .form_page import FormPage


@in_transaction
def lock_before_row(page: FormPage) -> None:
    """Lock what the page's row belongs to and the customers its form chooses, as the transition will, before the row.

    A page names in `locked_first` the form fields that choose a customer, a model gives its parent by locked_parent().
    """
    if not page.locked_first and not issubclass(page.model, LockedWithParent):
        return
    record = page.get_record()
    form = page.make_form(record, page.request.POST) if page.locked_first else None
    rows = [_chosen_row(form, name) for name in page.locked_first]
    parent = record.locked_parent() if isinstance(record, LockedWithParent) else None
    lock_before_records(*rows, *([record] if any(rows) else []), parent)
    if parent is not None and not getattr(parent, "locks_before_records", False):
        lock_row(parent)


def _chosen_row(form: forms.BaseForm | None, name: str) -> Any:
    """Return the row an unvalidated form's field chooses; None if it is none, or not one the user may choose."""
    if form is None or name not in form.fields:
        return None
    try:
        return form.fields[name].clean(form[name].data)
    except ValidationError:
        return None
