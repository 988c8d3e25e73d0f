"""个人信息 of one contact: everything held, in one place; handed out on request, corrected, erased for good.

Each module says in its personal.py what it may hold. Here they are walked through together with the audit trail.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.contrib.contenttypes.models import ContentType
from django.db import transaction

import customers.personal
import kit.audit.personal
import kit.exchange.personal
import marketing.personal
import reports.personal
import services.personal
from accounts.models import User
from customers.models import Attachment, Contact
from customers.models.interaction import delete_files_on_commit
from customers.personal import CONTACT, CONTACT_TEXTS, ContactWords, PersonalDataSource
from kit.audit.export_conditions import CONDITIONS_LABEL, EXPORT_VERB
from kit.audit.log import display_value, format_value, log_event
from kit.audit.models import AuditEntry
from kit.audit.redaction import ERASED_TEXT, Erasure, find_entries_naming, redact
from kit.audit.verification import ERASURE_VERB
from kit.domain.verdict import lock_row
from kit.exchange.personal import erase_from_jobs
from kit.sql.streaming import stream_records

# Who holds what: a module with texts about contacts adds its parts here, and its models to the test's comparison.
MODULES: tuple[Any, ...] = (
    customers.personal,
    marketing.personal,
    services.personal,
    reports.personal,
    kit.exchange.personal,
    kit.audit.personal,
)
PARTS: tuple[PersonalDataSource, ...] = tuple(part for module in MODULES for part in module.PARTS)
TRAIL = "审计记录"
ROWS_SHOWN = 50


class Sheet(NamedTuple):
    """What one part holds about the contact, as shown and handed out."""

    title: str
    headers: list[str]
    rows: list[list[Any]]
    hidden: int  # rows outside the reader's view: erased all the same, not shown

    def labelled(self) -> list[list[tuple[str, Any]]]:
        """The first rows, each value with its header: on phones the header stands beside it."""
        return [list(zip(self.headers, row, strict=True)) for row in self.rows[:ROWS_SHOWN]]


def held(contact: Contact, by: User) -> list[Sheet]:
    words = ContactWords.of(contact)
    return [*(_sheet(part, contact, words, by) for part in PARTS), _trail_sheet(contact, words, by)]


def _sheet(part: PersonalDataSource, contact: Contact, words: ContactWords, by: User) -> Sheet:
    rows = list(part.held(contact, words))
    visible_to = getattr(part.model._default_manager, "visible_to", None)
    seen = {row.pk for row in rows}
    if visible_to:
        seen = set(visible_to(by).filter(pk__in=seen).values_list("pk", flat=True))
    values = [[_value(row, name) for name in part.columns] for row in rows if row.pk in seen]
    return Sheet(part.title, [_label(part, name) for name in part.columns], values, len(rows) - len(seen))


def _label(part: PersonalDataSource, name: str) -> str:
    return "编号" if name == "pk" else str(part.model._meta.get_field(name).verbose_name)  # type: ignore[union-attr]


def _value(row: Any, name: str) -> str:
    return str(row.pk) if name == "pk" else display_value(row, name)


def _trail_sheet(contact: Contact, words: ContactWords, by: User) -> Sheet:
    """The trail's rows on records in the reader's view."""
    found = sorted(entries_about(contact, words), key=lambda entry: entry.pk)
    places = records_around(contact, by)
    shown_entries = [entry for entry in found if (entry.content_type_id, entry.object_id) in places]
    rows = [
        [format_value(entry.at), entry.actor_name, entry.verb, entry.object_text, _changes(entry)]
        for entry in shown_entries
    ]
    return Sheet(TRAIL, ["时间", "操作人", "动作", "对象", "变更"], rows, len(found) - len(rows))


def _changes(entry: AuditEntry) -> str:
    return "；".join(f"{label}：{old} → {new}" if old else f"{label}：{new}" for label, old, new in entry.change_list)


Place = tuple[Any, Any]  # content type and key of a record


def records_around(contact: Contact, by: User | None = None) -> set[Place]:
    """The records in which the contact may be named; by: only those in this person's view."""
    found: set[Place] = set()
    for part in PARTS:
        rows, visible_to = part.rows(contact), getattr(part.model._default_manager, "visible_to", None)
        if by is not None and visible_to:
            rows = rows.filter(pk__in=visible_to(by).values("pk"))
        found.update((_kind(part), pk) for pk in rows.order_by().values_list("pk", flat=True))
    return found


