"""Alerts of 提前预警, their pauses, and the money at risk at each month's end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Count, F, Max, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.functional import cached_property

from accounts.models import User
from accounts.scopes.rule import VIEW, user_ids_in_scope
from basedata.calendar.counted_days import CountedDays, current_counted_days
from basedata.models import SpecialDay
from customers.churn.models import ChurnCase, ChurnCaseQuerySet
from customers.orders.as_of import orders_as_of
from customers.orders.rhythm import describe_silence, times_usual
from customers.querysets import OfCustomersQuerySet
from customers.records.locks import refuse_if_removed
from customers.records.metrics import CustomerMetrics
from customers.records.models import Customer, CustomerQuerySet
from customers.timeline import TimelineEntry, add_timeline_entry
from kit.audit.log import log_event, log_events
from kit.domain.verdict import ALLOWED, Verdict, first_objection, refuse_if, require_scope
from kit.sql.id_sets import IdSet
from kit.sql.transactions import in_transaction
from kit.transitions import transition

from .alerts import AlertLevel, is_late, level_case, level_on, may_alert

LONGEST_PAUSE_DAYS = 180


class AlertPauseQuerySet(OfCustomersQuerySet["AlertPause"]):
    view_permission = "customers.view_churncase"

    def open(self) -> AlertPauseQuerySet:
        return self.filter(closed_at=None)

    def in_force(self, day: date) -> AlertPauseQuerySet:
        return self.open().filter(until__gte=day)


class AlertPause(models.Model):
    """暂不提醒: why a 客户经理 does not want to be told of a late customer until a day. A purchase closes it."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="alert_pauses", verbose_name="客户")
    until = models.DateField("暂停至")
    reason = models.CharField("原因", max_length=300)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="填写人")
    at = models.DateTimeField("填写时间", default=timezone.now)
    last_order_on = models.DateField("当时的上次下单", editable=False)
    closed_at = models.DateTimeField("结束时间", null=True)  # by a later purchase, another pause or a merge

    objects = AlertPauseQuerySet.as_manager()

    class Meta:
        verbose_name = "暂不提醒"
        verbose_name_plural = "暂不提醒"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["customer"], condition=Q(closed_at=None), name="customers_one_open_pause")
        ]
        permissions = [("snooze_light", "暂不提醒（提前预警）")]

    def __str__(self) -> str:
        return f"{self.customer}，至 {self.until:%Y-%m-%d}"

    @in_transaction
    def know_orders_of(self, merged: Iterable[Customer]) -> None:
        """Take their orders up to the day of the pause for known: only a later purchase closes it."""
        known = Q(customer__in=merged, last_order_on__lte=timezone.localdate(self.at))
        latest = CustomerMetrics.objects.filter(known).aggregate(day=Max("last_order_on"))["day"]
        if latest is not None and latest > self.last_order_on:
            self.last_order_on = latest
            self.save(update_fields=["last_order_on"])


@in_transaction
def close_answered_pauses(customer_ids: IdSet) -> int:
    """Close the pauses of customers who ordered since, in the transaction that refreshes their metrics."""
    ordered_since = Q(customer__metrics__last_order_on__gt=F("last_order_on"))
    pauses = list(AlertPause.objects.open().filter(ordered_since, customer__in=customer_ids).select_related("customer"))
    if pauses:
        AlertPause.objects.filter(pk__in=[pause.pk for pause in pauses]).update(closed_at=timezone.now())
        log_events(None, "结束暂不提醒", [pause.customer for pause in pauses], lambda _: {"原因": "客户已下单"})
    return len(pauses)


@in_transaction
def end_pauses(customers: Sequence[Customer], *, by: User, reason: str) -> int:
    """End the pauses of these customers, in the transaction of what makes them void; return how many."""
    by_key = {customer.pk: customer for customer in customers}
    pauses = AlertPause.objects.open().filter(customer__in=IdSet(by_key))
    keys = list(pauses.values_list("customer", flat=True))
    if keys:
        pauses.update(closed_at=timezone.now())
        log_events(by, "结束暂不提醒", [by_key[key] for key in keys], lambda _: {"原因": reason})
    return len(keys)


