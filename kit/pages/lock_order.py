"""What a page that changes a row locks before the row itself."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError

from kit.domain.verdict import lock_before_records


def lock_before_row(page: Any) -> None:
    """Holds the customer that the page's row hangs on, and those it is to point at, as merging locks them first.

    A page names in `locked_first` the fields that choose a customer. Call in a transaction before the row is locked.
    """
    field_names, parent_name = getattr(page, "locked_first", ()), getattr(page.model, "locked_with", "")
    if not (field_names or parent_name):
        return
    record = page.get_record()
    form = page.make_form(record, page.request.POST) if field_names else None
    rows = [_chosen_row(form, name) for name in field_names]
    lock_before_records(*rows, *([record] if any(rows) else []), getattr(record, parent_name, None))


def _chosen_row(form: Any, name: str) -> Any:
    """What a field means before the form is checked; None when it means nothing, or the person does not see it."""
    if name not in form.fields:
        return None
    try:
        return form.fields[name].clean(form[name].data)
    except ValidationError:
        return None
