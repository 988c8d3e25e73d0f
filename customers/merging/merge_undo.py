"""Taking a merge back: every row and value of the merged customers, and the orders of their numbers since."""

from __future__ import annotations

from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.functions import Replace
from django.utils import timezone

from accounts.models import User, notify
from accounts.scopes.rule import EDIT, scope_includes, user_ids_in_scope
from customers.churn import scan
from customers.churn.models import ChurnCase
from customers.contacts.models import Contact
from customers.contacts.search_text import write_contact_texts
from customers.insight.metrics import refresh_metrics
from customers.orders.models import Order, refresh_last_purchases
from customers.orders.rollups import lock_customers, refresh_revenue
from customers.records.locks import take_merge_and_scan_locks
from customers.records.models import Customer, CustomerGrant, Ownership
from customers.records.search_text import write_customer_texts
from customers.timeline import TimelineEntry, add_timeline_entry
from kit.audit.log import log_event
from kit.domain.verdict import Verdict, first_objection, refuse_if, require_scope
from kit.sql.transactions import in_transaction
from kit.undo.kinds import RestoredRows, Undoable
from kit.undo.models import UndoEntry, UndoEntryQuerySet, UndoRow

from .bulk import begin_ownership, set_owner_in_records
from .merge_journal import MERGED

CUSTOMER, CASE = Customer._meta.label_lower, ChurnCase._meta.label_lower


def merges_seen_by(user: User) -> Q:
    """Match merges of customers over all of whose 客户经理 the user's permission to merge reaches, whoever merged."""
    people = user_ids_in_scope(user, "customers.merge_customer", EDIT)
    survivors = Q(object_id__in=Customer.objects.supervised_by(user, "customers.merge_customer").values("pk"))
    if people is None:
        return survivors
    rows = UndoRow.objects.filter(entry=OuterRef("pk"), model=CUSTOMER, before__has_key="deleted_at")
    out_of_reach = rows.exclude(key__in=Customer.objects.filter(manager__in=people).values("pk"))
    return survivors & ~Q(Exists(out_of_reach.exclude(key=OuterRef("object_id"))))


def merges_to_undo(user: User) -> UndoEntryQuerySet:
    """Return the merges that the user may still take back, newest first."""
    return UndoEntry.objects.open().filter(merges_seen_by(user), kind=MERGED).select_related("by")


def survivor_of(entry: UndoEntry) -> Customer:
    record = entry.record
    assert isinstance(record, Customer)  # merges are journalled on the survivor
    return record


def merged_customers(entry: UndoEntry) -> list[Customer]:
    """Return the customers that the merge took away: those whose deletion stands in the journal."""
    rows = entry.rows.filter(model=CUSTOMER, before__has_key="deleted_at")
    keys = [key for key in rows.values_list("key", flat=True) if key != entry.object_id]
    return list(Customer.objects.filter(pk__in=keys).select_related("manager").order_by("pk"))


def lock(entry: UndoEntry) -> None:
    """Lock as a merge does, so that orders and scans wait."""
    take_merge_and_scan_locks()
    lock_customers(sorted({survivor_of(entry).pk, *(one.pk for one in merged_customers(entry))}))
    survivor_of(entry).refresh_from_db()


def allowed(entry: UndoEntry, by: User) -> Verdict:
    """Allow it to whoever may merge all of them; a survivor that was merged itself refuses by its name."""
    reached = all(
        scope_includes(by, "customers.merge_customer", EDIT, one.manager_id) for one in merged_customers(entry)
    )
    return first_objection(
        survivor_of(entry).can_merge(by), require_scope(reached, "只有所有这些客户的主管可以撤销合并。")
    )


