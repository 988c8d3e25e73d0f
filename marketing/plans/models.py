"""The development plan: dated items and their results."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.models import User
from kit.audit.log import log_event
from kit.domain.verdict import Verdict, first_objection, refuse_if
from kit.sql.row_locks import lock_row
from kit.transitions import creation, transition
from kit.undo.journal import Journal
from kit.undo.models import UndoEntry
from marketing.opportunities.models import Opportunity

ITEM_REMOVED = "marketing.item_removed"  # stands in the journal


class PlanItemQuerySet(models.QuerySet["PlanItem"]):
    def visible_to(self, user: User) -> PlanItemQuerySet:
        """Return the items of the opportunities visible to the user."""
        return self.filter(opportunity__in=Opportunity.objects.visible_to(user))

    def pending(self) -> PlanItemQuerySet:
        return self.filter(result="")

    def due(self, until: date) -> PlanItemQuerySet:
        """Return pending items of assigned opportunities, planned for this day or earlier."""
        return self.pending().filter(on__lte=until, opportunity__status=Opportunity.Status.ASSIGNED)


class PlanItem(models.Model):
    opportunity = models.ForeignKey(Opportunity, models.CASCADE, related_name="items", verbose_name="销售机会")
    on = models.DateField("日期")
    text = models.TextField("计划项", max_length=500)
    result = models.TextField("执行效果", max_length=500, blank=True)
    executed_at = models.DateTimeField("执行时间", null=True, editable=False)
    executed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+", verbose_name="执行人"
    )
    version = models.PositiveIntegerField(default=0, editable=False)

    objects = PlanItemQuerySet.as_manager()

    class Meta:
        verbose_name = "计划项"
        verbose_name_plural = "计划项"
        ordering = ["on", "pk"]
        indexes = [
            models.Index(fields=["on"], condition=models.Q(result=""), name="marketing_item_pending"),
            models.Index(fields=["opportunity", "on"], condition=models.Q(result=""), name="marketing_item_due"),
        ]

    def __str__(self) -> str:
        return self.text

    def get_absolute_url(self) -> str:
        return self.opportunity.get_absolute_url()

    def locked_parent(self) -> Opportunity:
        return self.opportunity

    def dated_text(self) -> str:
        return f"{self.on:%Y-%m-%d} {self.text}"

    @property
    def is_done(self) -> bool:
        return bool(self.result)

    @property
    def days_late(self) -> int:
        """Return the days past the planned date; 0 when done or not yet due."""
        return 0 if self.is_done else max((timezone.localdate() - self.on).days, 0)

    @creation("marketing.plan_opportunity", "新建", refusal="您的角色不能制定开发计划")
    @classmethod
    def create(cls, *, by: User, opportunity: Opportunity, **values: Any) -> PlanItem:
        """Add an item to the plan."""
        lock_row(opportunity)
        opportunity.can_plan(by).enforce()
        item = cls.objects.create(opportunity=opportunity, **values)
        log_event(by, "制定计划", opportunity, 计划项=item.dated_text())
        return item

    @transition("marketing.plan_opportunity", "修改", refusal="您的角色不能制定开发计划")
    def edit(self, *, by: User, on: date, text: str) -> None:
        before, self.on, self.text = self.dated_text(), on, text
        if before == self.dated_text():
            return
        self.version += 1
        self.save(update_fields=["on", "text", "version"])
        log_event(by, "修改计划", self.opportunity, 计划项=(before, self.dated_text()))

    @edit.guard
    def can_edit(self, by: User) -> Verdict:
        return first_objection(
            self.opportunity.can_plan(by),
            refuse_if(self.is_done, "已填写执行效果的计划项不能再修改。"),
        )

    @transition("marketing.plan_opportunity", "删除", refusal="您的角色不能制定开发计划")
    def remove(self, *, by: User) -> UndoEntry | None:
        """Delete the item; return what takes it back."""
        log_event(by, "删除计划", self.opportunity, 计划项=(self.dated_text(), None))
        journal, text = Journal(), f"计划项 {self.dated_text()}"
        journal.watch_deletion(self)
        self.delete()
        return journal.keep(ITEM_REMOVED, "删除", text, by=by, about=self.opportunity)

    @remove.guard
    def can_remove(self, by: User) -> Verdict:
        return first_objection(
            self.opportunity.can_plan(by),
            refuse_if(self.is_done, "已填写执行效果的计划项不能删除。"),
        )

    @transition("marketing.develop_opportunity", "填写效果", refusal="您的角色不能执行开发计划")
    def record_result(self, *, by: User, result: str) -> None:
        """Save the item's result, or correct it until the opportunity closes."""
        refuse_if(not result.strip(), "请填写执行效果。").enforce()
        before, self.result = self.result, result
        if before == result:
            return
        self.executed_at, self.executed_by = timezone.now(), by
        self.version += 1
        self.save(update_fields=["result", "executed_at", "executed_by", "version"])
        log_event(by, "填写执行效果", self.opportunity, 计划项=self.text, 执行效果=(before, result))

    @record_result.guard
    def can_record_result(self, by: User) -> Verdict:
        return self.opportunity.can_develop(by)
