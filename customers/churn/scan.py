"""Set-based changes of churn cases by the system: the weekly scan opens them, purchases close them.

A run holds an advisory lock, so that its one timestamp identifies its rows; the partial unique constraint keeps a
customer from a second open case.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import connection, models, transaction
from django.db.models import (
    Case,
    CharField,
    Count,
    DateField,
    DateTimeField,
    Exists,
    Expression,
    F,
    OuterRef,
    Q,
    Value,
    When,
)
from django.db.models.functions import Cast, Concat, TruncDate
from django.urls import reverse
from django.utils import timezone

from accounts.models import Notification, User, notify_many
from customers.orders.rollups import settle_dates
from customers.records.locks import take_scan_lock
from customers.records.models import Customer
from customers.timeline import TimelineEntry
from kit.audit.bulk_log import insert_selected, log_selected
from kit.audit.log import log_event

from .models import ChurnCase
from .rule import churn_cutoff

BOUGHT_AGAIN = "销售系统有新的订单"


@dataclass(frozen=True)
class ScanResult:
    on: date
    opened: int

    def __str__(self) -> str:
        return f"截至 {self.on:%Y-%m-%d}，新增 {self.opened} 个预警。"


@dataclass(frozen=True)
class PurchaseResult:
    resolved: int
    won_back: int


def due_for_warning(on: date) -> models.QuerySet[Customer]:
    """Return the 正常 customers without an open case whose six months are over on that day."""
    last_day = churn_cutoff(on)
    next_midnight = timezone.make_aware(datetime.combine(last_day + timedelta(days=1), time.min))
    never_bought = Q(last_purchase_on=None) & (Q(created_at__lt=next_midnight) | Q(cooperation_since__lte=last_day))
    is_silent = Q(last_purchase_on__lte=last_day) | never_bought
    not_won_back_since = Q(won_back_on=None) | Q(won_back_on__lte=last_day)
    cases = ChurnCase.objects.open().filter(customer=OuterRef("pk"))
    rows = Customer.objects.current().filter(is_silent, not_won_back_since, status=Customer.Status.NORMAL)
    return rows.filter(~Exists(cases))


def scan_churn(on: date | None = None, by: User | None = None) -> ScanResult:
    """Open 预警 for every customer that is due on that day (today when None); a second run opens nothing more.

    Orders dated in the future are no purchases. by: the user who started it by hand; the cases are the system's.
    """
    day = on or timezone.localdate()
    settle_dates()  # before the lock: writers of orders have locked customers when they wait for it
    with transaction.atomic():
        take_scan_lock()
        _avoid_nested_loops()
        now = timezone.now()
        opened_count = insert_selected(ChurnCase, due_for_warning(day), _new_case_values(now), once=True)
        if opened_count:
            by_scan = ChurnCase.objects.filter(origin=ChurnCase.Origin.SCAN)
            new_cases = by_scan.filter(status=ChurnCase.Status.WARNING, opened_at=now)
            log_selected(None, "流失预警", new_cases, text=_case_label("预警"), changes={"状态": "预警"})
            _add_timeline_entries(new_cases, now, _warning_text())
            _notify_managers(new_cases)
        if by is not None:
            log_event(by, "流失扫描", None, "客户流失", 截至=day, 新增预警=opened_count)
    return ScanResult(day, opened_count)


def _avoid_nested_loops() -> None:
    """Keep PostgreSQL from looping over the table of cases once per customer while that table grows.

    It does so while its statistics still say that there are few cases: minutes become seconds for a million customers.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_nestloop = off")


def _new_case_values(now: datetime) -> dict[str, Any]:
    return {
        "customer": F("pk"),
        "status": Value(ChurnCase.Status.WARNING.value),
        "origin": Value(ChurnCase.Origin.SCAN.value),
        "opened_at": Value(now, DateTimeField()),
        "last_purchase_on": F("last_purchase_on"),
        "lost_reason": Value(""),
        "win_back_note": Value(""),
        "version": Value(0),
    }


def _case_label(state: str) -> Expression:
    """Build str() of a case in SQL."""
    return Concat("customer__name", Value(f"（{state}）"))


def _date_text(field: str) -> Expression:
    return Cast(Cast(field, DateField()), CharField())


def _warning_text() -> Expression:
    return Case(
        When(last_purchase_on=None, then=Value("流失预警：从未下单，已满六个月")),
        default=Concat(Value("流失预警：上次下单 "), _date_text("last_purchase_on"), Value("，已满六个月")),
        output_field=CharField(),
    )


