"""服务时限: working hours until a request is handled, by its type and the customer's level."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse

from accounts.models import User
from basedata.company_wide import CompanyWideQuerySet
from basedata.models import DictionaryEntry, entry_field
from kit.audit.log import log_event, save_changes
from kit.domain.verdict import ALLOWED, Verdict
from kit.transitions import creation, transition

MAX_HOURS = 999
CHANGE, NO_PERMISSION = "services.change_servicetarget", "您的角色不能修改服务时限"


class ServiceTargetQuerySet(CompanyWideQuerySet):
    view_permission = "services.view_servicetarget"


class ServiceTarget(models.Model):
    """Target of a type and level; without a row there is none."""

    kind = entry_field("服务类型", "服务类型")
    level = entry_field(
        "客户等级", "客户等级", null=True, blank=True
    )  # empty: an organisation that is not a customer yet
    hours = models.PositiveSmallIntegerField(
        "时限（工作小时）", validators=[MinValueValidator(1), MaxValueValidator(MAX_HOURS)]
    )
    version = models.PositiveIntegerField(default=0, editable=False)

    objects = ServiceTargetQuerySet.as_manager()

    class Meta:
        verbose_name = "服务时限"
        verbose_name_plural = "服务时限"
        default_permissions = ("view", "change")
        constraints = [
            models.UniqueConstraint(fields=["kind", "level"], name="services_target_once"),
            models.UniqueConstraint(
                fields=["kind"], condition=models.Q(level=None), name="services_target_without_level_once"
            ),
            models.CheckConstraint(condition=~models.Q(hours=0), name="services_target_not_zero"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.level or '还不是客户'}"

    def get_absolute_url(self) -> str:
        return reverse("services:targets")

    @classmethod
    def minutes_for(cls, kind_id: int, level_id: int | None) -> int | None:
        """Return the working minutes allowed; None without a target."""
        hours = cls.objects.filter(kind=kind_id, level=level_id).values_list("hours", flat=True).first()
        return hours * 60 if hours else None

    @classmethod
    def all_minutes(cls) -> dict[tuple[int, int | None], int]:
        """Return {(type id, level id): working minutes} of all targets, for bulk work."""
        rows = cls.objects.values_list("kind", "level", "hours")
        return {(kind, level): hours * 60 for kind, level, hours in rows}

    @creation(CHANGE, "新建", refusal=NO_PERMISSION)
    @classmethod
    def create(cls, *, by: User, kind: DictionaryEntry, level: DictionaryEntry | None, hours: int) -> ServiceTarget:
        """Create a target where there was none."""
        target = cls(kind=kind, level=level, hours=hours)
        target.save()
        log_event(by, "新建", target, changes={"时限（工作小时）": hours})
        return target

    @transition(CHANGE, "编辑", refusal=NO_PERMISSION)
    def edit(self, *, by: User, hours: int) -> None:
        save_changes(by, "编辑", self, hours=hours)

    @edit.guard
    def can_edit(self, by: User) -> Verdict:
        return ALLOWED

    @transition(CHANGE, "删除", refusal=NO_PERMISSION)
    def remove(self, *, by: User) -> None:
        log_event(by, "删除", self, changes={"时限（工作小时）": (self.hours, None)})
        self.delete()

    @remove.guard
    def can_remove(self, by: User) -> Verdict:
        return ALLOWED
