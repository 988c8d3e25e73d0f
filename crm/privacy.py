"""个人信息 of one contact: all that is stored, in one place; exported on request, corrected, erased for good.

Each module says in its personal.py what it may store. Here they are read together with the audit log.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

from django.contrib.contenttypes.models import ContentType
from django.db import transaction

from accounts.models import User
from customers.contacts.models import CONTACT_TEXTS
from customers.interactions.models import delete_files_on_commit
from customers.models import Attachment, Contact
from customers.personal import CONTACT, ContactWords, PersonalDataSource
from kit.audit.export_conditions import CONDITIONS_LABEL, EXPORT_VERB
from kit.audit.log import display_value, format_value, log_event
from kit.audit.models import AuditEntry
from kit.audit.redaction import ERASED_TEXT, Erasure, find_entries_naming, redact
from kit.audit.verification import ERASURE_VERB
from kit.domain.modules import modules
from kit.exchange.personal import erase_from_jobs
from kit.imports.personal import erase_from_runs
from kit.sql.row_locks import lock_row
from kit.sql.streaming import stream_records
from kit.undo.personal import erase_from_journal

AUDIT_LOG = "审计记录"
ROWS_SHOWN = 50


def parts() -> tuple[PersonalDataSource, ...]:
    """Return what each module may store about a contact; the floor cannot name the class of these parts."""
    personal = [module.personal for module in modules() if module.personal]
    return tuple(cast(PersonalDataSource, part) for texts in personal for part in texts.PARTS)


class Sheet(NamedTuple):
    """The rows of one part about the contact, as on the page and in the export."""

    title: str
    headers: list[str]
    rows: list[list[Any]]
    hidden: int  # number of rows outside the reader's view, which are erased all the same

    def labelled(self) -> list[list[tuple[str, Any]]]:
        """Return the first rows, each value with its header, which phones put beside it."""
        return [list(zip(self.headers, row, strict=True)) for row in self.rows[:ROWS_SHOWN]]


def collect_sheets(contact: Contact, by: User) -> list[Sheet]:
    words = ContactWords.of(contact)
    return [*(_sheet(part, contact, words, by) for part in parts()), _audit_sheet(contact, words, by)]


def _sheet(part: PersonalDataSource, contact: Contact, words: ContactWords, by: User) -> Sheet:
    rows = list(part.held(contact, words))
    visible_to = getattr(part.model._default_manager, "visible_to", None)
    keys = {row.pk for row in rows}
    if visible_to:
        keys = set(visible_to(by).filter(pk__in=keys).values_list("pk", flat=True))
    values = [[_value(row, name) for name in part.columns] for row in rows if row.pk in keys]
    return Sheet(part.title, [_label(part, name) for name in part.columns], values, len(rows) - len(keys))


def _label(part: PersonalDataSource, name: str) -> str:
    return "编号" if name == "pk" else str(part.model._meta.get_field(name).verbose_name)  # type: ignore[union-attr]


def _value(row: Any, name: str) -> str:
    return str(row.pk) if name == "pk" else display_value(row, name)


def _audit_sheet(contact: Contact, words: ContactWords, by: User) -> Sheet:
    """Return the events on records in the reader's view."""
    entries = sorted(entries_about(contact, words), key=lambda entry: entry.pk)
    records = records_around(contact, by)
    visible = [entry for entry in entries if (entry.content_type_id, entry.object_id) in records]
    rows = [
        [format_value(entry.at), entry.actor_name, entry.verb, entry.object_text, _changes(entry)] for entry in visible
    ]
    return Sheet(AUDIT_LOG, ["时间", "操作人", "动作", "对象", "变更"], rows, len(entries) - len(rows))


def _changes(entry: AuditEntry) -> str:
    return "；".join(f"{label}：{old} → {new}" if old else f"{label}：{new}" for label, old, new in entry.change_list)


RecordKey = tuple[int | None, int | None]  # of content type and record


def records_around(contact: Contact, by: User | None = None) -> set[RecordKey]:
    """Return the records in which the contact may be named; by: only those in this user's view."""
    records: set[RecordKey] = set()
    for part in parts():
        rows, visible_to = part.rows(contact), getattr(part.model._default_manager, "visible_to", None)
        if by is not None and visible_to:
            rows = rows.filter(pk__in=visible_to(by).values("pk"))
        records.update((_kind(part), pk) for pk in rows.order_by().values_list("pk", flat=True))
    return records


def wholly_personal(contact: Contact, words: ContactWords) -> dict[RecordKey, frozenset[str]]:
    """Return {record: labels of the fields that are wholly about the contact, whatever stands in them}."""
    records: dict[RecordKey, frozenset[str]] = {}
    for part in parts():
        names = CONTACT_TEXTS if part is CONTACT else part.blanked
        labels = frozenset(_label(part, name) for name in names)
        if labels:
            rows = (row for row in part.held(contact, words) if part.linked(row, contact))
            records.update({(_kind(part), row.pk): labels for row in rows})
    return records


