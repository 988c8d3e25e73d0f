"""What the system itself does to churn cases, set-based: the weekly scan opens them, purchases close them.

A run takes its turn under a lock, so that its one time stamp names its rows; the partial unique constraint is what
keeps a customer from a second open case.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import connection, models, transaction
from django.db.models import Case, CharField, Count, DateField, DateTimeField, Exists, F, OuterRef, Q, Value, When
from django.db.models.functions import Cast, Concat, TruncDate
from django.urls import reverse
from django.utils import timezone

from accounts.models import Notification, User, notify_many
from kit.audit.bulk_log import insert_selected, record_selected
from kit.audit.log import log_event
from kit.sql.locks import AdvisoryLock, take_lock

from ..six_months import cutoff
from .churn import ChurnCase
from .customer import Customer
from .rollup import settle_dates
from .timeline import TimelineEntry

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
    """正常 customers without an open case whose six months are over on that day."""
    last = cutoff(on)
    next_midnight = timezone.make_aware(datetime.combine(last + timedelta(days=1), time.min))
    never = Q(last_purchase_on=None) & (Q(created_at__lt=next_midnight) | Q(cooperation_since__lte=last))
    silent = Q(last_purchase_on__lte=last) | never
    not_won_back_since = Q(won_back_on=None) | Q(won_back_on__lte=last)
    cases = ChurnCase.objects.open().filter(customer=OuterRef("pk"))
    rows = Customer.objects.current().filter(silent, not_won_back_since, status=Customer.Status.NORMAL)
    return rows.filter(~Exists(cases))


def scan_churn(on: date | None = None, by: User | None = None) -> ScanResult:
    """Opens 预警 for every customer that is due on that day (today when None); run again it finds nothing more.

    Orders whose date lies ahead are no purchases. by: who asked for it by hand; the cases are the system's.
    """
    day = on or timezone.localdate()
    settle_dates()  # before the turn: whoever writes orders has locked customers when he waits for it
    with transaction.atomic():
        take_turn()
        _plan_for_many()
        now = timezone.now()
        opened = insert_selected(ChurnCase, due_for_warning(day), _new_case(now), once=True)
        if opened:
            new = ChurnCase.objects.filter(status=ChurnCase.Status.WARNING, opened_at=now)
            record_selected(None, "流失预警", new, text=_named("预警"), changes={"状态": "预警"})
            _tell(new, now, _warning_words())
            _notify_managers(new)
        if by is not None:
            log_event(by, "流失扫描", None, "客户流失", 截至=day, 新增预警=opened)
    return ScanResult(day, opened)


def take_turn() -> None:
    """Let one scan run at a time, to the end of the transaction."""
    take_lock(AdvisoryLock.CHURN_SCAN)


def _plan_for_many() -> None:
    """Keeps PostgreSQL from looping over the table of cases once per customer while that table grows under it.

    It would, when its statistics still say that there are few cases: minutes become seconds for a million customers.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_nestloop = off")


def _new_case(now: datetime) -> dict[str, Any]:
    return {
        "customer": F("pk"),
        "status": Value(ChurnCase.Status.WARNING.value),
        "opened_at": Value(now, DateTimeField()),
        "last_purchase_on": F("last_purchase_on"),
        "lost_reason": Value(""),
        "win_back_note": Value(""),
        "version": Value(0),
    }


def _named(state: str) -> Any:
    """A case as str() names it."""
    return Concat("customer__name", Value(f"（{state}）"))


def _day(field: str) -> Any:
    return Cast(Cast(field, DateField()), CharField())


def _warning_words() -> Any:
    return Case(
        When(last_purchase_on=None, then=Value("流失预警：从未下单，已满六个月")),
        default=Concat(Value("流失预警：上次下单 "), _day("last_purchase_on"), Value("，已满六个月")),
        output_field=CharField(),
    )


def _tell(cases: models.QuerySet[ChurnCase], at: datetime, text: Any, mark: str = "") -> None:
    before, after = reverse("customers:churn_detail", args=[0]).split("0")
    values = {
        "customer": F("customer"),
        "at": Value(at, DateTimeField()),
        "kind": Value(TimelineEntry.Kind.CHURN.value),
        "text": text,
        "url": Concat(Value(before), Cast("pk", CharField()), Value(after + mark)),
    }
    insert_selected(TimelineEntry, cases, values, once=True)


