"""客户流失: cases opened by the scan, deferred with measures, confirmed, won back or resolved by a purchase."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import User, notify
from accounts.scopes.rule import supervisors_of
from basedata.models import DictionaryEntry, entry_field
from customers.querysets import OfCustomersQuerySet
from customers.records.locks import refuse_if_removed
from customers.records.models import Customer
from customers.timeline import TimelineEntry, add_timeline_entry
from kit.audit.log import log_event, save_changes
from kit.domain.urls import record_url
from kit.domain.verdict import Verdict, first_objection, refuse_if, require_scope
from kit.sql.transactions import in_transaction
from kit.transitions import transition

REVIEW_DAYS, LONGEST_REVIEW_DAYS = 30, 90


class ChurnCaseQuerySet(OfCustomersQuerySet["ChurnCase"]):
    view_permission = "customers.view_churncase"

    def open(self) -> ChurnCaseQuerySet:
        return self.filter(status__in=ChurnCase.OPEN)

    def of_manager(self, user: User) -> ChurnCaseQuerySet:
        """Return the open cases of the user's own customers."""
        return self.open().filter(customer__manager=user, customer__deleted_at=None)

    def counted(self) -> ChurnCaseQuerySet:
        """Return the cases that count in figures: one closed by a merge stands beside another of the same customer."""
        return self.exclude(status=ChurnCase.Status.MERGED)

    def owned_then_by(self, people: Collection[int]) -> ChurnCaseQuerySet:
        """Return the cases of these users: 客户经理 at the confirmation of the loss; without a confirmation today's."""
        return self.filter(Q(manager_then__in=people) | Q(manager_then=None, customer__manager__in=people))

    def lost_at(self, at: datetime) -> ChurnCaseQuerySet:
        """Return the cases whose customer was lost at that time: confirmed before, not won back until then."""
        return self.counted().filter(Q(closed_at=None) | Q(closed_at__gte=at), confirmed_at__lt=at)

    def with_latest_measure(self) -> ChurnCaseQuerySet:
        """Annotate measures_n, the number of measures, with measure and measured_at of the latest."""
        measures = ChurnMeasure.objects.filter(case=OuterRef("pk"))
        latest = measures.order_by("-at", "-pk")
        counts = measures.order_by().values("case").annotate(n=Count("pk")).values("n")
        return self.annotate(
            measures_n=Coalesce(Subquery(counts), 0),
            measure=Subquery(latest.values("text")[:1]),
            measured_at=Subquery(latest.values("at")[:1]),
        )

    def to_review(self, day: date) -> ChurnCaseQuerySet:
        """Return the cases deferred until that day or before."""
        return self.filter(status=ChurnCase.Status.DEFERRED, review_on__lte=day)


