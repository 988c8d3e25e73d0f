"""Sales opportunities: fields, guards and transitions, up to 开发成功 or 开发失败."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from accounts.contact_details.masking import HasContactDetails, covers_details
from accounts.models import Notification, User, notify
from accounts.scopes.rule import EDIT, scope_includes, supervisors_of, user_ids_in_scope
from accounts.sharing.records import SharedRecord
from basedata.models import DictionaryEntry, entry_field
from customers.models import Customer, TimelineEntry, add_timeline_entry, lock_current_customers, lock_customer_names
from customers.names import MAX_LENGTH, normalize, pinyin
from customers.records.duplicates import SearchTerms
from kit.audit.log import log_event, save_changes
from kit.domain.masking import refuse_masked
from kit.domain.shortened_numbers import refuse_shortened
from kit.domain.urls import record_url
from kit.domain.verdict import ALLOWED, Verdict, first_objection, refuse_if, require_scope
from kit.transitions import creation, guard, transition

from .contact_copy import copy_contact, find_contact
from .forecast_changes import FORECAST_FIELDS, ForecastChange
from .namesakes import lock_namesakes
from .outcome import notify_creator
from .querysets import CLOSED, DETAILS_PERMISSION, OPEN, OpportunityQuerySet, OpportunityStatus


class Opportunity(HasContactDetails, SharedRecord):
    Status = OpportunityStatus
    TONES = {"unassigned": "hollow", "assigned": "blue", "won": "green sq", "lost": "sq"}
    OPEN, CLOSED = OPEN, CLOSED

    source = models.CharField("机会来源", max_length=50, blank=True)
    customer_name = models.CharField("客户名称", max_length=100)
    success_rate = models.PositiveSmallIntegerField(
        "成功机率", validators=[MinValueValidator(0), MaxValueValidator(100)], help_text="0–100 的整数"
    )
    summary = models.CharField("概要", max_length=200)
    contact_name = models.CharField("联系人", max_length=50, blank=True)
    contact_phone = models.CharField(
        "联系人电话", max_length=50, blank=True, validators=[refuse_masked, refuse_shortened]
    )
    description = models.TextField("机会描述", max_length=2000)
    region = entry_field("地区", "地区", null=True, blank=True)
    industry = entry_field("行业", "行业", null=True, blank=True)
    introduced_by = models.ForeignKey(
        Customer, models.PROTECT, null=True, blank=True, related_name="introductions", verbose_name="老客户介绍"
    )
    expected_amount = models.DecimalField(
        "预计金额", max_digits=14, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    expected_on = models.DateField("预计成交日期", null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, editable=False, related_name="+", verbose_name="创建人"
    )
    created_at = models.DateTimeField("创建时间", default=timezone.now, editable=False)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        editable=False,
        related_name="opportunities",
        verbose_name="指派给",
    )
    assigned_at = models.DateTimeField("指派时间", null=True, editable=False)
    assigned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+", verbose_name="指派人"
    )
    status = models.CharField("状态", max_length=10, choices=Status, default=Status.UNASSIGNED, editable=False)
    closed_at = models.DateTimeField("结束时间", null=True, editable=False)
    customer = models.ForeignKey(
        Customer, models.PROTECT, null=True, editable=False, related_name="opportunities", verbose_name="客户"
    )
    win_reason = models.CharField("成功说明", max_length=500, blank=True, editable=False)
    lost_reason = models.CharField("失败原因", max_length=500, blank=True, editable=False)
    competitor = entry_field("竞争对手", "竞争对手", null=True, blank=True, editable=False)
    # For the duplicate check among open ones; NULL in rows closed before the check existed.
    name_normalized = models.CharField(max_length=MAX_LENGTH, null=True, editable=False)
    name_pinyin = models.CharField(max_length=200, null=True, editable=False)
    version = models.PositiveIntegerField(default=0, editable=False)

    share_permission = "marketing.share_opportunity"
    detail_fields = ("contact_phone",)
    derived_fields = ("name_normalized", "name_pinyin")
    text_indexed = ("customer_name", "summary", "contact_name", "name_normalized")
    number_indexed = ("contact_phone",)
    objects = OpportunityQuerySet.as_manager()

    class Meta:
        verbose_name = "销售机会"
        verbose_name_plural = "销售机会"
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="marketing_newest"),
            # Covers the conditions of visible_to(), so that PostgreSQL counts and pages a state from the index alone.
            models.Index(
                fields=["status", "-created_at", "-id"],
                include=["assignee", "created_by"],
                name="marketing_status_newest",
            ),
            models.Index(fields=["status", "-assigned_at"], name="marketing_status_assigned"),
            models.Index(fields=["status", "closed_at"], name="marketing_status_closed"),
            models.Index(fields=["assignee", "status", "-created_at"], name="marketing_of_assignee"),
            models.Index(fields=["created_by", "-created_at"], condition=Q(assignee=None), name="marketing_of_creator"),
            models.Index(fields=["name_normalized"], condition=Q(status__in=OPEN), name="marketing_open_name"),
            models.Index(fields=["name_pinyin"], condition=Q(status__in=OPEN), name="marketing_open_pinyin"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(success_rate__range=(0, 100)),
                name="marketing_success_rate",
                violation_error_message="成功机率应为 0–100 的整数。",
            ),
            models.CheckConstraint(
                condition=Q(status="unassigned", assignee=None, assigned_at=None)
                | Q(status__in=("assigned", "won", "lost"), assignee__isnull=False, assigned_at__isnull=False),
                name="marketing_assigned_to_someone",
            ),
            models.CheckConstraint(
                condition=Q(status__in=("unassigned", "assigned"), closed_at=None, customer=None)
                | Q(status="won", closed_at__isnull=False, customer__isnull=False)
                | (Q(status="lost", closed_at__isnull=False, customer=None) & ~Q(lost_reason="")),
                name="marketing_closed_with_result",
            ),
        ]
        permissions = [
            ("assign_opportunity", "指派、改派销售机会"),
            ("plan_opportunity", "制定开发计划"),
            ("develop_opportunity", "执行计划、开发成功、终止开发"),
            ("export_opportunity", "导出销售机会"),
            ("share_opportunity", "共享销售机会（协作人）"),
        ]

    def __str__(self) -> str:
        return self.summary

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.name_normalized, self.name_pinyin = normalize(self.customer_name), pinyin(self.customer_name)[0]
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        return record_url("marketing:opportunity_detail", self.pk)

    def get_detail_url(self, name: str) -> str:
        return reverse("marketing:opportunity_show", args=[self.pk, name])

    def shows_details_to(self, by: User) -> bool:
        """Whether the user owns it, may edit it or plan with the owner, or has the permission over the owner."""
        is_own = by.pk == self.keeper_id or self.shared_for_editing(by)
        return is_own or bool(self.can_edit(by)) or covers_details(by, DETAILS_PERMISSION, self.keeper_id)

    @property
    def may_be_contacted(self) -> bool:
        return not getattr(self, "refuses_contact", False)  # annotated where the mark 请勿联系 is shown

    @property
    def keeper_id(self) -> int:
        """The owner: the assignee, before 指派 the creator."""
        return self.assignee_id or self.created_by_id

    @property
    def is_closed(self) -> bool:
        return self.status in self.CLOSED

    def while_shareable(self, by: User) -> Verdict:
        return self._unless_closed("共享")

    # Create, edit, delete: while unassigned

    @creation("marketing.add_opportunity", "新建")
    @classmethod
    def create(cls, *, by: User, **values: Any) -> Opportunity:
        """Create an unassigned opportunity."""
        lock_current_customers(values.get("introduced_by"), by=by)
        lock_customer_names()
        opportunity = cls(created_by=by, **values)
        opportunity.save()
        log_event(by, "新建", opportunity, 客户名称=opportunity.customer_name, 成功机率=f"{opportunity.success_rate}%")
        return opportunity

    @transition("marketing.change_opportunity", "编辑", refusal="您的角色不能修改销售机会")
    def edit(self, *, by: User, **values: Any) -> None:
        lock_current_customers(values.get("introduced_by"), by=by, kept=self.introduced_by)
        save_changes(by, "编辑", self, **values)

    @edit.guard
    def can_edit(self, by: User) -> Verdict:
        return self._while_unassigned("编辑")

    @transition("marketing.delete_opportunity", "删除")
    def remove(self, *, by: User) -> None:
        log_event(by, "删除", self, 客户名称=self.customer_name, 概要=self.summary)
        self.delete()

    @remove.guard
    def can_remove(self, by: User) -> Verdict:
        return first_objection(
            require_scope(self.created_by_id == by.pk, f"只有创建人（{self.created_by}）可以删除。"),
            self._while_unassigned("删除"),
        )

    # Assign, reassign: by a supervisor

    @transition("marketing.assign_opportunity", "指派", refusal="只有销售主管可以指派销售机会")
    def assign(self, to: User, *, by: User) -> None:
        self.check_candidate(to, by=by).enforce()
        self.assignee, self.assigned_at, self.assigned_by = to, timezone.now(), by
        self.status = self.Status.ASSIGNED
        self._save("assignee", "assigned_at", "assigned_by", "status")
        log_event(by, "指派", self, 指派给=to)
        if to.pk != by.pk:
            notify(to, f"{by} 将机会「{self.summary}」指派给您", self, kind=Notification.Kind.OPPORTUNITY)

    @assign.guard
    def can_assign(self, by: User) -> Verdict:
        return first_objection(
            self._in_assigning_scope(by, "指派"),
            self._unless_assigned(),
            self._unless_closed("指派"),
        )

    @transition("marketing.assign_opportunity", "改派", refusal="只有销售主管可以改派销售机会")
    def reassign(self, to: User, *, by: User, reason: str) -> None:
        refuse_if(not reason.strip(), "请填写改派原因。").enforce()
        refuse_if(to.pk == self.assignee_id, f"机会现在就由{to}负责，请另选一位客户经理。").enforce()
        self.check_candidate(to, by=by).enforce()
        former = self.assignee
        self.assignee, self.assigned_at, self.assigned_by = to, timezone.now(), by
        self._save("assignee", "assigned_at", "assigned_by")
        log_event(by, "改派", self, 指派给=(former, to), 原因=reason)
        # By its number and without a link: it may have left the former assignee's view.
        text = f"{by} 已把您负责的机会（编号 {self.pk}）改派给 {to}：{reason}"
        notify(former, text, kind=Notification.Kind.OPPORTUNITY)
        notify(to, f"{by} 将机会「{self.summary}」改派给您：{reason}", self, kind=Notification.Kind.OPPORTUNITY)

    @reassign.guard
    def can_reassign(self, by: User) -> Verdict:
        return first_objection(
            self._in_assigning_scope(by, "改派"),
            refuse_if(self.status == self.Status.UNASSIGNED, "机会还没有指派，请先指派。"),
            self._unless_closed("改派"),
        )

    @staticmethod
    def candidates(by: User) -> models.QuerySet[User]:
        """Return active account managers (客户经理) within the supervisor's scope."""
        people = user_ids_in_scope(by, "marketing.assign_opportunity", EDIT)
        managers = User.objects.account_managers()
        return managers if people is None else managers.filter(pk__in=people)

    @classmethod
    def check_candidate(cls, to: User, *, by: User) -> Verdict:
        is_candidate = cls.candidates(by).filter(pk=to.pk).exists()
        return refuse_if(not is_candidate, f"{to} 不是您范围内在职的客户经理，请另选一位。")

    # Develop, close: by the assignee

    @guard("marketing.plan_opportunity", "制定计划", refusal="您的角色不能制定开发计划")
    def can_plan(self, by: User) -> Verdict:
        return first_objection(
            refuse_if(self.status == self.Status.UNASSIGNED, "机会还没有指派，指派后才能制定计划。"),
            self._unless_closed("制定计划"),
            require_scope(
                scope_includes(by, "marketing.plan_opportunity", EDIT, self.keeper_id) or self.shared_for_editing(by),
                f"只有被指派的客户经理（{self.assignee}）和他的主管可以制定计划。",
            ),
        )

    @guard("marketing.develop_opportunity", "执行计划", refusal="您的角色不能执行开发计划")
    def can_develop(self, by: User) -> Verdict:
        """Guard 执行计划, 更新预测, 更正联系方式, 开发成功 and 终止开发: for the assignee only."""
        return first_objection(
            refuse_if(self.status == self.Status.UNASSIGNED, "机会还没有指派，指派后才能执行。"),
            self._unless_closed("更改"),
            require_scope(self.assignee_id == by.pk, f"只有被指派的客户经理（{self.assignee}）可以执行，您可以查看。"),
        )

    @transition("marketing.develop_opportunity", "更新预测", refusal="您的角色不能执行开发计划")
    def update_forecast(
        self, *, by: User, success_rate: int, expected_amount: Decimal | None, expected_on: date | None, reason: str
    ) -> None:
        refuse_if(not reason.strip(), "请填写更新原因。").enforce()
        before = {name: getattr(self, name) for name in FORECAST_FIELDS}
        after = dict(zip(FORECAST_FIELDS, (success_rate, expected_amount, expected_on), strict=True))
        if not save_changes(by, "更新预测", self, reason=reason, **after):
            return
        former = {f"former_{name}": value for name, value in before.items()}
        ForecastChange.objects.create(opportunity=self, by=by, reason=reason, **former, **after)

    @update_forecast.guard
    def can_update_forecast(self, by: User) -> Verdict:
        return self.can_develop(by)

    @transition("marketing.develop_opportunity", "更正联系方式", refusal="您的角色不能执行开发计划")
    def correct_contact(self, *, by: User, contact_name: str, contact_phone: str) -> None:
        save_changes(by, "更正联系方式", self, contact_name=contact_name, contact_phone=contact_phone)

    @correct_contact.guard
    def can_correct_contact(self, by: User) -> Verdict:
        return self.can_develop(by)

    @transition("marketing.develop_opportunity", "开发成功", refusal="您的角色不能执行开发计划")
    def win(self, *, by: User, reason: str = "", link_to: Customer | None = None, create_anyway: str = "") -> Customer:
        """Close as 开发成功 and return the customer, new or linked.

        reason: required when the plan has no item. create_anyway: a reason, sent to the supervisors. Raises
        SameNameExists when customers of the same name exist and neither link_to nor create_anyway is given.
        """
        refuse_if(not reason.strip() and not self.items.exists(), "没有任何计划项，请说明开发成功的原因。").enforce()
        similarity = lock_namesakes(self.sought, by, link_to=link_to, create_anyway=create_anyway.strip())
        customer = link_to or self._new_customer(by)
        copy_contact(customer, self.contact_name.strip(), self.contact_phone.strip(), by=by)
        self.status, self.closed_at, self.customer, self.win_reason = self.Status.WON, timezone.now(), customer, reason
        self._save("status", "closed_at", "customer", "win_reason")
        facts = {"客户": customer, "成功说明": reason}
        if similarity:
            facts[f"{similarity}客户仍新建"] = create_anyway
            for supervisor in supervisors_of(by):
                notify(supervisor, f"{by} 新建了{similarity}客户「{customer}」：{create_anyway}", customer)
        text, url = f"销售机会（编号 {self.pk}）开发成功", self.get_absolute_url()
        add_timeline_entry(customer, TimelineEntry.Kind.OPPORTUNITY, text, url=url)
        log_event(by, "开发成功", self, changes={label: fact for label, fact in facts.items() if fact})
        notify_creator(self, by=by)
        return customer

    @win.guard
    def can_win(self, by: User) -> Verdict:
        return self.can_develop(by)

    @property
    def sought(self) -> SearchTerms:
        """Name and phone for the duplicate check."""
        return SearchTerms(self.customer_name, tuple(filter(None, [self.contact_phone.strip()])))

    def _new_customer(self, by: User) -> Customer:
        return Customer.add(
            by=by,
            name=self.customer_name,
            region=self.region,
            industry=self.industry,
            manager=self.assignee,
        )

    def contact_phone_differs(self, customer: Customer) -> bool:
        """Whether the customer has no contact with the opportunity's contact name and phone, both given."""
        name, phone = self.contact_name.strip(), self.contact_phone.strip()
        return bool(name and phone) and find_contact(customer, name, phone) is None

    @transition("marketing.develop_opportunity", "终止开发", refusal="您的角色不能执行开发计划")
    def lose(self, *, by: User, reason: str, competitor: DictionaryEntry | None = None) -> None:
        refuse_if(not reason.strip(), "请填写失败原因。").enforce()
        self.status, self.closed_at = self.Status.LOST, timezone.now()
        self.lost_reason, self.competitor = reason, competitor
        self._save("status", "closed_at", "lost_reason", "competitor")
        log_event(
            by, "终止开发", self, changes={"失败原因": reason, **({"竞争对手": competitor} if competitor else {})}
        )
        notify_creator(self, by=by)

    @lose.guard
    def can_lose(self, by: User) -> Verdict:
        return self.can_develop(by)

    # Guards shared by several transitions

    def _while_unassigned(self, verb: str) -> Verdict:
        if self.status == self.Status.ASSIGNED:
            return refuse_if(True, f"{self._assigned_text()}，只有「未分配」的机会可以{verb}。")
        return self._unless_closed(verb)

    def _unless_closed(self, verb: str) -> Verdict:
        if not self.is_closed:
            return ALLOWED
        return refuse_if(True, f"机会已{self.get_status_display()}，只能查看，不能{verb}。")

    def _in_assigning_scope(self, by: User, verb: str) -> Verdict:
        is_in_scope = scope_includes(by, "marketing.assign_opportunity", EDIT, self.keeper_id)
        return require_scope(is_in_scope, f"这个机会不在您的{verb}范围内。")

    def _unless_assigned(self) -> Verdict:
        if self.status != self.Status.ASSIGNED:
            return ALLOWED
        return refuse_if(True, f"{self._assigned_text()}，不能再次指派；需要换人时请改派。")

    def _assigned_text(self) -> str:
        assigner = f"由 {self.assigned_by} " if self.assigned_by else ""
        return f"机会已{assigner}指派给 {self.assignee}"

    def _save(self, *fields: str) -> None:
        self.version += 1
        self.save(update_fields=[*fields, "version"])
