"""Customers: organisations, never private persons; and who keeps them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.scopes import EDIT, VIEW, ScopedQuerySet, people_in_scope, reaches
from accounts.sharing import Grant
from basedata.models import entry_field, reserve_numbers
from crm.audit.trail import change, record
from crm.verdict import Verdict, first_objection, holds, transition, unless, within

from .. import validators
from ..names import MAX_LENGTH, normalize, pinyin
from .timeline import TimelineEntry, tell

NUMBER_PREFIX = "KH"
STARS = [(score, f"{score} 星") for score in range(1, 6)]


class CustomerQuerySet(ScopedQuerySet):
    view_permission = "customers.view_customer"
    edit_permission = "customers.change_customer"

    def of_people(self, people: frozenset[int]) -> Q:
        return Q(manager__in=people)

    def own(self, user: User) -> Q:
        return Q(manager=user) | Q(created_by=user)

    def current(self) -> CustomerQuerySet:
        """Not deleted: deletion is soft, so that an administrator can restore."""
        return self.filter(deleted_at=None)

    def visible_to(self, user: User) -> CustomerQuerySet:
        return super().visible_to(user).current()

    def editable_by(self, user: User) -> CustomerQuerySet:
        return super().editable_by(user).current()

    def named_like(self, name: str) -> CustomerQuerySet:
        """Customers whose name means the same company."""
        return self.current().filter(name_normalized=normalize(name)).select_related("manager").order_by("pk")

    def incomplete(self) -> CustomerQuerySet:
        """Born of 开发成功 or an import, still lacking what the form requires."""
        missing = Q(region=None) | Q(level=None) | Q(satisfaction=None) | Q(credit=None)
        return self.filter(missing | Q(address="") | Q(phone=""))


class Customer(models.Model):
    class Status(models.TextChoices):
        NORMAL = "normal", "正常"
        LOST = "lost", "流失"

    TONES = {"normal": "green", "lost": "red"}

    number = models.CharField("客户编号", max_length=20, unique=True, editable=False)
    external_number = models.CharField("销售系统客户编号", max_length=30, blank=True)
    name = models.CharField("名称", max_length=100)
    region = entry_field("地区", "地区", null=True)
    industry = entry_field("行业", "行业", null=True, blank=True)
    level = entry_field("客户等级", "客户等级", null=True)
    manager = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="customers", verbose_name="客户经理"
    )
    satisfaction = models.PositiveSmallIntegerField("客户满意度", choices=STARS, null=True)
    credit = models.PositiveSmallIntegerField("客户信用度", choices=STARS, null=True)
    address = models.CharField("地址", max_length=300)
    phone = models.CharField("电话", max_length=50)
    postcode = models.CharField("邮政编码", max_length=10, blank=True, validators=[validators.postcode])
    fax = models.CharField("传真", max_length=50, blank=True)
    website = models.CharField("网址", max_length=50, blank=True, validators=[validators.web_address])
    legal_representative = models.CharField("法定代表人", max_length=50, blank=True)
    bank = models.CharField("开户银行", max_length=200, blank=True)
    bank_account = models.CharField("银行账号", max_length=50, blank=True)
    license_number = models.CharField(
        "统一社会信用代码（营业执照注册号）", max_length=50, blank=True, validators=[validators.license_number]
    )
    registered_capital = models.DecimalField(
        "注册资本", max_digits=14, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    annual_turnover = models.DecimalField(
        "年营业额", max_digits=14, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    local_tax_number = models.CharField("地税登记号", max_length=50, blank=True)
    national_tax_number = models.CharField("国税登记号", max_length=50, blank=True)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="branches", verbose_name="上级单位"
    )
    cooperation_since = models.DateField("建立合作日期", null=True, blank=True)
    status = models.CharField("状态", max_length=10, choices=Status, default=Status.NORMAL, editable=False)
    # Kept by the sync: the Shanghai day of the latest order of PURCHASE_STATUSES.
    last_purchase_on = models.DateField("上次下单", null=True, editable=False)
    won_back_on = models.DateField("上次挽回", null=True, editable=False)
    name_normalized = models.CharField(max_length=MAX_LENGTH, editable=False, db_index=True)
    name_pinyin = models.CharField(max_length=200, editable=False, db_index=True)
    name_initials = models.CharField(max_length=100, editable=False, db_index=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+", verbose_name="创建人"
    )
    created_at = models.DateTimeField("创建时间", default=timezone.now, editable=False)
    deleted_at = models.DateTimeField("删除时间", null=True, editable=False)
    version = models.PositiveIntegerField(default=0, editable=False)

    derived_fields = ("name_normalized", "name_pinyin", "name_initials")
    objects = CustomerQuerySet.as_manager()

    class Meta:
        verbose_name = "客户"
        verbose_name_plural = "客户"
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="customers_newest"),
            models.Index(fields=["manager", "-created_at", "-id"], name="customers_of_manager"),
            # Covers what visible_to() asks, so that PostgreSQL counts and pages a state from the index alone.
            models.Index(
                fields=["status", "-created_at", "-id"],
                include=["manager", "created_by"],
                condition=Q(deleted_at=None),
                name="customers_status_newest",
            ),
            models.Index(
                fields=["last_purchase_on"],
                condition=Q(deleted_at=None, status="normal"),
                name="customers_to_scan",
            ),
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
            ("share_customer", "共享客户（协作人）"),
            ("restore_customer", "恢复已删除的客户"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.name_normalized = normalize(self.name)
        self.name_pinyin, self.name_initials = pinyin(self.name)
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        return reverse("customers:customer_detail", args=[self.pk])

    def clean(self) -> None:
        ancestor, steps = self.parent, 0
        while ancestor is not None and steps < 50:
            if ancestor.pk == self.pk and self.pk is not None:
                raise ValidationError({"parent": "上级单位不能是本单位或它的下属单位，请另选。"})
            ancestor, steps = ancestor.parent, steps + 1

    @property
    def missing_labels(self) -> list[str]:
        """What the form requires and this record lacks, for 资料完整度."""
        return [
            str(self._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
            for name in required_fields()
            if self._is_empty(name)
        ]

    @property
    def completeness(self) -> int:
        """Percent of the descriptive fields that are filled."""
        filled = [name for name in DESCRIPTIVE_FIELDS if not self._is_empty(name)]
        return round(100 * len(filled) / len(DESCRIPTIVE_FIELDS))

    def _is_empty(self, name: str) -> bool:
        """Reads keys only, never a related row."""
        return getattr(self, self._meta.get_field(name).attname) in (None, "")  # type: ignore[union-attr]

    @classmethod
    def create(cls, *, by: User | None, number: str | None = None, **values: Any) -> Customer:
        """A new customer with its number, its first ownership and its audit row. Call in a transaction."""
        customer = cls(number=number or reserve_numbers(NUMBER_PREFIX)[0], created_by=by, **values)
        customer.save()
        Ownership.objects.create(customer=customer, manager=customer.manager)
        record(by, "新建", customer, 客户编号=customer.number, 客户经理=customer.manager)
        tell(customer, TimelineEntry.Kind.CUSTOMER, f"新建客户，客户经理 {customer.manager}")
        return customer

    def can_edit(self, by: User) -> Verdict:
        return first_objection(
            holds(by, "customers.change_customer", "您的角色不能修改客户"),
            within(
                reaches(by, "customers.change_customer", EDIT, self.manager_id),
                f"只有客户经理（{self.manager}）和他的主管可以修改这个客户。",
            ),
            unless(self.deleted_at is not None, "客户已删除，不能修改。"),
        )

    @transition
    def edit(self, *, by: User, **values: Any) -> None:
        self.can_edit(by).enforce()
        change(by, "编辑", self, **values)


def names_hidden_from(user: User, label: str) -> tuple[str, ...]:
    """(label,) unless the person sees every customer: a trail's words name customers, whoever may see them."""
    sees_all = people_in_scope(user, CustomerQuerySet.view_permission, VIEW) is None
    return () if sees_all else (label,)


class Ownership(models.Model):
    """Who was a customer's 客户经理 from when to when."""

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


DESCRIPTIVE_FIELDS = (
    "name", "region", "industry", "level", "satisfaction", "credit", "address", "phone", "postcode", "fax", "website",
    "legal_representative", "bank", "bank_account", "license_number", "registered_capital", "annual_turnover",
)  # fmt: skip
REQUIRED_FIELDS = ("region", "level", "satisfaction", "credit", "address", "phone")
STRICT_FIELDS = ("postcode", "fax", "website", "legal_representative", "bank", "bank_account")


def required_fields() -> tuple[str, ...]:
    """What a customer's form demands; CRM_STRICT_CUSTOMER_FORM adds six fields."""
    return REQUIRED_FIELDS + (STRICT_FIELDS if settings.CRM_STRICT_CUSTOMER_FORM else ())
