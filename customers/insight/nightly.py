"""Every night: figures of all customers, their comparison, and at a month's end the money at risk."""

from __future__ import annotations

import logging
from datetime import date
from random import Random

from django.db import transaction

from accounts.models import User, notify
from basedata.calendar.counted_days import current_counted_days
from customers.orders.as_of import orders_as_of
from customers.orders.rhythm_base import base_for, batches_of_customers, ensure_base
from customers.orders.rollups import RevenueChange
from customers.records.metrics import CustomerMetrics
from kit.audit.log import log_event
from kit.sql.id_sets import IdSet
from kit.sql.turns import in_turn

from .metrics import CENT, FIGURES, Figures, compute_figures, differs, read_figures, refresh_metrics
from .risk import store_month_end
from .scores import score_all

logger = logging.getLogger("crm.metrics")
SAMPLE = 1000  # customers compared with a fresh computation each night


def refresh_nightly() -> str:
    """Refresh everything as of today's day of the orders. Called by the schedule.

    A run that breaks off leaves the customers it did not reach with the figures of their day, tells the
    administrators, and is made good by the next one.
    """
    as_of = orders_as_of()
    try:
        changed = refresh_all(as_of)
        store_month_end(as_of)
    except Exception as error:
        logger.exception("the night run of customer metrics broke off")
        _report_failure(as_of, error)
        raise
    return f"截至 {as_of}，更新 {changed} 个客户的指标"


def refresh_all(as_of: date | None = None) -> int:
    """Recompute all customers, one transaction a batch, then their classes; return how many rows changed."""
    day = as_of or orders_as_of()
    ensure_base(day)
    changed = 0
    for keys in batches_of_customers():
        with in_turn():
            changed += refresh_metrics(keys, day)
    RevenueChange.objects.create()  # sums over customers are cached until the figures are others
    score_all(day)
    return changed


def _report_failure(as_of: date, error: Exception) -> None:
    behind = CustomerMetrics.objects.exclude(computed_for=as_of).count()
    with transaction.atomic():
        log_event(None, "自检", text="客户指标夜间计算中断", 原因=f"{type(error).__name__}：{error}"[:500])
        for person in User.objects.administrators():
            notify(person, f"客户指标的夜间计算中断，{behind} 个客户仍是上一次的数字，下一次计算会补上，请查看日志。")


def describe_metric_differences(limit: int = 20, sample: int | None = SAMPLE) -> list[str]:
    """Describe where stored figures differ from a fresh computation as of their day; sample: of so many customers."""
    keys = list(CustomerMetrics.objects.exclude(computed_for=None).values_list("pk", flat=True))
    if sample is not None and len(keys) > sample:
        keys = Random().sample(keys, sample)  # noqa: S311 - which customers are compared is no secret
    texts: list[str] = []
    for batch in batches_of_customers(keys):
        # A sync may have committed between the two reads: customers with a difference are read again.
        if suspects := [key for key, _ in _list_differences(batch)]:
            texts += [text for _, text in _list_differences(IdSet(suspects))]
        if len(texts) >= limit:
            break
    return texts[:limit]


def _list_differences(keys: IdSet) -> list[tuple[int, str]]:
    rows = list(read_figures(keys))
    calendar = current_counted_days()
    differences = []
    for day in sorted({row["computed_for"] for row in rows}):
        of_day = {row["customer_id"]: row for row in rows if row["computed_for"] == day}
        fresh = compute_figures(IdSet(of_day), day, base_for(day), calendar)
        differences += [
            (key, _describe_difference(key, row, fresh[key]))
            for key, row in of_day.items()
            if differs(row, fresh[key], CENT)
        ]
    return differences


def _describe_difference(key: int, stored: Figures, fresh: Figures) -> str:
    names = [name for name in FIGURES if differs({**fresh, name: stored[name]}, fresh, CENT)]
    labels = (str(CustomerMetrics._meta.get_field(name).verbose_name) for name in names)  # type: ignore[union-attr]
    pairs = [f"{label} {fresh[name]}（记为 {stored[name]}）" for label, name in zip(labels, names, strict=True)]
    return f"客户 {key} 的指标：{'，'.join(pairs)}"
