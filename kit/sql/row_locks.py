"""Locks on rows to the end of a transaction, in one order everywhere."""

from __future__ import annotations

from typing import Any

from django.db import models


def lock_row(row: models.Model) -> None:
    """Re-read the row and lock it to the end of the transaction.

    Rows with `locks_before_records` are locked FOR NO KEY UPDATE: inserting a row that refers to one does not wait.
    """
    weak = getattr(row, "locks_before_records", False)
    row.refresh_from_db(from_queryset=type(row)._base_manager.select_for_update(no_key=weak))


def lock_before_records(*arguments: Any) -> None:
    """Lock those arguments of a transition that come before its row. Call before the row itself is locked."""
    lock_in_order(*(value for value in arguments if getattr(value, "locks_before_records", False)))


def lock_in_order(*rows: models.Model) -> None:
    """Lock rows of several models to the end of the transaction, ordered by model label and key.

    Labels in alphabetical order put accounts.User before everything that refers to users.
    """
    for label, model in sorted({row._meta.label: row._meta.model for row in rows}.items()):
        keys = {row.pk for row in rows if row._meta.label == label}
        list(model._base_manager.filter(pk__in=keys).order_by("pk").select_for_update(no_key=True).values_list("pk"))
