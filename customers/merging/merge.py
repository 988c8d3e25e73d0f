"""合并: one customer takes over all rows that reference another, in whatever module."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import TypeVar

from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import CharField, Count, Exists, F, ForeignObjectRel, Model, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat, Replace
from django.utils import timezone

from accounts.models import Notification, User, notify
from customers.churn import scan
from customers.churn.models import ChurnCase, ChurnCaseQuerySet
from customers.contacts.models import Contact
from customers.contacts.search_text import write_contact_texts
from customers.insight.backtest_models import BacktestRow
from customers.insight.hint_models import HintPause
from customers.insight.metrics import refresh_metrics
from customers.insight.models import AlertPause
from customers.orders.models import refresh_last_purchases
from customers.orders.rollups import refresh_revenue
from customers.records.field_labels import field_label
from customers.records.locks import lock_customer_names, take_merge_and_scan_locks
from customers.records.metrics import CustomerMetrics
from customers.records.models import Customer, CustomerGrant, Ownership
from customers.records.search_text import FormerName, SearchText, write_customer_texts
from customers.timeline import TimelineEntry, add_timeline_entry
from kit.audit.log import log_event, save_changes
from kit.audit.models import NOT_KEPT_PREFIX
from kit.domain.verdict import refuse_if
from kit.sql.row_locks import lock_row
from kit.sql.transactions import in_transaction
from kit.undo.models import UndoEntry

from .bulk import set_owner_in_records
from .merge_journal import MERGED, note_merge
from .merge_values import Choices, chosen_values, values_left_behind, values_to_take

M = TypeVar("M", bound=Model)
MAX_TOGETHER = 10
# Relations whose rows need more than another foreign key; the rows of all others are updated.
RELATIONS_MOVED_SEPARATELY = (
    "contacts", "churn_cases", "timeline", "ownerships", "grants", "merged", "revenue_years", "revenue_months",
    "metrics", "search_text", "former_names", "alert_pauses", "hint_pauses", "backtest_rows",
)  # fmt: skip
# What follows from other rows, or is part of every customer: nobody counts it.
UNCOUNTED_RELATIONS = (
    "timeline", "ownerships", "merged", "revenue_years", "revenue_months", "metrics", "backtest_rows", "search_text",
    "former_names",
)  # fmt: skip


def merge_customers(survivor: Customer, others: list[Customer], *, by: User, reason: str) -> int:
    """Merge the others into the survivor; return how many. See merge_undoably()."""
    merge_undoably(survivor, others, by=by, reason=reason)
    return len(others)


def merge_undoably(
    survivor: Customer, others: list[Customer], *, by: User, reason: str, choices: Choices | None = None
) -> UndoEntry | None:
    """Merge the others into the survivor one by one in one transaction; return what takes it back.

    All rows are locked in the order of their keys first, so that two merges of the same customers do not deadlock.
    choices: {field: key of the customer whose value the survivor gets}, where it is not the one that merging gives.
    """
    with transaction.atomic():
        take_merge_and_scan_locks()
        keys = {survivor.pk, *(other.pk for other in others)}
        list(Customer.objects.filter(pk__in=keys).order_by("pk").select_for_update(no_key=True).values_list("pk"))
        for one in (survivor, *others):
            one.refresh_from_db()
        journal = note_merge(survivor, others)
        names = "、".join(f"「{other.name}」（{other.number}）" for other in others)
        chosen = chosen_values(survivor, others, choices or {})
        if chosen:
            survivor.can_merge(by).enforce()
            lock_customer_names()
            save_changes(by, "编辑", survivor, **chosen, reason="合并时选定")
        for other in others:
            survivor.merge(other, by=by, reason=reason, settled=frozenset(chosen))
        return journal.keep(MERGED, "合并", f"{names}并入「{survivor.name}」", by=by, about=survivor)


def customer_relations() -> list[ForeignObjectRel]:
    """Return every relation of any model to customers."""
    return list(Customer._meta.related_objects)


@in_transaction
def merge_into(survivor: Customer, other: Customer, *, by: User, reason: str, settled: Collection[str] = ()) -> None:
    """Do the work of Customer.merge(), with both rows locked. settled: fields whose value was chosen by hand."""
    refuse_if(other.pk == survivor.pk, "请选择两个不同的客户。").enforce()
    lock_row(other)
    other.can_merge(by).enforce()
    refuse_if(not reason.strip(), "请填写合并原因。").enforce()
    now = timezone.now()
    moved_counts = _move_relations(survivor, other)
    _move_contacts(survivor, other)
    _close_cases(survivor, other, by)
    _move_timeline(survivor, other)
    _move_grants(survivor, other)
    _move_insight(survivor, other)
    Ownership.objects.filter(customer=other, until=None).update(until=now)
    Customer.objects.filter(merged_into=other).update(merged_into=survivor)
    _soft_delete(survivor, other, now)
    lost_values = _fill_missing_values(survivor, other, by, settled)
    _refresh_figures(survivor, other)
    scan.resolve_by_purchases([survivor.pk])
    facts = {"并入": f"{other.name}（{other.number}，客户经理 {other.manager}）", "原因": reason}
    facts |= {label: f"{count} 条" for label, count in moved_counts.items()}
    log_event(
        by,
        "合并",
        survivor,
        changes=facts | {NOT_KEPT_PREFIX + field_label(name): words for name, words in lost_values.items()},
    )
    _record_merge(survivor, other, by, reason, lost_values)


def _move_relations(survivor: Customer, other: Customer) -> dict[str, int]:
    """Point the rows of other models to the survivor; return {label: how many}."""
    moved_counts = count_relations([other])[other.pk]
    _reparent(survivor, other)
    for relation in customer_relations():
        if relation.get_accessor_name() not in RELATIONS_MOVED_SEPARATELY:
            name, rows = relation.field.name, relation.related_model._base_manager
            rows.filter(**{name: other}).update(**{name: survivor})
    set_owner_in_records([survivor.pk], survivor.manager)
    kind = ContentType.objects.get_for_model(Customer)
    Notification.objects.filter(content_type=kind, object_id=other.pk).update(object_id=survivor.pk)
    return moved_counts


def _reparent(survivor: Customer, other: Customer) -> None:
    """Move the branch between the other and a survivor below it up, so that no customer becomes its own parent."""
    below: Customer | None = survivor
    for _ in range(50):
        if below is None or below.parent_id is None:
            return
        if below.parent_id == other.pk:
            Customer.objects.filter(pk=below.pk).update(parent=other.parent_id)
            survivor.refresh_from_db(fields=["parent"])
            return
        below = below.parent


def count_relations(customers: Iterable[Customer]) -> dict[int, dict[str, int]]:
    """Return {customer's key: {label: rows that reference it}} of the models that users know, a statement for each."""
    totals: dict[int, dict[str, int]] = {customer.pk: {} for customer in customers}
    for relation in customer_relations():
        if relation.hidden or relation.get_accessor_name() in UNCOUNTED_RELATIONS:
            continue
        rows = relation.related_model._base_manager.filter(**{f"{relation.field.name}__in": list(totals)})
        label = "下属单位" if relation.related_model is Customer else str(relation.related_model._meta.verbose_name)
        for key, count in rows.order_by().values_list(relation.field.name).annotate(times=Count("pk")):
            totals[key][label] = totals[key].get(label, 0) + count
    return totals


def _move_contacts(survivor: Customer, other: Customer) -> None:
    """Move the contacts; the survivor's primary contact stays the primary one."""
    moving = Contact.objects.filter(customer=other)
    if Contact.objects.filter(customer=survivor, is_primary=True).exists():
        moving.update(is_primary=False)
    moving.update(customer=survivor, version=F("version") + 1)


def _close_cases(survivor: Customer, other: Customer, by: User) -> None:
    """Leave at most one unfinished case: the survivor's, or the other's open one when it has none."""
    unfinished = Q(status__in=ChurnCase.OPEN) | Q(status=ChurnCase.Status.CONFIRMED)
    survivor_has_case = ChurnCase.objects.filter(unfinished, customer=survivor).exists()
    for case in ChurnCase.objects.filter(unfinished, customer=other).select_for_update():
        if case.is_open and not survivor_has_case and survivor.status == Customer.Status.NORMAL:
            continue
        case.close_by_merge(into=survivor, by=by)
    ChurnCase.objects.filter(customer=other).update(customer=survivor)


def _move_timeline(survivor: Customer, other: Customer) -> None:
    """Move the timeline; the URLs of related records contain their customer's key."""
    before, after = other.get_absolute_url(), survivor.get_absolute_url()
    rows = TimelineEntry.objects.filter(customer=other)
    rows.filter(url__startswith=before).update(url=Replace(F("url"), Value(before), Value(after)))
    rows.update(customer=survivor)


def _move_grants(survivor: Customer, other: Customer) -> None:
    """Share the survivor with the other's colleagues, unless they have a grant of their own."""
    colleagues = CustomerGrant.objects.filter(content_object=survivor).values("user")
    moving = CustomerGrant.objects.filter(content_object=other)
    moving.exclude(user__in=colleagues).exclude(user=survivor.manager).update(content_object=survivor)
    CustomerGrant.objects.filter(content_object=other).delete()


def _move_once(rows: QuerySet[M], key: str, survivor: Customer, other: Customer) -> None:
    """Move rows that a customer has once for each value of key; where the survivor has its own, that one stays."""
    own = list(rows.filter(customer=survivor).order_by().values_list(key, flat=True))
    rows.filter(customer=other).exclude(**{f"{key}__in": own}).update(customer=survivor)
    rows.filter(customer=other).delete()


def _move_insight(survivor: Customer, other: Customer) -> None:
    """Move former names, pauses and what was computed of past months; of two pauses in force the survivor's stays."""
    _move_once(FormerName.objects.all(), "name", survivor, other)
    _move_once(HintPause.objects.all(), "product", survivor, other)
    _move_once(BacktestRow.objects.all(), "month_end", survivor, other)
    pauses, today = AlertPause.objects.open(), timezone.localdate()
    is_paused = pauses.in_force(today).filter(customer=survivor).exists()
    pauses.filter(customer=other if is_paused else survivor).update(closed_at=timezone.now())
    AlertPause.objects.filter(customer=other).update(customer=survivor)
    for pause in AlertPause.objects.open().filter(customer=survivor):
        pause.know_orders_of([survivor, other])


def _soft_delete(survivor: Customer, other: Customer, now: datetime) -> None:
    other.deleted_at, other.merged_into, other.version = now, survivor, other.version + 1
    other.save(update_fields=["deleted_at", "merged_into", "version"])


def _refresh_figures(survivor: Customer, other: Customer) -> None:
    """Recompute what is kept of both customers; a merged one has no metrics and is found as its survivor."""
    refresh_revenue([survivor.pk, other.pk])
    refresh_last_purchases([survivor.pk, other.pk])
    CustomerMetrics.objects.filter(customer=other).delete()
    refresh_metrics([survivor.pk])
    SearchText.objects.filter(customer=other).delete()
    write_customer_texts([survivor.pk])
    write_contact_texts([survivor.pk])


def _fill_missing_values(survivor: Customer, other: Customer, by: User, settled: Collection[str]) -> dict[str, str]:
    """Fill the survivor's empty fields, logged as an edit; return the other's values that are not taken over."""
    values = {name: value for name, value in values_to_take(survivor, other).items() if name not in settled}
    if "external_number" in values:  # it is unique
        Customer.objects.filter(pk=other.pk).update(external_number="")
    if values:
        save_changes(by, "编辑", survivor, **values, reason=f"合并自 {other.number}")
    else:
        Customer.objects.filter(pk=survivor.pk).update(version=F("version") + 1)
        survivor.refresh_from_db(fields=["version"])
    return values_left_behind(survivor, other)


def _record_merge(survivor: Customer, other: Customer, by: User, reason: str, lost_values: dict[str, str]) -> None:
    """Write timeline, audit log and notifications.

    The survivor's audit row holds the values not taken over, masked as their fields are; the timeline names the fields.
    """
    labels = [field_label(name) for name in lost_values if name not in ("number", "name")]
    text = f"合并：{other.name}（{other.number}）并入本客户（{reason}）"
    add_timeline_entry(
        survivor, TimelineEntry.Kind.CUSTOMER, text + (f"；未保留：{'、'.join(labels)}" if labels else "")
    )
    log_event(by, "合并", other, 已并入=f"{survivor.name}（{survivor.number}）", 原因=reason)
    for person in {survivor.manager, other.manager} - {by}:
        notify(person, f"{by} 把客户「{other}」（{other.number}）并入「{survivor}」：{reason}", survivor)


def possibly_merged_cases() -> ChurnCaseQuerySet:
    """Return ended cases that a merge of an earlier release may have ended, for a user to review.

    Their customer took others over, and no end of the case, by hand or by a purchase, stands in the timeline.
    """
    end_url = Concat(Value("/churn/"), Cast(OuterRef("pk"), CharField()), Value("/#closed"))
    end_entries = TimelineEntry.objects.filter(
        customer=OuterRef("customer"), kind=TimelineEntry.Kind.CHURN, url__endswith=end_url
    )
    merged_customers = Customer.objects.filter(merged_into=OuterRef("customer"))
    ended_cases = ChurnCase.objects.filter(status__in=(ChurnCase.Status.RESOLVED, ChurnCase.Status.WON_BACK))
    return ended_cases.filter(Exists(merged_customers), ~Exists(end_entries))


def find_survivor(pk: int) -> Customer | None:
    """Return the customer that a merged one became part of, or None."""
    merged_customer = Customer.objects.filter(pk=pk, merged_into__isnull=False).select_related("merged_into").first()
    return merged_customer.merged_into if merged_customer else None