def _notify_managers(new: models.QuerySet[ChurnCase]) -> None:
    """One notification per 客户经理, with the number of his new cases."""
    counted = new.filter(customer__manager__is_active=True).values_list("customer__manager").annotate(n=Count("pk"))
    words = "流失扫描新增 {} 个预警，请在「客户流失管理」里处理。"
    kind = Notification.Kind.CHURN
    notify_many(Notification.about(None, pk, words.format(n), kind) for pk, n in counted.order_by())


# Purchases


def resolve_by_purchases(customer_ids: Collection[int] | None = None) -> PurchaseResult:
    """Closes what newer purchases answer: open cases become 已解除, confirmed ones 已挽回 with the customer 正常.

    Reads Customer.last_purchase_on, so call it after that was brought up to date. customer_ids: only these, or all.
    """
    with transaction.atomic():
        take_turn()
        cases = ChurnCase.objects.all() if customer_ids is None else ChurnCase.objects.filter(customer__in=customer_ids)
        _keep_locked(Q(pk__in=answered(cases).values("customer")) | Q(pk__in=returned(cases).values("customer")))
        now = timezone.now()
        return PurchaseResult(_resolve(answered(cases), now), _win_back(returned(cases), now))


def answered(cases: models.QuerySet[ChurnCase]) -> models.QuerySet[ChurnCase]:
    """Open cases with a purchase later than the one they were opened on (any, when there was none)."""
    later = Q(customer__last_purchase_on__gt=F("last_purchase_on"))
    first = Q(last_purchase_on=None, customer__last_purchase_on__isnull=False)
    return cases.filter(later | first, status__in=ChurnCase.OPEN)


def returned(cases: models.QuerySet[ChurnCase]) -> models.QuerySet[ChurnCase]:
    """Confirmed losses with a purchase after the day of the confirmation."""
    later = Q(customer__last_purchase_on__gt=TruncDate("confirmed_at"))
    return cases.filter(later, status=ChurnCase.Status.CONFIRMED)


def _keep_locked(which: Q) -> None:
    """Customers first, as every transition of a case locks them, in the order of their keys."""
    list(Customer.objects.filter(which).order_by("pk").select_for_update(no_key=True).values_list("pk"))


def _resolve(cases: models.QuerySet[ChurnCase], now: datetime) -> int:
    resolved = ChurnCase.Status.RESOLVED
    changed = cases.update(status=resolved, closed_at=now, review_on=None, version=F("version") + 1)
    if changed:
        closed = ChurnCase.objects.filter(status=resolved, closed_at=now)
        facts = {"状态": "已解除", "原因": BOUGHT_AGAIN}
        record_selected(None, "解除预警", closed, text=_named("已解除"), changes=facts)
        _tell(closed, now, _purchase_words("流失预警解除"), "#closed")
    return changed


def _win_back(cases: models.QuerySet[ChurnCase], now: datetime) -> int:
    won_back = ChurnCase.Status.WON_BACK
    changed = cases.update(status=won_back, closed_at=now, win_back_note=BOUGHT_AGAIN, version=F("version") + 1)
    if changed:
        closed = ChurnCase.objects.filter(status=won_back, closed_at=now, win_back_note=BOUGHT_AGAIN)
        customers = Customer.objects.filter(pk__in=closed.values("customer"))
        facts = {"状态": ("流失", "正常"), "原因": BOUGHT_AGAIN}
        record_selected(None, "挽回", customers, text=F("name"), changes=facts)
        today = timezone.localdate(now)
        customers.update(status=Customer.Status.NORMAL, won_back_on=today, version=F("version") + 1)
        facts = {"状态": ("确认流失", "已挽回"), "挽回说明": BOUGHT_AGAIN}
        record_selected(None, "挽回", closed, text=_named("已挽回"), changes=facts)
        _tell(closed, now, _purchase_words("客户已挽回"), "#closed")
    return changed


def _purchase_words(what: str) -> Any:
    ordered = _day("customer__last_purchase_on")
    return Concat(Value(f"{what}：{BOUGHT_AGAIN}（"), ordered, Value("）"), output_field=CharField())