class AlertQuerySet(OfCustomersQuerySet["Alert"]):
    view_permission = "customers.view_churncase"

    def alerted(self, as_of: date, level: AlertLevel | None = None) -> AlertQuerySet:
        """Return the alerts of that level (None: any) on that day, paused ones too.

        They come with as_of, alert_level for sorting, and the pause in force: paused_until and pause_reason.
        """
        late = self.filter(is_late(as_of, level), may_alert(path="customer__"))
        pauses = AlertPause.objects.in_force(timezone.localdate()).filter(customer=OuterRef("pk"))
        return late.annotate(
            alert_level=level_case(as_of),
            paused_until=Subquery(pauses.values("until")[:1]),
            pause_reason=Subquery(pauses.values("reason")[:1]),
            as_of=Value(as_of, models.DateField()),
        )

    def without_paused(self, manager: User | None = None) -> AlertQuerySet:
        """Leave out paused alerts, with a 客户经理 only those of their own customers."""
        paused = Q(customer__in=AlertPause.objects.in_force(timezone.localdate()).values("customer"))
        return self.exclude(paused if manager is None else Q(paused, customer__manager=manager))

    def with_rest_days(self) -> AlertQuerySet:
        """Annotate the alerts of alerted() with the holidays since the last order, so that no row asks the calendar."""
        holidays = SpecialDay.objects.filter(
            kind=SpecialDay.Kind.REST, day__gt=OuterRef("last_order_on"), day__lte=OuterRef("as_of")
        )
        counts = holidays.order_by().values("kind").annotate(n=Count("pk")).values("n")
        return self.annotate(rest_days=Coalesce(Subquery(counts), 0))


