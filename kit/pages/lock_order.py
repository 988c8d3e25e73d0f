"""What a page that changes a row locks before the row itself."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError

from kit.domain.verdict import lock_before_records


def lock_before_row(page: Any) -> None:
    """Holds the customer that the page's row hangs on, and those it is to point at, as merging locks them first.

    A page names in `locked_first` the fields that choose a customer. Call in a transaction before the row is locked.
    """
    named, whole = getattr(page, "locked_first", ()), getattr(page.model, "locked_with", "")
    if not (named or whole):
        return
    stored = page.get_record()
    form = page.make_form(stored, page.request.POST) if named else None
    chosen = [_chosen(form, name) for name in named]
    lock_before_records(*chosen, *([stored] if any(chosen) else []), getattr(stored, whole, None))


def _chosen(form: Any, name: str) -> Any:
    """What a field means before the form is checked; None when it means nothing, or the person does not see it."""
    if name not in form.fields:
        return None
    try:
        return form.fields[name].clean(form[name].data)
    except ValidationError:
        return None