def _add_timeline_entries(cases: models.QuerySet[ChurnCase], at: datetime, text: Expression, anchor: str = "") -> None:
    url_start, url_end = reverse("customers:churn_detail", args=[0]).split("0")
    values = {
        "customer": F("customer"),
        "at": Value(at, DateTimeField()),
        "kind": Value(TimelineEntry.Kind.CHURN.value),
        "text": text,
        "url": Concat(Value(url_start), Cast("pk", CharField()), Value(url_end + anchor)),
    }
    insert_selected(TimelineEntry, cases, values, once=True)


def _notify_managers(new_cases: models.QuerySet[ChurnCase]) -> None:
    """Send one notification per 客户经理 with the number of their new cases."""
    counts_by_manager = (
        new_cases.filter(customer__manager__is_active=True).values_list("customer__manager").annotate(n=Count("pk"))
    )
    pattern = "流失扫描新增 {} 个预警，请在「客户流失管理」里处理。"
    kind = Notification.Kind.CHURN
    notify_many(Notification.about(None, pk, pattern.format(n), kind) for pk, n in counts_by_manager.order_by())


# Purchases


def resolve_by_purchases(customer_ids: Collection[int] | None = None) -> PurchaseResult:
    """Close cases answered by newer purchases: open ones become 已解除, confirmed ones 已挽回 with the customer 正常.

    Reads Customer.last_purchase_on: refresh that first. customer_ids: only these; None: all.
    """
    with transaction.atomic():
        take_scan_lock()
        cases = ChurnCase.objects.all() if customer_ids is None else ChurnCase.objects.filter(customer__in=customer_ids)
        _lock_customers(
            Q(pk__in=cases_to_resolve(cases).values("customer")) | Q(pk__in=cases_to_win_back(cases).values("customer"))
        )
        now = timezone.now()
        return PurchaseResult(_resolve(cases_to_resolve(cases), now), _win_back(cases_to_win_back(cases), now))


def cases_to_resolve(cases: models.QuerySet[ChurnCase]) -> models.QuerySet[ChurnCase]:
    """Return open cases with a purchase later than the one they were opened on (any, when there was none)."""
    bought_later = Q(customer__last_purchase_on__gt=F("last_purchase_on"))
    bought_first = Q(last_purchase_on=None, customer__last_purchase_on__isnull=False)
    return cases.filter(bought_later | bought_first, status__in=ChurnCase.OPEN)


def cases_to_win_back(cases: models.QuerySet[ChurnCase]) -> models.QuerySet[ChurnCase]:
    """Return confirmed losses with a purchase after the day of the confirmation."""
    later = Q(customer__last_purchase_on__gt=TruncDate("confirmed_at"))
    return cases.filter(later, status=ChurnCase.Status.CONFIRMED)


def _lock_customers(condition: Q) -> None:
    """Lock the customers before their cases, in the order of their keys, as every transition of a case does."""
    list(Customer.objects.filter(condition).order_by("pk").select_for_update(no_key=True).values_list("pk"))


def _resolve(cases: models.QuerySet[ChurnCase], now: datetime) -> int:
    resolved = ChurnCase.Status.RESOLVED
    resolved_count = cases.update(status=resolved, closed_at=now, review_on=None, version=F("version") + 1)
    if resolved_count:
        resolved_cases = ChurnCase.objects.filter(status=resolved, closed_at=now)
        facts = {"状态": "已解除", "原因": BOUGHT_AGAIN}
        log_selected(None, "解除预警", resolved_cases, text=_case_label("已解除"), changes=facts)
        _add_timeline_entries(resolved_cases, now, _purchase_text("流失预警解除"), "#closed")
    return resolved_count


def _win_back(cases: models.QuerySet[ChurnCase], now: datetime) -> int:
    won_back = ChurnCase.Status.WON_BACK
    won_back_count = cases.update(status=won_back, closed_at=now, win_back_note=BOUGHT_AGAIN, version=F("version") + 1)
    if won_back_count:
        won_back_cases = ChurnCase.objects.filter(status=won_back, closed_at=now, win_back_note=BOUGHT_AGAIN)
        customers = Customer.objects.filter(pk__in=won_back_cases.values("customer"))
        facts = {"状态": ("流失", "正常"), "原因": BOUGHT_AGAIN}
        log_selected(None, "挽回", customers, text=F("name"), changes=facts)
        today = timezone.localdate(now)
        customers.update(status=Customer.Status.NORMAL, won_back_on=today, version=F("version") + 1)
        facts = {"状态": ("确认流失", "已挽回"), "挽回说明": BOUGHT_AGAIN}
        log_selected(None, "挽回", won_back_cases, text=_case_label("已挽回"), changes=facts)
        _add_timeline_entries(won_back_cases, now, _purchase_text("客户已挽回"), "#closed")
    return won_back_count


def _purchase_text(what: str) -> Expression:
    ordered = _date_text("customer__last_purchase_on")
    return Concat(Value(f"{what}：{BOUGHT_AGAIN}（"), ordered, Value("）"), output_field=CharField())