def _kind(part: PersonalDataSource) -> int:
    return ContentType.objects.get_for_model(part.model).pk


def entries_about(contact: Contact, words: ContactWords) -> Iterator[AuditEntry]:
    """Yield the events on the contact and those that name them, each once.

    By name and 微信号 on records of their customer and in the conditions of exports, by one of their numbers anywhere.
    """
    nearby = records_around(contact)
    personal, numbers, done = wholly_personal(contact, words), words.only_numbers(), set[int]()
    for entry in _candidates(contact, words, nearby):
        about = (entry.content_type_id, entry.object_id)
        text = f"{entry.object_text} {json.dumps(entry.readable_changes, ensure_ascii=False)}"
        near = about in nearby or contact.customer.name in entry.changes.get("客户", ()) or entry.is_export
        own = about in personal and (_is_contact(entry) or bool(personal[about] & entry.changes.keys()))
        if entry.pk not in done and (own or numbers.found_in(text) or (near and words.found_in(text))):
            done.add(entry.pk)
            yield entry


def _is_contact(entry: AuditEntry) -> bool:
    return entry.content_type_id == _kind(CONTACT)


def _candidates(contact: Contact, words: ContactWords, nearby: set[RecordKey]) -> Iterator[AuditEntry]:
    yield from AuditEntry.objects.about(contact)
    yield from stream_records(find_entries_naming(words.all()))
    yield from stream_records(AuditEntry.objects.filter(verb=EXPORT_VERB))  # their conditions may be encoded
    for kind in {kind for kind, _ in nearby}:  # numbers written with other gaps than we know of
        keys = [pk for other, pk in nearby if other == kind]
        for start in range(0, len(keys), 500):
            rows = AuditEntry.objects.filter(content_type=kind, object_id__in=keys[start : start + 500])
            yield from stream_records(rows)


class Erased(NamedTuple):
    """How many rows of each part and how many events were erased, and the event that says so."""

    counts: dict[str, int]
    event: AuditEntry


@transaction.atomic
def erase_contact(contact: Contact, *, by: User, reason: str, with_files: bool = False) -> Erased:
    """Erase a person from every text we store, for good. Numbers, dates and amounts of the business stay."""
    lock_row(contact.customer)  # as everything that hangs on one
    lock_row(contact)
    contact.can_erase(by).enforce()
    words = ContactWords.of(contact)
    personal, entries = wholly_personal(contact, words), list(entries_about(contact, words))
    counts = {"附件文件": _drop_files(contact) if with_files else 0}
    for part in parts():
        if part.erasable:
            counts[part.title] = counts.get(part.title, 0) + part.erase(contact, words)
    numbers = words.without_names()
    counts["最近删除"] = erase_from_journal(contact, contact.customer, words.erase_in, numbers.erase_in)
    counts["后台任务的文件"] = erase_from_jobs(words.erase_in)
    counts["导入记录"] = erase_from_runs(words.erase_in)
    contact.erase(by=by)
    facts = {title: count for title, count in {**counts, AUDIT_LOG: len(entries)}.items() if count}
    event = log_event(by, ERASURE_VERB, contact, changes={"依据": words.erase(reason), **facts})
    redact([_erasure(entry, words, personal) for entry in entries], event=event)
    return Erased({**counts, AUDIT_LOG: len(entries)}, event)


def _drop_files(contact: Contact) -> int:
    rows = list(Attachment.objects.filter(interaction__contact=contact))
    delete_files_on_commit(rows)
    for row in rows:
        row.delete()
    return len(rows)


def _erasure(entry: AuditEntry, words: ContactWords, personal: dict[RecordKey, frozenset[str]]) -> Erasure:
    """Return an event's words without the person: their own fields entirely, elsewhere what names them."""
    about = (entry.content_type_id, entry.object_id)
    own = personal.get(about, frozenset())
    changes = {
        label: [_without(side, words, entirely=label in own) for side in pair]
        for label, pair in entry.readable_changes.items()
    }
    if entry.is_export and changes[CONDITIONS_LABEL] == entry.readable_changes[CONDITIONS_LABEL]:
        changes[CONDITIONS_LABEL] = entry.changes[CONDITIONS_LABEL]  # nothing to erase: as it was written
    is_their_name = _is_contact(entry) and about in personal
    return Erasure(entry, ERASED_TEXT if is_their_name else words.erase(entry.object_text)[:200], changes)


def _without(side: Any, words: ContactWords, *, entirely: bool) -> Any:
    return (ERASED_TEXT if entirely else words.erase(side)) if side else side
