"""log_event(): write an audit row in the change's own transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils import timezone

from kit.domain.actor import Actor
from kit.sql.transactions import in_transaction

from .models import AuditEntry

SYSTEM = "系统"
current_ip_address: ContextVar[str | None] = ContextVar("audit_address", default=None)

M = TypeVar("M", bound=models.Model)


def log_event(
    by: Actor | None, verb: str, obj: models.Model | None = None, /, text: str = "", **facts: Any
) -> AuditEntry:
    """Write an audit row: who did what to which record.

    by: a user, or None for the system. facts: values set by the event, label=value or label=(old, new);
    pass changes={...} for labels that are no identifiers. text: name of the object, when there is no record.
    """
    entry = build_entry(by, verb, obj, text=text, changes=facts)
    entry.save()
    return entry


def log_events(
    by: Actor | None, verb: str, objects: Iterable[M], changes: Callable[[M], dict[str, Any]] | None = None
) -> int:
    """Write one audit row per object, in batches; return how many. changes: gives the facts of an object."""
    entries = [build_entry(by, verb, obj, text="", changes=changes(obj) if changes else {}) for obj in objects]
    AuditEntry.objects.bulk_create(entries, batch_size=500)
    return len(entries)


def build_entry(
    by: Actor | None, verb: str, obj: models.Model | None, *, text: str, changes: dict[str, Any]
) -> AuditEntry:
    """Return an unsaved audit row; arguments as for log_event()."""
    flat = {**changes.pop("changes", {}), **changes} if changes else {}
    return AuditEntry(
        at=timezone.now(),
        actor_id=getattr(by, "pk", None),
        actor_name=str(by) if by is not None and getattr(by, "pk", None) else SYSTEM,
        verb=verb,
        content_type=ContentType.objects.get_for_model(obj) if obj is not None else None,
        object_id=obj.pk if obj is not None else None,
        object_text=(text or (str(obj) if obj is not None else ""))[:200],
        changes={label: _format_pair(value) for label, value in flat.items()},
        address=current_ip_address.get(),
    )


@in_transaction
def save_changes(by: Actor | None, verb: str, obj: models.Model, /, **values: Any) -> dict[str, tuple[str, str]]:
    """Set and save the given fields, increment the record's version and log old → new.

    Return {label: (old, new)}, {} when nothing changed. A value named `reason` that is no field goes into the audit row
    only; `facts` are changes already made to the record's relations, which belong into the same audit row.
    """
    fields, facts = {field.name for field in obj._meta.concrete_fields}, values.pop("facts", {})
    notes = {"原因": values.pop("reason")} if "reason" in values and "reason" not in fields else {}
    before = {name: (getattr(obj, name), display_value(obj, name)) for name in values}
    for name, value in values.items():
        setattr(obj, name, value)
    changed = [name for name in values if _differ(getattr(obj, name), before[name][0])]
    if not changed and not facts:
        return {}
    changes = {_field_label(obj, name): (before[name][1], display_value(obj, name)) for name in changed} | facts
    update_fields = set(values)
    if "version" in fields:
        obj.version = models.F("version") + 1  # type: ignore[attr-defined]
        update_fields.add("version")
    update_fields |= {field.name for field in obj._meta.concrete_fields if getattr(field, "auto_now", False)}
    update_fields |= set(getattr(obj, "derived_fields", ()))
    obj.save(update_fields=update_fields)
    if "version" in fields:
        obj.refresh_from_db(fields=["version"])
    log_event(by, verb, obj, changes={**changes, **{label: note for label, note in notes.items() if note}})
    return changes


def list_differences(obj: models.Model, before: Mapping[str, Any], fields: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return {verbose name: (old, new)} of the named fields that changed. before: name → display value."""
    changes = {}
    for name in fields:
        old, new = before.get(name, ""), display_value(obj, name)
        if _differ(old, new):
            changes[_field_label(obj, name)] = (old, new)
    return changes


def _differ(one: Any, other: Any) -> bool:
    """Tell whether values differ in more than line ends, which older texts kept as browsers sent them."""
    if isinstance(one, str) and isinstance(other, str):
        return one.replace("\r\n", "\n") != other.replace("\r\n", "\n")
    return one != other


def _field_label(obj: models.Model, name: str) -> str:
    return str(getattr(obj._meta.get_field(name), "verbose_name", name))


def display_value(obj: models.Model, name: str) -> str:
    """Return a field's value as the screen shows it."""
    display = getattr(obj, f"get_{name}_display", None)
    return format_value(display() if display else getattr(obj, name))


def format_value(value: Any) -> str:
    """Format a value for the audit log; "" for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, datetime):
        return f"{timezone.localtime(value) if timezone.is_aware(value) else value:%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)


def _format_pair(value: Any) -> list[str]:
    old, new = value if isinstance(value, tuple) else (None, value)
    return [format_value(old), format_value(new)]
