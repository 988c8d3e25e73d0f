"""The journal: one entry for each change that can be taken back, with its rows as they were before."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import Q
from django.utils import timezone

from kit.domain.actor import Actor
from kit.domain.days import show_day
from kit.domain.modules import lent
from kit.domain.verdict import Verdict, first_objection, refuse_if
from kit.jobs.models import Job
from kit.transitions import guard

from .kinds import Undoable
from .stored_values import Values

MAX_OFFERED = 50  # of one record
MAX_DIRECT = 500  # records that a request takes back itself; more are a job's


class UndoEntryQuerySet(models.QuerySet["UndoEntry"]):
    def visible_to(self, user: Actor) -> UndoEntryQuerySet:
        """Return the changes that the user sees under 最近删除, as each kind says; past ones stay until forgotten."""
        condition = Q(pk=None)
        for kind in lent(Undoable):
            condition |= Q(kind=kind.name) & kind.visible(user)
        return self.filter(condition)

    def open(self) -> UndoEntryQuerySet:
        rows = self.filter(undone_at=None, until__gt=timezone.now())
        return rows.exclude(job__status__in=(Job.Status.QUEUED, Job.Status.RUNNING))

    def offered_to(self, user: Actor, record: models.Model) -> UndoEntryQuerySet:
        """Return the newest changes about a record that the user sees and that can still be taken back."""
        return self.visible_to(user).about(record).open().select_related("by", "job")[:MAX_OFFERED]

    def about(self, record: models.Model) -> UndoEntryQuerySet:
        return self.filter(content_type=ContentType.objects.get_for_model(record), object_id=record.pk)


class UndoEntry(models.Model):
    """A change that can be taken back until a time. record: the one on whose page it stands, such as the customer.

    job: the one that makes the change or takes it back; while it runs, nothing else does.
    """

    kind = models.CharField("种类", max_length=50)  # the name of an Undoable
    verb = models.CharField("操作", max_length=20)
    text = models.CharField("内容", max_length=200)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="操作人")
    at = models.DateTimeField("时间", default=timezone.now)
    until = models.DateTimeField("可撤销至", db_index=True)
    content_type = models.ForeignKey(ContentType, models.CASCADE, null=True, related_name="+")
    object_id = models.BigIntegerField(null=True)
    record = GenericForeignKey("content_type", "object_id")
    undone_at = models.DateTimeField("撤销时间", null=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="撤销人"
    )
    records = models.PositiveIntegerField(default=0, editable=False)  # that go back, each by itself
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+", verbose_name="后台任务")

    objects = UndoEntryQuerySet.as_manager()

    class Meta:
        verbose_name = "可撤销的操作"
        verbose_name_plural = "可撤销的操作"
        default_permissions = ()
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["by", "-at", "-id"], name="undo_entry_of"),
            models.Index(fields=["kind", "object_id"], name="undo_entry_about"),
        ]

    def __str__(self) -> str:
        return f"{self.verb}：{self.text}"

    @property
    def undoable(self) -> Undoable:
        return next(kind for kind in lent(Undoable) if kind.name == self.kind)

    @property
    def is_open(self) -> bool:
        return self.undone_at is None and self.until > timezone.now() and not self.is_running

    @property
    def is_running(self) -> bool:
        return self.job is not None and self.job.is_open

    @property
    def is_large(self) -> bool:
        """Whether taking it back is a job."""
        return self.records > MAX_DIRECT

    @property
    def is_long(self) -> bool:
        """Whether it can be taken back for days: its button warns."""
        return self.until - self.at > timedelta(days=2)

    @guard("", "撤销")
    def can_undo(self, by: Actor) -> Verdict:
        """Check what no look at the rows is needed for; take_back() asks again on the locked rows."""
        progress = f"（{self.job.percent}%）" if self.job is not None else ""
        return first_objection(
            self.while_offered(by),
            refuse_if(self.is_running, f"还在后台进行{progress}，完成后再撤销。"),
        )

    def while_offered(self, by: Actor) -> Verdict:
        """Check what can_undo() does but for the job, which asks itself."""
        return first_objection(
            self.undoable.allowed(self, by),
            refuse_if(self.undone_at is not None, f"已经由{self.undone_by}撤销，不用再撤销。"),
            refuse_if(self.until <= timezone.now(), f"已过可以撤销的时间（{show_day(self.until, 'time')}）。"),
        )


class UndoRow(models.Model):
    """One row of a change. before: None for a row that the change created; after: None for one it deleted.

    version: what the row's version was afterwards, where any later edit refuses; None: only the columns are compared.
    record_key: of the record whose rows go back together, where each record of a change goes back by itself.
    """

    entry = models.ForeignKey(UndoEntry, models.CASCADE, related_name="rows")
    model = models.CharField(max_length=100)  # customers.contact
    key = models.BigIntegerField()
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    version = models.PositiveIntegerField(null=True)
    record_key = models.BigIntegerField(null=True)

    class Meta:
        verbose_name = "改动前的数据"
        verbose_name_plural = "改动前的数据"
        default_permissions = ()
        indexes = [
            models.Index(fields=["model", "key"], name="undo_row_of"),
            models.Index(fields=["entry", "record_key"], name="undo_row_together"),
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.key}"

    @property
    def is_creation(self) -> bool:
        return self.before is None

    @property
    def is_deletion(self) -> bool:
        return self.after is None

    @property
    def old(self) -> Values:
        return self.before or {}

    @property
    def new(self) -> Values:
        return self.after or {}