class ChurnCase(models.Model):
    class Status(models.TextChoices):
        WARNING = "warning", "预警"
        DEFERRED = "deferred", "暂缓流失"
        CONFIRMED = "confirmed", "确认流失"
        RESOLVED = "resolved", "已解除"
        WON_BACK = "won_back", "已挽回"
        MERGED = "merged", "已合并"

    TONES = {
        "warning": "amber", "deferred": "violet", "confirmed": "red", "resolved": "sq", "won_back": "green sq",
        "merged": "sq",
    }  # fmt: skip
    OPEN = (Status.WARNING, Status.DEFERRED)

    class Origin(models.TextChoices):
        SCAN = "scan", "扫描"
        HAND = "hand", "人工"

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="churn_cases", verbose_name="客户")
    status = models.CharField("状态", max_length=10, choices=Status, default=Status.WARNING, editable=False)
    opened_at = models.DateTimeField("预警时间", default=timezone.now, editable=False)
    origin = models.CharField("来源", max_length=4, choices=Origin, default=Origin.SCAN, editable=False)
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+", verbose_name="列入人"
    )
    last_purchase_on = models.DateField("上次下单时间", null=True, editable=False)  # when the case was opened
    review_on = models.DateField("下次复核日期", null=True, editable=False)
    confirmed_at = models.DateTimeField("确认流失时间", null=True, editable=False)
    manager_then = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+",
        verbose_name="确认时的客户经理",
    )  # fmt: skip
    lost_reason = models.CharField("流失原因", max_length=500, blank=True, editable=False)
    lost_kind = entry_field("流失原因", "原因类别", null=True, editable=False)
    competitor = entry_field("竞争对手", "竞争对手", null=True, editable=False)
    win_back_note = models.CharField("挽回说明", max_length=500, blank=True, editable=False)
    closed_at = models.DateTimeField("结束时间", null=True, editable=False)  # resolved, won back or merged
    version = models.PositiveIntegerField(default=0, editable=False)

    objects = ChurnCaseQuerySet.as_manager()

    class Meta:
        verbose_name = "客户流失"
        verbose_name_plural = "客户流失"
        indexes = [
            models.Index(fields=["-opened_at", "-id"], name="customers_churn_newest"),
            models.Index(fields=["status", "-opened_at", "-id"], name="customers_churn_status"),
            models.Index(fields=["status", "confirmed_at"], name="customers_churn_confirmed"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["customer"],
                condition=Q(status__in=("warning", "deferred")),
                name="customers_one_open_case",
                violation_error_message="该客户已有未结束的流失预警。",
            ),
            models.CheckConstraint(
                condition=Q(status__in=("warning", "deferred", "resolved", "merged"), confirmed_at=None)
                | (Q(status__in=("confirmed", "won_back", "merged"), confirmed_at__isnull=False) & ~Q(lost_reason="")),
                name="customers_confirmed_with_reason",
            ),
            models.CheckConstraint(
                condition=Q(status__in=("warning", "deferred", "confirmed"), closed_at=None)
                | Q(status__in=("resolved", "won_back", "merged"), closed_at__isnull=False),
                name="customers_case_closed",
            ),
        ]
        permissions = [
            ("handle_churncase", "处理客户流失（暂缓、确认、挽回）"),
            ("scan_churncase", "手工运行流失扫描"),
            ("export_churncase", "导出客户流失"),
        ]

    def __str__(self) -> str:
        return f"{self.customer}（{self.get_status_display()}）"

    def get_absolute_url(self) -> str:
        return record_url("customers:churn_detail", self.pk)

    def locked_parent(self) -> Customer:
        return self.customer

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN

    @property
    def silent_until(self) -> date:
        """The last day of the silence: the day of the confirmation or the end of the case, or today."""
        end_at = self.confirmed_at or self.closed_at
        return timezone.localdate(end_at) if end_at else timezone.localdate()

    @property
    def silent_days(self) -> int | None:
        """Days without a purchase; None when there never was one."""
        return (self.silent_until - self.last_purchase_on).days if self.last_purchase_on else None

    @property
    def review_is_due(self) -> bool:
        return self.is_open and self.review_on is not None and self.review_on <= timezone.localdate()

    @classmethod
    @in_transaction
    def open_by_hand(cls, customer: Customer, *, by: User) -> ChurnCase:
        """Open a 预警 before the scan would; asks no permission: for the transition of an alert that did."""
        is_open = cls.objects.open().filter(customer=customer).exists()
        refuse_if(is_open, "该客户已有未结束的流失预警。").enforce()
        refuse_if(customer.status != Customer.Status.NORMAL, "客户已流失，不能列为预警。").enforce()
        case = cls.objects.create(
            customer=customer, origin=cls.Origin.HAND, opened_by=by, last_purchase_on=customer.last_purchase_on
        )
        log_event(by, "列为预警", case, 状态=case.get_status_display(), 来源=case.get_origin_display())
        case._add_timeline_entry(f"{by} 列为流失预警", "")
        return case

    @transition("customers.handle_churncase", "暂缓流失", refusal="只有客户经理可以暂缓流失")
    def defer(self, *, by: User, kind: DictionaryEntry, text: str, review_on: date | None = None) -> ChurnMeasure:
        """Record a measure and the next review day; None means in 30 days."""
        today = timezone.localdate()
        review_on = review_on or today + timedelta(days=REVIEW_DAYS)
        self._check_measure(kind, text, review_on - today).enforce()
        measure = ChurnMeasure.objects.create(case=self, kind=kind, text=text, review_on=review_on, by=by)
        self.status, self.review_on = self.Status.DEFERRED, review_on
        self._save("status", "review_on")
        log_event(by, "暂缓流失", self, 措施类别=kind, 暂缓措施=text, 下次复核日期=review_on)
        self._add_timeline_entry(f"暂缓流失（{kind}）：{text}", f"#measure-{measure.pk}")
        return measure

    @defer.guard
    def can_defer(self, by: User) -> Verdict:
        return first_objection(self._require_own_customer(by, "暂缓流失"), self._require_open("暂缓流失"))

    @transition("customers.handle_churncase", "确认流失", refusal="只有客户经理可以确认流失")
    def confirm(
        self, *, by: User, reason: str, kind: DictionaryEntry, competitor: DictionaryEntry | None = None
    ) -> None:
        """Mark the customer as lost and notify the supervisors."""
        refuse_if(not reason.strip(), "请填写流失原因。").enforce()
        refuse_if(kind is None or kind.category != "流失原因", "请选择流失原因的类别。").enforce()
        before = self.get_status_display()
        self.status, self.confirmed_at, self.review_on = self.Status.CONFIRMED, timezone.now(), None
        self.lost_reason, self.lost_kind, self.competitor = reason, kind, competitor
        self.manager_then = self.customer.manager
        self._save("status", "confirmed_at", "review_on", "lost_reason", "lost_kind", "competitor", "manager_then")
        facts: dict[str, Any] = {"状态": (before, self.get_status_display()), "原因类别": kind, "流失原因": reason}
        log_event(by, "确认流失", self, changes={**facts, **({"竞争对手": competitor} if competitor else {})})
        save_changes(by, "确认流失", self.customer, status=Customer.Status.LOST, reason=reason)
        self._add_timeline_entry(f"确认流失（{kind}）：{reason}", "#confirmed")
        for supervisor in supervisors_of(by):
            notify(supervisor, f"{by} 确认客户「{self.customer}」流失：{reason}", self)

    @confirm.guard
    def can_confirm(self, by: User) -> Verdict:
        return first_objection(self._require_own_customer(by, "确认流失"), self._require_open("确认流失"))

    @transition("customers.handle_churncase", "挽回", refusal="只有客户经理可以挽回")
    def win_back(self, *, by: User, note: str) -> None:
        """Set the customer back to 正常; the six months begin again today."""
        refuse_if(not note.strip(), "请填写挽回说明。").enforce()
        self.status, self.closed_at, self.win_back_note = self.Status.WON_BACK, timezone.now(), note
        self._save("status", "closed_at", "win_back_note")
        log_event(by, "挽回", self, 状态=("确认流失", self.get_status_display()), 挽回说明=note)
        today = timezone.localdate()
        save_changes(by, "挽回", self.customer, status=Customer.Status.NORMAL, won_back_on=today, reason=note)
        self._add_timeline_entry(f"客户已挽回：{note}", "#closed")

    @win_back.guard
    def can_win_back(self, by: User) -> Verdict:
        return first_objection(
            self._require_own_customer(by, "挽回"),
            refuse_if(self.is_open, f"客户还没有确认流失（{self.get_status_display()}），不需要挽回。"),
            refuse_if(not self.is_open and self.status != self.Status.CONFIRMED, self._closed_reason("挽回")),
        )

    @in_transaction
    def close_by_merge(self, *, into: Customer, by: User) -> None:
        """Close a case whose customer is merged into one that has a case, in the merge's transaction.

        A status of its own, because nothing happened with the customer: neither lost, nor won back, nor resolved.
        """
        before, self.status = self.get_status_display(), self.Status.MERGED
        self.closed_at, self.review_on = timezone.now(), None
        self.win_back_note = f"客户并入 {into.name}"
        self._save("status", "closed_at", "review_on", "win_back_note")
        log_event(by, "合并", self, 状态=(before, self.get_status_display()), 原因=f"客户并入 {into.name}")

    @transition("customers.merge_customer", "标记为已合并", refusal="您的角色不能更正客户流失")
    def mark_as_merged(self, *, by: User | None = None) -> None:
        """Correct a case that a merge of an earlier release closed as resolved or won back."""
        before, self.status = self.get_status_display(), self.Status.MERGED
        self._save("status")
        log_event(by, "数据检查", self, 状态=(before, self.get_status_display()))

    @mark_as_merged.guard
    def can_mark_as_merged(self, by: User | None) -> Verdict:
        return first_objection(
            require_scope(by is None, "只由数据检查更正。"), refuse_if(self.is_open, "流失记录还没有结束。")
        )

    # Shared verdicts

    def _require_own_customer(self, by: User, verb: str) -> Verdict:
        manager = self.customer.manager
        return first_objection(
            require_scope(self.customer.manager_id == by.pk, f"只有客户经理（{manager}）可以{verb}，您可以查看。"),
            refuse_if_removed(self.customer, by),
        )

    def _require_open(self, verb: str) -> Verdict:
        return refuse_if(not self.is_open, self._closed_reason(verb))

    def _closed_reason(self, verb: str) -> str:
        return f"这个客户流失的状态是「{self.get_status_display()}」，不能{verb}。"

    @staticmethod
    def _check_measure(kind: DictionaryEntry | None, text: str, ahead: timedelta) -> Verdict:
        return first_objection(
            refuse_if(not text.strip(), "请填写追加的暂缓措施。"),
            refuse_if(kind is None or kind.category != "暂缓措施", "请选择暂缓措施的类别。"),
            refuse_if(ahead.days < 0, "下次复核日期不能早于今天。"),
            refuse_if(ahead.days > LONGEST_REVIEW_DAYS, f"下次复核日期最晚是 {LONGEST_REVIEW_DAYS} 天后。"),
        )

    def _add_timeline_entry(self, text: str, anchor: str) -> None:
        add_timeline_entry(self.customer, TimelineEntry.Kind.CHURN, text, url=self.get_absolute_url() + anchor)

    def _save(self, *fields: str) -> None:
        self.version += 1
        self.save(update_fields=[*fields, "version"])


class ChurnMeasure(models.Model):
    """One 暂缓措施: measures accumulate and are never edited."""

    case = models.ForeignKey(ChurnCase, models.CASCADE, related_name="measures", verbose_name="客户流失")
    kind = entry_field("暂缓措施", "措施类别")
    text = models.CharField("暂缓措施", max_length=500)
    review_on = models.DateField("下次复核日期")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="填写人")
    at = models.DateTimeField("填写时间", default=timezone.now)

    class Meta:
        verbose_name = "暂缓措施"
        verbose_name_plural = "暂缓措施"
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return self.text
