"""Customers (organisations, never private persons) and their ownership."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from accounts.contact_details.masking import HasContactDetails, covers_details
from accounts.models import User, notify
from accounts.scopes.grants import Grant
from accounts.scopes.rule import EDIT, scope_includes, supervisors_of
from accounts.sharing.records import SharedRecord
from basedata.models import entry_field, reserve_numbers
from customers import validators
from customers.hooks import BulkChanges, RecordsOfCustomers
from customers.names import MAX_LENGTH, normalize, other_readings, pinyin
from customers.querysets import CustomerQuerySet
from customers.timeline import TimelineEntry, add_timeline_entry
from kit.audit.log import log_event, save_changes
from kit.domain.days import refuse_far_day
from kit.domain.masking import refuse_masked
from kit.domain.modules import lent
from kit.domain.past_dates import refuse_ahead
from kit.domain.shortened_numbers import refuse_shortened
from kit.domain.urls import record_url
from kit.domain.verdict import ALLOWED, Kind, Verdict, first_objection, refuse_if, require_scope
from kit.sql.counts import count_capped
from kit.sql.transactions import in_transaction
from kit.transitions import creation, guard, transition

from .code_field import CodeField
from .fields import COUNTED_NAMES, MASKED_NAMES, REQUIRED_NAMES, STRICT_NAMES
from .locks import lock_current_customers, lock_customer_names, refuse_if_removed, take_removal_locks
from .search_text import SEARCHED_FIELDS, FormerName, write_customer_texts

NUMBER_PREFIX = "KH"
STAR_CHOICES = [(score, f"{score} 星") for score in range(1, 6)]

# Lacking what the field table requires. The condition of an index, so every such query must say it in these words.
INCOMPLETE = Q(region=None) | Q(level=None) | Q(satisfaction=None) | Q(credit=None) | Q(address="") | Q(phone="")


class Customer(HasContactDetails, SharedRecord):
    class Status(models.TextChoices):
        NORMAL = "normal", "正常"
        LOST = "lost", "流失"

    TONES = {"normal": "green", "lost": "red"}

    number = models.CharField("客户编号", max_length=20, unique=True, editable=False)
    external_number = models.CharField("销售系统客户编号", max_length=30, blank=True, validators=[refuse_shortened])
    name = models.CharField("名称", max_length=100, validators=[validators.refuse_line_breaks])
    region = entry_field("地区", "地区", null=True)
    industry = entry_field("行业", "行业", null=True, blank=True)
    level = entry_field("客户等级", "客户等级", null=True)
    manager = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="customers", verbose_name="客户经理"
    )
    satisfaction = models.PositiveSmallIntegerField("客户满意度", choices=STAR_CHOICES, null=True)
    credit = models.PositiveSmallIntegerField("客户信用度", choices=STAR_CHOICES, null=True)
    address = models.CharField("地址", max_length=300)
    phone = models.CharField("电话", max_length=50, validators=[refuse_masked, refuse_shortened])
    postcode = models.CharField("邮政编码", max_length=10, blank=True, validators=[validators.postcode])
    fax = models.CharField("传真", max_length=50, blank=True, validators=[refuse_shortened])
    website = models.CharField("网址", max_length=50, blank=True, validators=[validators.web_address])
    legal_representative = models.CharField("法定代表人", max_length=50, blank=True)
    bank = models.CharField("开户银行", max_length=200, blank=True)
    bank_account = models.CharField("银行账号", max_length=50, blank=True, validators=[refuse_masked, refuse_shortened])
    license_number = CodeField(
        "统一社会信用代码（营业执照注册号）",
        max_length=50,
        blank=True,
        db_index=True,
        validators=[validators.license_number],
    )
    registered_capital = models.DecimalField(
        "注册资本", max_digits=14, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    annual_turnover = models.DecimalField(
        "年营业额", max_digits=14, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    local_tax_number = CodeField("地税登记号", max_length=50, blank=True, validators=[refuse_shortened])
    national_tax_number = CodeField("国税登记号", max_length=50, blank=True, validators=[refuse_shortened])
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="branches", verbose_name="上级单位"
    )
    cooperation_since = models.DateField(
        "建立合作日期", null=True, blank=True, validators=[refuse_far_day, refuse_ahead]
    )
    status = models.CharField("状态", max_length=10, choices=Status, default=Status.NORMAL, editable=False)
    # Written by the sync: the Shanghai day of the latest order of PURCHASE_STATUSES.
    last_purchase_on = models.DateField("上次下单", null=True, editable=False)
    won_back_on = models.DateField("上次挽回", null=True, editable=False)
    name_normalized = models.CharField(max_length=MAX_LENGTH, editable=False, db_index=True)
    name_pinyin = models.CharField(max_length=200, editable=False, db_index=True)
    name_initials = models.CharField(max_length=100, editable=False, db_index=True)
    name_readings = models.TextField(null=True, editable=False)  # None: no other reading
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+", verbose_name="创建人"
    )
    created_at = models.DateTimeField("创建时间", default=timezone.now, editable=False)
    deleted_at = models.DateTimeField("删除时间", null=True, editable=False)
    # A merged customer is soft-deleted; its numbers and URL lead to the customer it became part of.
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, editable=False, related_name="merged", verbose_name="已并入"
    )
    # An unfinished import: its customers are soft-deleted until it is complete.
    arrival = models.ForeignKey(
        "customers.Arrival", models.PROTECT, null=True, editable=False, db_index=False, related_name="rows"
    )
    version = models.PositiveIntegerField(default=0, editable=False)

    locks_before_records = True  # see kit.transitions
    share_permission, while_shareable = "customers.share_customer", refuse_if_removed
    detail_fields = MASKED_NAMES
    incomplete = INCOMPLETE
    derived_fields = ("name_normalized", "name_pinyin", "name_initials", "name_readings")
    text_indexed = ("name", "number", "name_normalized")
    number_indexed, plain_indexed = ("phone",), ("name_readings",)
    objects = CustomerQuerySet.as_manager()

    class Meta:
        verbose_name = "客户"
        verbose_name_plural = "客户"
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="customers_newest"),
            models.Index(fields=["arrival"], condition=Q(arrival__isnull=False), name="customers_arriving"),
            models.Index(
                fields=["manager", "-created_at", "-id"],
                include=["status"],
                condition=Q(deleted_at=None),
                name="customers_of_manager",
            ),
            # Covers the columns of visible_to(), so that PostgreSQL counts and pages a status by index-only scans.
            models.Index(
                fields=["status", "-created_at", "-id"],
                include=["manager"],
                condition=Q(deleted_at=None),
                name="customers_status_newest",
            ),
            # In the order of the keys, as the rollup of revenue is: PostgreSQL merges both without reading the table.
            models.Index(fields=["id"], include=["manager"], condition=Q(deleted_at=None), name="customers_owner_now"),
            models.Index(
                fields=["last_purchase_on"], condition=Q(deleted_at=None, status="normal"), name="customers_to_scan"
            ),
            # The view 资料待补 is counted on every list: few rows of many, if any.
            models.Index(fields=["manager"], condition=INCOMPLETE & Q(deleted_at=None), name="customers_incomplete"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["external_number"],
                condition=~Q(external_number=""),
                name="customers_external_number",
                violation_error_message="已有客户使用这个销售系统客户编号。",
            ),
            models.CheckConstraint(
                condition=Q(satisfaction=None) | Q(satisfaction__range=(1, 5)), name="customers_satisfaction_1_5"
            ),
            models.CheckConstraint(condition=Q(credit=None) | Q(credit__range=(1, 5)), name="customers_credit_1_5"),
            models.CheckConstraint(condition=Q(status__in=("normal", "lost")), name="customers_status_known"),
        ]
        permissions = [
            ("export_customer", "导出客户"),
            ("import_customer", "导入客户"),
            ("transfer_customer", "移交客户"),
            ("merge_customer", "合并重复的客户"),
            ("reclassify_customer", "批量修改客户（地区、行业、等级）"),
            ("share_customer", "共享客户（协作人）"),
            ("restore_customer", "恢复已删除的客户"),
            ("see_contact_details", "查看完整的电话、邮箱和银行账号（编辑范围内）"),
            ("open_contact_details", "逐条显示编辑范围外的联系方式（记入审计）"),
            ("handle_personal_data", "处理联系人的个人信息（导出、抹去）"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.derive_names()
        written = kwargs.get("update_fields")
        with transaction.atomic(savepoint=False):
            super().save(*args, **kwargs)
            if written is None or SEARCHED_FIELDS.intersection(written):
                write_customer_texts([self.merged_into_id or self.pk])

    def derive_names(self) -> None:
        """Fill the fields derived from the name. save() calls it; bulk inserts must."""
        self.name_normalized = normalize(self.name)
        self.name_pinyin, self.name_initials = pinyin(self.name)
        self.name_readings = other_readings(self.name) or None

    def get_absolute_url(self) -> str:
        return record_url("customers:customer_detail", self.pk)

    def clean(self) -> None:
        ancestor, steps = self.parent, 0
        while ancestor is not None and steps < 50:
            if ancestor.pk == self.pk and self.pk is not None:
                raise ValidationError({"parent": "上级单位不能是本单位或它的下属单位，请另选。"})
            ancestor, steps = ancestor.parent, steps + 1

    def get_detail_url(self, name: str) -> str:
        return reverse("customers:customer_show", args=[self.pk, name])

    def shows_details_to(self, by: User) -> bool:
        return covers_details(by, "customers.change_customer", self.manager_id) or self.shared_for_editing(by)

    @property
    def keeper_id(self) -> int:
        return self.manager_id

    @property
    def missing_labels(self) -> list[str]:
        """Labels of the fields that the form requires and this record lacks, for 资料完整度."""
        return [
            str(self._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
            for name in required_fields()
            if self._is_empty(name)
        ]

    @property
    def completeness(self) -> int:
        """Percent of the counted fields that are filled."""
        filled_names = [name for name in COUNTED_NAMES if not self._is_empty(name)]
        return round(100 * len(filled_names) / len(COUNTED_NAMES))

    def _is_empty(self, name: str) -> bool:
        """Compare the stored key or value only, never a related row."""
        return getattr(self, self._meta.get_field(name).attname) in (None, "")  # type: ignore[union-attr]

    @creation("customers.add_customer", "新建")
    @classmethod
    def create(cls, *, by: User | None, **values: Any) -> Customer:
        """Create a customer; see add() for the values."""
        return cls.add(by=by, **values)

    @classmethod
    @in_transaction
    def add(cls, *, by: User | None, number: str | None = None, reason: str = "", **values: Any) -> Customer:
        """Create a customer with its number, first ownership and audit row.

        Asks no permission: for callers that asked for another, such as 开发成功 of an opportunity.
        reason: why it is none of the similar customers; the supervisors are notified of it.
        """
        values["manager"].ensure_active()
        lock_current_customers(values.get("parent"), by=by)
        lock_customer_names()
        customer = cls(number=number or reserve_numbers(NUMBER_PREFIX)[0], created_by=by, **values)
        customer.save()
        Ownership.objects.create(customer=customer, manager=customer.manager)
        extra_facts = {"仍要新建的理由": reason} if reason else {}
        log_event(by, "新建", customer, 客户编号=customer.number, 客户经理=customer.manager, **extra_facts)
        add_timeline_entry(customer, TimelineEntry.Kind.CUSTOMER, f"新建客户，客户经理 {customer.manager}")
        for supervisor in supervisors_of(by) if by is not None and reason else ():
            notify(supervisor, f"{by} 新建了同名或相近的客户「{customer}」：{reason}", customer)
        return customer

    @transition("customers.change_customer", "编辑", refusal="您的角色不能修改客户")
    def edit(self, *, by: User, **values: Any) -> None:
        lock_current_customers(values.get("parent"), by=by, kept=self.parent)
        if values.get("name", self.name) != self.name:
            FormerName.objects.get_or_create(customer=self, name=self.name)
        save_changes(by, "编辑", self, **values)

    @edit.guard
    def can_edit(self, by: User) -> Verdict:
        return first_objection(
            require_scope(
                scope_includes(by, "customers.change_customer", EDIT, self.manager_id),
                f"只有客户经理（{self.manager}）和他的主管可以修改这个客户。",
            ),
            refuse_if_removed(self, by),
        )

    @guard("customers.change_customer", "修改")
    def can_contribute(self, by: User) -> Verdict:
        """Check adding and editing of contacts and interactions: for editors, and colleagues it is shared with."""
        verdict = self.can_edit(by)
        return ALLOWED if verdict.kind is Kind.NOT_YOURS and self.shared_for_editing(by) else verdict

    @transition("customers.delete_customer", "删除", before=take_removal_locks)
    def remove(self, *, by: User) -> None:
        """Soft-delete the row, so that an administrator can restore it."""
        self.deleted_at = timezone.now()
        self.save(update_fields=["deleted_at"])
        log_event(by, "删除", self, 客户编号=self.number)

    @remove.guard
    def can_remove(self, by: User) -> Verdict:
        return self.removable_by(by) and self._unless_in_use(by)

    @guard("customers.delete_customer", "删除")
    def removable_by(self, by: User) -> Verdict:
        """Like can_remove(), without counting related rows: for the rows of a list, it makes no query."""
        return first_objection(
            require_scope(
                scope_includes(by, "customers.delete_customer", EDIT, self.manager_id),
                f"只有客户经理（{self.manager}）和他的主管可以删除这个客户。",
            ),
            refuse_if_removed(self, by),
        )

    def _unless_in_use(self, by: User) -> Verdict:
        rows: dict[str, models.QuerySet[Any]] = {"订单": self.orders.all(), "流失记录": self.churn_cases.all()}  # type: ignore[attr-defined]
        rows |= {records.label: records.rows(self) for records in lent(RecordsOfCustomers)}
        counts = count_capped((queryset, 100) for queryset in rows.values())
        blockers = [
            f"{count}{'+' if count > 99 else ''} 条{label}" for count, label in zip(counts, rows, strict=True) if count
        ]
        advice = "重复的客户请在列表里勾选后合并" if self.can_merge(by) else "重复的客户请主管合并"
        return refuse_if(bool(blockers), f"还有 {'、'.join(blockers)}，不能删除。{advice}。")

    @transition("customers.restore_customer", "恢复", refusal="只有系统管理员可以恢复已删除的客户")
    def restore(self, *, by: User) -> None:
        self.deleted_at = None
        self.save(update_fields=["deleted_at"])
        log_event(by, "恢复", self, 客户编号=self.number)

    @restore.guard
    def can_restore(self, by: User) -> Verdict:
        return first_objection(
            refuse_if(self.deleted_at is None, "客户没有被删除。"),
            refuse_if(self.arrival_id is not None, "客户正由一次导入写入，不能恢复。"),
            refuse_if(self.merged_into_id is not None, "客户已并入另一个客户，不能恢复。"),
        )

    @transition("customers.transfer_customer", "移交")
    def transfer(self, to: User, *, by: User, reason: str) -> None:
        """移交 with follow-ups and open cases; the new and the former 客户经理 are notified."""
        (bulk_changes,) = lent(BulkChanges)
        bulk_changes.transfer([self], to, by=by, reason=reason)

    @transfer.guard
    def can_transfer(self, by: User) -> Verdict:
        return self._while_supervised(by, "customers.transfer_customer", "移交")

    @transition("customers.reclassify_customer", "批量修改")
    def reclassify(self, *, by: User, reason: str = "", **values: Any) -> None:
        """Set 地区, 行业 or 客户等级, as for many customers at once; another level needs a reason."""
        (bulk_changes,) = lent(BulkChanges)
        bulk_changes.reclassify([self], by=by, reason=reason, **values)

    @reclassify.guard
    def can_reclassify(self, by: User) -> Verdict:
        return self._while_supervised(by, "customers.reclassify_customer", "批量修改")

    @transition("customers.merge_customer", "合并")
    def merge(self, other: Customer, *, by: User, reason: str, settled: Collection[str] = ()) -> None:
        """Take over everything of the other customer and delete it; see merge_undoably() for the locks.

        settled: fields whose value was chosen by hand before.
        """
        (bulk_changes,) = lent(BulkChanges)
        bulk_changes.merge(self, other, by=by, reason=reason, settled=settled)

    @merge.guard
    def can_merge(self, by: User) -> Verdict:
        return self._while_supervised(by, "customers.merge_customer", "合并")

    def _while_supervised(self, by: User, permission: str, verb: str) -> Verdict:
        """Check that the permission covers the customer's 客户经理."""
        return first_objection(
            require_scope(
                scope_includes(by, permission, EDIT, self.manager_id),
                f"只有客户经理（{self.manager}）的主管可以{verb}这个客户。",
            ),
            refuse_if_removed(self, by),
        )


class Ownership(models.Model):
    """A period in which a user was a customer's 客户经理."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="ownerships", verbose_name="客户")
    manager = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="ownerships", verbose_name="客户经理"
    )
    since = models.DateTimeField("自", default=timezone.now)
    until = models.DateTimeField("至", null=True)
    reason = models.CharField("原因", max_length=200, blank=True)

    class Meta:
        verbose_name = "客户归属"
        verbose_name_plural = "客户归属"
        ordering = ["-since", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["customer"], condition=Q(until=None), name="customers_one_owner")
        ]

    def __str__(self) -> str:
        return f"{self.customer} {self.manager}"


class CustomerGrant(Grant):
    """A customer shared with a colleague."""

    content_object = models.ForeignKey(Customer, models.CASCADE, related_name="grants")

    class Meta(Grant.Meta):
        verbose_name = "客户协作人"
        verbose_name_plural = "客户协作人"


def required_fields() -> tuple[str, ...]:
    """Return the required fields of the form; CRM_STRICT_CUSTOMER_FORM adds six."""
    return REQUIRED_NAMES + (STRICT_NAMES if settings.CRM_STRICT_CUSTOMER_FORM else ())
