"""The business fields and relations of all business tables, to hold what is before a change against what is after."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import models

from kit.sql.markers import ChangeMarker

BUSINESS_APPS = ("accounts", "basedata", "customers", "marketing", "services", "reports")
# Neither is what happened in between part of the business: audit and jobs stand in apps of their own.
LEFT_OUT = {"accounts.notification", "accounts.usersession", "customers.timelineentry", "basedata.numbersequence"}
LEFT_OUT_COLUMNS = {"version", "last_login", "receives_shares"}  # the last: a mark that stays, to save a query
RECOMPUTED = {"customers.revenueyear", "customers.revenuemonth"}  # rows made anew have keys of their own
Digest = dict[str, dict[Any, dict[str, Any]]]


def business_models() -> list[type[models.Model]]:
    """Every table of the business, those of many-to-many relations included."""
    every = [model for app in BUSINESS_APPS for model in apps.get_app_config(app).get_models(include_auto_created=True)]
    return [model for model in every if model._meta.label_lower not in LEFT_OUT and _is_business_table(model)]


def _is_business_table(model: type[models.Model]) -> bool:
    return model._meta.managed and not model._meta.proxy and not issubclass(model, ChangeMarker)


def digest() -> Digest:
    """Return {table: {key: {column: value}}}."""
    tables: Digest = {}
    for model in business_models():
        names = [f.attname for f in model._meta.concrete_fields if f.attname not in LEFT_OUT_COLUMNS]
        recomputed = model._meta.label_lower in RECOMPUTED
        columns = [name for name in names if not (recomputed and name == "id")]
        rows = list(model._base_manager.order_by("pk").values("pk", *columns))
        if recomputed:
            rows = [{name: row[name] for name in columns} for row in rows]
        tables[model._meta.label_lower] = {tuple(row.values()) if recomputed else row["pk"]: row for row in rows}
    return tables


def differences(before: Digest, after: Digest) -> list[str]:
    """Say where the two differ, row by row and column by column."""
    texts = []
    for table in before:
        for key in before[table].keys() | after[table].keys():
            old, new = before[table].get(key), after[table].get(key)
            if old is None or new is None:
                texts.append(f"{table} {key}: {old} → {new}")
            else:
                texts += [f"{table} {key} {n}: {old[n]!r} → {new[n]!r}" for n in old if old[n] != new[n]]
    return sorted(texts)