class Alert(CustomerMetrics):
    """The alert of a customer, who has at most one: a view of CustomerMetrics with what may be done about it."""

    TONES = {"red": "red", "amber": "amber"}

    objects = AlertQuerySet.as_manager()  # type: ignore[misc]  # of the proxy, not of all metrics

    class Meta:
        proxy = True
        verbose_name = "提前预警"
        verbose_name_plural = "提前预警"
        default_permissions = ()

    def get_absolute_url(self) -> str:
        return self.customer.get_absolute_url()

    def locked_parent(self) -> Customer:
        return self.customer

    @property
    def day(self) -> date:
        """The day as of which the alert is: that of alerted(), which makes no query."""
        return self.__dict__.get("as_of") or orders_as_of()

    @property
    def level(self) -> AlertLevel | None:
        return level_on(self, self.day)

    @cached_property
    def calendar(self) -> CountedDays:
        """The company's holidays, read once a row: a list reads them once and sets them on its rows."""
        return current_counted_days()

    @property
    def silent_days(self) -> int:
        """Counted days since the last order; without a query for the rows of with_rest_days()."""
        if self.last_order_on is None:
            return 0
        if "rest_days" in self.__dict__:
            return (self.day - self.last_order_on).days - int(self.__dict__["rest_days"])
        return self.calendar.between(self.last_order_on, self.day)

    @property
    def times_usual(self) -> Decimal:
        """How many usual intervals the silence is, to one decimal place."""
        return times_usual(self.silent_days, self.usual_days or 1)

    @property
    def sentence(self) -> str:
        return describe_silence(self.usual_days or 1, self.low_days or 0, self.high_days or 0, self.silent_days)

    @transition("customers.snooze_light", "暂不提醒", refusal="只有客户经理可以设置暂不提醒")
    def pause(self, *, by: User, until: date, reason: str) -> AlertPause:
        """Do not tell of this alert until that day; a pause there was is replaced."""
        self._require_alert_now().enforce()
        self._check_pause(until, reason).enforce()
        AlertPause.objects.open().filter(customer=self.customer).update(closed_at=timezone.now())
        order_day = self.last_order_on or self.day
        pause = AlertPause.objects.create(
            customer=self.customer, until=until, reason=reason, by=by, last_order_on=order_day
        )
        log_event(by, "暂不提醒", self.customer, 暂停至=until, 原因=reason)
        text = f"提前预警暂不提醒至 {until:%Y-%m-%d}：{reason}"
        add_timeline_entry(self.customer, TimelineEntry.Kind.CHURN, text)
        return pause

    @pause.guard
    def can_pause(self, by: User) -> Verdict:
        return first_objection(self._require_own_customer(by, "设置暂不提醒"), self._require_alert())

    @transition("customers.handle_churncase", "列为预警", refusal="只有客户经理可以列为预警")
    def list_as_warning(self, *, by: User) -> ChurnCase:
        """Open a case by hand, long before the six months are over; it takes the place of a pause."""
        self._require_alert_now().enforce()
        end_pauses([self.customer], by=by, reason="列为预警")
        return ChurnCase.open_by_hand(self.customer, by=by)

    @list_as_warning.guard
    def can_list_as_warning(self, by: User) -> Verdict:
        return first_objection(self._require_own_customer(by, "列为预警"), self._require_alert())

    def _require_own_customer(self, by: User, verb: str) -> Verdict:
        manager = self.customer.manager
        return first_objection(
            require_scope(self.customer.manager_id == by.pk, f"只有客户经理（{manager}）可以{verb}，您可以查看。"),
            refuse_if_removed(self.customer, by),
        )

    def _require_alert(self) -> Verdict:
        """Refuse where there is no alert; by the dates on the row in a list, which selected the others already."""
        if "as_of" in self.__dict__:
            return refuse_if(self.level is None, "这个客户已经下单，没有提前预警了。")
        return self._require_alert_now()

    def _require_alert_now(self) -> Verdict:
        """Refuse where there is no alert by what is stored now: a row of a list says what was true when it was read."""
        row = type(self)._base_manager.filter(is_late(orders_as_of()), may_alert(path="customer__"), pk=self.pk)
        if row.exists():
            return ALLOWED
        has_case = ChurnCase.objects.open().filter(customer=self.pk).exists()
        return refuse_if(True, "该客户已有未结束的流失预警。" if has_case else "这个客户现在没有提前预警。")

    @staticmethod
    def _check_pause(until: date, reason: str) -> Verdict:
        ahead = until - timezone.localdate()
        return first_objection(
            refuse_if(not reason.strip(), "请填写原因。"),
            refuse_if(ahead < timedelta(0), "暂停至的日期不能早于今天。"),
            refuse_if(ahead.days > LONGEST_PAUSE_DAYS, f"暂停最长 {LONGEST_PAUSE_DAYS} 天。"),
        )


def alert_of(customer: Customer, as_of: date | None = None) -> Alert | None:
    """Return the customer's alert on that day (orders_as_of() when None), paused or not; None without one."""
    alerts = Alert.objects.alerted(as_of or orders_as_of()).select_related("customer__manager")
    return alerts.filter(customer=customer).first()


class RiskMonthQuerySet(models.QuerySet["RiskMonth"]):
    def visible_to(self, user: User) -> RiskMonthQuerySet:
        """Return the sums of the 客户经理 in view, for users who may see alerts and cases."""
        if not user.has_perm(ChurnCaseQuerySet.view_permission):
            return self.none()
        people = user_ids_in_scope(user, CustomerQuerySet.view_permission, VIEW)
        return self if people is None else self.filter(manager__in=people)


class RiskMonth(models.Model):
    """Money at risk at a month's end by the 客户经理 then: positive net of 12 months of each customer, counted once."""

    month_end = models.DateField("月末", editable=False)
    manager = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="客户经理")
    red = models.DecimalField("晚于惯常", max_digits=24, decimal_places=7)
    amber = models.DecimalField("该下单了", max_digits=24, decimal_places=7)
    warning = models.DecimalField("预警", max_digits=24, decimal_places=7)
    deferred = models.DecimalField("暂缓流失", max_digits=24, decimal_places=7)

    objects = RiskMonthQuerySet.as_manager()

    class Meta:
        verbose_name = "月末风险金额"
        verbose_name_plural = "月末风险金额"
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["month_end", "manager"], name="customers_risk_once")]

    def __str__(self) -> str:
        return f"{self.month_end:%Y-%m} {self.manager}"