def check(entry: UndoEntry) -> None:
    """Refuse after another merge into the survivor, and where a customer would have two open cases."""
    survivor, others = survivor_of(entry), merged_customers(entry)
    later = Customer.objects.filter(merged_into=survivor, deleted_at__gt=entry.at).order_by("-deleted_at").first()
    refuse_if(later is not None, f"「{later}」之后也并入了「{survivor}」，请先撤销那次合并。").enforce()
    changes = {row.key: row.old for row in entry.rows.filter(model=CASE)}
    for case in ChurnCase.objects.filter(pk__in=changes).select_related("customer"):
        values = changes[case.pk]
        customer, status = values.get("customer_id", case.customer_id), values.get("status", case.status)
        open_cases = ChurnCase.objects.open().filter(customer=customer).exclude(pk__in=changes)
        second = open_cases.first() if status in ChurnCase.OPEN else None
        name = next((one.name for one in [survivor, *others] if one.pk == customer), "")
        opened = f"{second.opened_at:%Y-%m-%d}" if second is not None else ""
        refuse_if(second is not None, f"「{name}」现在有 {opened} 的流失预警，撤销后会有两条未结束的。").enforce()


def follow(entry: UndoEntry, rows: RestoredRows, by: User) -> str:
    survivor, others = survivor_of(entry), merged_customers(entry)
    for other in others:
        _follow_hand_over(other)
    returned = {other.pk: _return_orders(survivor, other) for other in others}
    left_without = _let_go_of_contacts(survivor, others, by)
    keys = [survivor.pk, *returned]
    refresh_revenue(keys)
    refresh_last_purchases(keys)
    refresh_metrics(keys)
    write_customer_texts(keys)
    write_contact_texts(keys)
    scan.resolve_by_purchases([key for key, count in returned.items() if count])
    survivor.refresh_from_db()
    for customer in (survivor, *others):
        set_owner_in_records([customer.pk], customer.manager)
    for other in others:
        add_timeline_entry(other, TimelineEntry.Kind.CUSTOMER, f"撤销合并：从「{survivor}」（{survivor.number}）分出")
        log_event(by, "撤销合并", other, 曾并入=f"{survivor.name}（{survivor.number}）")
    names = "、".join(f"「{other}」（{other.number}）" for other in others)
    add_timeline_entry(survivor, TimelineEntry.Kind.CUSTOMER, f"撤销合并：{names}不再归入本客户")
    for person in {survivor.manager, *(other.manager for other in others)} - {by}:
        notify(person, f"{by} 撤销了合并：{names}不再归入「{survivor}」"[:300], survivor)
    later = sum(returned.values())
    notes = (
        f"合并后按原编号到来的 {later} 张订单一并退回。" if later else "",
        f"合并后在「{survivor}」新建的 {left_without} 条记录不再写有分出的联系人。" if left_without else "",
    )
    return "".join(notes)


@in_transaction
def _return_orders(survivor: Customer, other: Customer) -> int:
    """Give the other the orders that came for its numbers since; return how many."""
    other.refresh_from_db()
    numbers = [number for number in (other.number, other.external_number) if number]
    orders = Order.objects.filter(customer=survivor, customer_key__in=numbers)
    urls = [order.get_absolute_url() for order in orders]
    before, after = survivor.get_absolute_url(), other.get_absolute_url()
    entries = TimelineEntry.objects.filter(customer=survivor, kind=TimelineEntry.Kind.ORDER, url__in=urls)
    entries.update(customer=other, url=Replace(F("url"), Value(before), Value(after)))
    return orders.update(customer=other)


@in_transaction
def _follow_hand_over(other: Customer) -> None:
    """Begin the ownership of whoever took the customer over from a leaving 客户经理 while it was merged."""
    other.refresh_from_db()
    if Ownership.objects.filter(customer=other, until=None).exclude(manager=other.manager_id).exists():
        begin_ownership([other.pk], other.manager, timezone.now(), "撤销合并")
        CustomerGrant.objects.filter(content_object=other, user=other.manager_id).delete()


@in_transaction
def _let_go_of_contacts(survivor: Customer, others: list[Customer], by: User) -> int:
    """Empty the contact of the survivor's rows made since, where it went back to another customer; return how many."""
    count = 0
    for relation in Contact._meta.related_objects:
        name = relation.field.name
        manager = relation.related_model._base_manager
        rows = list(manager.filter(customer=survivor, **{f"{name}__customer__in": others}).select_related(name))
        manager.filter(pk__in=[row.pk for row in rows]).update(**{name: None})
        for row in rows:
            log_event(by, "撤销合并", row, changes={str(relation.field.verbose_name): (getattr(row, name), None)})
        count += len(rows)
    return count


MERGE = Undoable(MERGED, merges_seen_by, lock, allowed, check=check, follow=follow)
