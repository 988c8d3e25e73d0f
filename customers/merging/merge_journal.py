"""What a merge may touch, noted before it, so that it can be taken back for 30 days."""

from __future__ import annotations

from django.contrib.contenttypes.models import ContentType
from django.db.models import ForeignObjectRel

from accounts.models import Notification
from customers.churn.models import ChurnCase
from customers.insight.models import AlertPause
from customers.records.models import Customer
from kit.sql.transactions import in_transaction
from kit.undo.journal import A_MONTH, Journal

MERGED = "customers.merged"  # stands in the journal
WHOLE_ROWS: tuple[str, ...] = ()
# Columns of other relations than these are the foreign key alone. Rows that a merge may delete are noted whole.
COLUMNS: dict[str, tuple[str, ...]] = {
    "contacts": ("customer", "is_primary"), "churn_cases": WHOLE_ROWS, "timeline": ("customer", "url"),
    "ownerships": ("until",), "grants": WHOLE_ROWS, "hint_pauses": WHOLE_ROWS, "backtest_rows": WHOLE_ROWS,
    "alert_pauses": ("customer", "closed_at"), "metrics": WHOLE_ROWS, "former_names": WHOLE_ROWS,
}  # fmt: skip
RECOMPUTED_RELATIONS = ("revenue_years", "revenue_months", "search_text")
RECOMPUTED_COLUMNS = ("id", "last_purchase_on", "version")


@in_transaction
def note_merge(survivor: Customer, others: list[Customer]) -> Journal:
    """Return the journal of a merge that is about to begin, with all rows locked."""
    journal, keys = Journal(A_MONTH), [other.pk for other in others]
    columns = [f.name for f in Customer._meta.concrete_fields if f.name not in RECOMPUTED_COLUMNS]
    # The others first: what is put back last first frees their numbers for them.
    journal.watch(Customer.objects.filter(pk__in=keys), *columns)
    journal.watch(Customer.objects.filter(pk=survivor.pk), *columns)
    relations: list[ForeignObjectRel] = list(Customer._meta.related_objects)
    for relation in relations:
        accessor, name = str(relation.get_accessor_name()), relation.field.name
        if accessor not in RECOMPUTED_RELATIONS:
            rows = relation.related_model._base_manager.filter(**{f"{name}__in": keys})
            rows = rows.exclude(pk=survivor.pk) if relation.related_model is Customer else rows
            journal.watch(rows, *COLUMNS.get(accessor, (name,)))
    journal.watch(ChurnCase.objects.filter(customer=survivor))
    journal.watch(AlertPause.objects.filter(customer=survivor), "closed_at")
    kind = ContentType.objects.get_for_model(Customer)
    journal.watch(Notification.objects.filter(content_type=kind, object_id__in=keys), "object_id")
    return journal