def wholly_personal(contact: Contact, words: ContactWords) -> dict[Place, frozenset[str]]:
    """Records whose named fields are the person's own, whatever stands in them; fields in the trail's words."""
    found: dict[Place, frozenset[str]] = {}
    for part in PARTS:
        names = CONTACT_TEXTS if part is CONTACT else part.blanked
        labels = frozenset(_label(part, name) for name in names)
        if labels:
            rows = (row for row in part.held(contact, words) if part.linked(row, contact))
            found.update({(_kind(part), row.pk): labels for row in rows})
    return found


def _kind(part: PersonalDataSource) -> int:
    return ContentType.objects.get_for_model(part.model).pk


def entries_about(contact: Contact, words: ContactWords) -> Iterator[AuditEntry]:
    """The trail's rows on the contact and those that name him: on his customer's records, by one of his numbers,
    or in what an export asked for, which is about nobody else."""
    nearby = records_around(contact)
    whole, numbers, seen = wholly_personal(contact, words), words.without_names(), set[int]()
    for entry in _candidates(contact, words, nearby):
        about = (entry.content_type_id, entry.object_id)
        text = f"{entry.object_text} {json.dumps(entry.readable_changes, ensure_ascii=False)}"
        near = about in nearby or contact.customer.name in entry.changes.get("客户", ()) or entry.is_export
        his = about in whole and (_is_contact(entry) or bool(whole[about] & entry.changes.keys()))
        if entry.pk not in seen and (his or numbers.found_in(text) or (near and words.found_in(text))):
            seen.add(entry.pk)
            yield entry


def _is_contact(entry: AuditEntry) -> bool:
    return entry.content_type_id == _kind(CONTACT)


def _candidates(contact: Contact, words: ContactWords, nearby: set[Place]) -> Iterator[AuditEntry]:
    yield from AuditEntry.objects.about(contact)
    yield from stream_records(find_entries_naming(words.all()))
    yield from stream_records(AuditEntry.objects.filter(verb=EXPORT_VERB))  # their conditions may be encoded
    for kind in {kind for kind, _ in nearby}:  # numbers written with other gaps than we know of
        keys = [pk for other, pk in nearby if other == kind]
        for start in range(0, len(keys), 500):
            rows = AuditEntry.objects.filter(content_type=kind, object_id__in=keys[start : start + 500])
            yield from stream_records(rows)


class Erased(NamedTuple):
    """How many rows of each part lost their words, and how many of the trail."""

    counts: dict[str, int]
    deed: AuditEntry


@transaction.atomic
def erase_contact(contact: Contact, *, by: User, reason: str, with_files: bool = False) -> Erased:
    """Erases a person from every text we hold, for good. Numbers, dates and amounts of the business stay."""
    lock_row(contact.customer)  # as everything that hangs on one
    lock_row(contact)
    contact.can_erase(by).enforce()
    words = ContactWords.of(contact)
    whole, found = wholly_personal(contact, words), list(entries_about(contact, words))
    counts = {"附件文件": _drop_files(contact) if with_files else 0}
    for part in PARTS:
        if part.erasable:
            counts[part.title] = counts.get(part.title, 0) + part.erase(contact, words)
    counts["后台任务的文件"] = erase_from_jobs(words.erase_in)
    contact.erase(by=by)
    facts = {title: count for title, count in {**counts, TRAIL: len(found)}.items() if count}
    deed = log_event(by, ERASURE_VERB, contact, changes={"依据": words.erase(reason), **facts})
    redact([_erasure(entry, words, whole) for entry in found], deed=deed)
    return Erased({**counts, TRAIL: len(found)}, deed)


def _drop_files(contact: Contact) -> int:
    rows = list(Attachment.objects.filter(interaction__contact=contact))
    delete_files_on_commit(rows)
    for row in rows:
        row.delete()
    return len(rows)


def _erasure(entry: AuditEntry, words: ContactWords, whole: dict[Place, frozenset[str]]) -> Erasure:
    """An entry's words without the person: his own fields entirely, elsewhere what names him."""
    about = (entry.content_type_id, entry.object_id)
    his = whole.get(about, frozenset())
    changes = {
        label: [_without(side, words, entirely=label in his) for side in pair]
        for label, pair in entry.readable_changes.items()
    }
    if entry.is_export and changes[CONDITIONS_LABEL] == entry.readable_changes[CONDITIONS_LABEL]:
        changes[CONDITIONS_LABEL] = entry.changes[CONDITIONS_LABEL]  # nothing to erase: as it was written
    named_after_him = _is_contact(entry) and about in whole
    return Erasure(entry, ERASED_TEXT if named_after_him else words.erase(entry.object_text)[:200], changes)


def _without(side: Any, words: ContactWords, *, entirely: bool) -> Any:
    return (ERASED_TEXT if entirely else words.erase(side)) if side else side
