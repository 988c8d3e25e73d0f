"""交往记录: visits, calls and messages, with attachments and the next follow-up."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from basedata.models import entry_field
from customers.contacts.models import Contact
from customers.querysets import OfCustomersQuerySet
from customers.records.locks import lock_current_customers
from customers.records.metrics import store_last_interaction
from customers.records.models import Customer, CustomerQuerySet
from customers.timeline import TimelineEntry, add_timeline_entry, remove_timeline_entry
from kit.audit.log import log_event, save_changes
from kit.domain.past_dates import FUTURE_DATE_REFUSED, is_in_future, refuse_ahead
from kit.domain.verdict import Verdict, first_objection, refuse_if
from kit.sql.transactions import in_transaction
from kit.transitions import creation, transition
from kit.undo.journal import Journal
from kit.undo.models import UndoEntry

from .attachments import MAX_FILES, CheckedFile

KINDS_WITH_PLACE = ("1", "5")  # values of 拜访 and 会议, which may be renamed
INTERACTION_REMOVED = "customers.interaction_removed"  # stands in the journal


class InteractionQuerySet(OfCustomersQuerySet["Interaction"]):
    view_permission = CustomerQuerySet.view_permission

    def to_follow_up(self, until: date) -> InteractionQuerySet:
        """Return the open follow-ups of that day or before."""
        return self.filter(follow_up_on__isnull=False, followed_up_at=None, follow_up_on__lte=until)


class Interaction(models.Model):
    """交往记录. Its follow-up is a task of the customer's 客户经理: it moves with the customer."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="interactions", verbose_name="客户")
    on = models.DateField("时间", default=timezone.localdate, validators=[refuse_ahead])
    kind = entry_field("交往方式", "方式")
    place = models.CharField("地点", max_length=200, blank=True)
    summary = models.CharField("概要", max_length=500)
    note = models.TextField("备注", max_length=300, blank=True)
    details = models.TextField("详细信息", max_length=2000, blank=True)
    contact = models.ForeignKey(
        Contact, models.SET_NULL, null=True, blank=True, related_name="interactions", verbose_name="联系人"
    )
    follow_up_on = models.DateField("下次跟进日期", null=True, blank=True)
    followed_up_at = models.DateTimeField("跟进完成时间", null=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+", verbose_name="记录人"
    )
    created_at = models.DateTimeField("创建时间", default=timezone.now, editable=False)
    version = models.PositiveIntegerField(default=0, editable=False)

    objects = InteractionQuerySet.as_manager()

    class Meta:
        verbose_name = "交往记录"
        verbose_name_plural = "交往记录"
        indexes = [
            models.Index(fields=["customer", "-on", "-id"], name="customers_interactions"),
            models.Index(
                fields=["follow_up_on"],
                condition=models.Q(follow_up_on__isnull=False, followed_up_at=None),
                name="customers_follow_ups",
            ),
        ]

    def __str__(self) -> str:
        return self.summary

    def get_absolute_url(self) -> str:
        return reverse("customers:interaction_detail", args=[self.customer_id, self.pk])

    def locked_parent(self) -> Customer:
        return self.customer

    @property
    def is_follow_up_open(self) -> bool:
        return self.follow_up_on is not None and self.followed_up_at is None

    @property
    def days_late(self) -> int:
        """Days past the agreed follow-up; 0 when done or not yet due."""
        if self.follow_up_on is None or self.followed_up_at is not None:
            return 0
        return max((timezone.localdate() - self.follow_up_on).days, 0)

    @property
    def timeline_at(self) -> datetime:
        """Time in the timeline: its day, with the hour of its creation."""
        written_at = timezone.localtime(self.created_at)
        return written_at.replace(year=self.on.year, month=self.on.month, day=self.on.day)

    @property
    def timeline_text(self) -> str:
        return f"{self.kind}（{self.created_by or '系统'}）：{self.summary}"

    def objections(self) -> dict[str, str]:
        """Return {field: message} of the broken rules."""
        errors = {}
        if self.kind_id and self.kind.value in KINDS_WITH_PLACE and not self.place.strip():
            errors["place"] = f"{self.kind}需要填写地点。"
        if self.contact_id and self.contact and self.contact.customer_id != self.customer_id:
            errors["contact"] = "联系人不属于这个客户，请另选。"
        if self.on and self.follow_up_on and self.follow_up_on < self.on:
            errors["follow_up_on"] = "下次跟进日期不能早于时间。"
        return errors

    def clean(self) -> None:
        if errors := self.objections():
            raise ValidationError(errors)

    def _validate(self) -> None:
        refuse_if(is_in_future(self.on), FUTURE_DATE_REFUSED).enforce()
        errors = self.objections()
        refuse_if(bool(errors), next(iter(errors.values()), "")).enforce()

    @creation("customers.change_customer", "新建", refusal="您的角色不能修改客户")
    @classmethod
    def create(cls, *, by: User, customer: Customer, files: Iterable[CheckedFile] = (), **values: Any) -> Interaction:
        """Create an interaction with its files and finish the follow-ups due up to its day."""
        lock_current_customers(customer, by=by)
        customer.can_contribute(by).enforce()
        interaction = cls(customer=customer, created_by=by, **values)
        interaction._validate()
        for earlier in customer.interactions.to_follow_up(interaction.on):
            earlier._close_follow_up(by)
        interaction.save()
        log_event(by, "新建", interaction, 客户=customer, 时间=interaction.on, 方式=interaction.kind)
        interaction._add_timeline_entry()
        refresh_last_interaction(customer)
        interaction._save_files(files, by)
        return interaction

    @transition("customers.change_customer", "编辑", refusal="您的角色不能修改客户")
    def edit(self, *, by: User, **values: Any) -> None:
        """Change values; another follow-up date opens the follow-up again."""
        if values.get("follow_up_on", self.follow_up_on) != self.follow_up_on:
            values["followed_up_at"] = None
        save_changes(by, "编辑", self, **values)
        self._validate()
        self._add_timeline_entry()
        refresh_last_interaction(self.customer)

    @edit.guard
    def can_edit(self, by: User) -> Verdict:
        return self.customer.can_contribute(by)

    @transition("customers.change_customer", "删除", refusal="您的角色不能修改客户")
    def remove(self, *, by: User) -> UndoEntry | None:
        """Delete the interaction; return what takes it back. The files wait as long as that is possible."""
        log_event(by, "删除", self, 客户=self.customer, 时间=self.on, 方式=self.kind)
        remove_timeline_entry(self.customer, TimelineEntry.Kind.INTERACTION, self.get_absolute_url())
        journal, text = Journal(), f"交往记录 {self.summary}"
        journal.watch_deletion(self)
        self.delete()
        refresh_last_interaction(self.customer)
        return journal.keep(INTERACTION_REMOVED, "删除", text, by=by, about=self.customer)

    @remove.guard
    def can_remove(self, by: User) -> Verdict:
        return self.customer.can_edit(by)

    @in_transaction
    def return_to_customer(self, *, by: User) -> None:
        """Do what follows when a deleted interaction comes back."""
        self._add_timeline_entry()
        refresh_last_interaction(self.customer)
        log_event(by, "撤销删除", self, 客户=self.customer, 时间=self.on, 方式=self.kind)

    @transition("customers.change_customer", "完成跟进", refusal="您的角色不能修改客户")
    def finish_follow_up(self, *, by: User) -> None:
        self._close_follow_up(by)

    @finish_follow_up.guard
    def can_finish_follow_up(self, by: User) -> Verdict:
        return first_objection(
            self.customer.can_contribute(by),
            refuse_if(self.follow_up_on is None, "没有约定下次跟进。"),
            refuse_if(self.followed_up_at is not None, "跟进已经完成。"),
        )

    @transition("customers.change_customer", "上传附件", refusal="您的角色不能修改客户")
    def attach(self, *, by: User, files: Iterable[CheckedFile]) -> None:
        self._save_files(files, by)

    @attach.guard
    def can_attach(self, by: User) -> Verdict:
        full = self.pk is not None and self.attachments.count() >= MAX_FILES
        return first_objection(
            self.customer.can_contribute(by), refuse_if(full, f"已有 {MAX_FILES} 个附件，先删除不需要的再上传。")
        )

    def _close_follow_up(self, by: User) -> None:
        self.followed_up_at = timezone.now()
        self.version += 1
        self.save(update_fields=["followed_up_at", "version"])
        log_event(by, "完成跟进", self, 下次跟进日期=self.follow_up_on)

    def _add_timeline_entry(self) -> None:
        url = self.get_absolute_url()
        add_timeline_entry(
            self.customer, TimelineEntry.Kind.INTERACTION, self.timeline_text, url=url, at=self.timeline_at
        )

    def _save_files(self, files: Iterable[CheckedFile], by: User) -> None:
        """Store the files; delete those stored already when one fails."""
        files, saved_paths = list(files), list[str]()
        if not files:
            return
        existing_count = self.attachments.count()
        too_many = existing_count + len(files) > MAX_FILES
        refuse_if(too_many, f"每条交往记录最多 {MAX_FILES} 个附件，已有 {existing_count} 个。").enforce()
        try:
            for file, name, content_type, size in files:
                row = Attachment(interaction=self, name=name, content_type=content_type, size=size, uploaded_by=by)
                row.file.save(name, file, save=False)
                saved_paths.append(str(row.file.name))
                row.save()
        except BaseException:
            for path in saved_paths:
                default_storage.delete(path)
            raise
        log_event(by, "上传附件", self, 附件="、".join(one.name for one in files))


@in_transaction
def refresh_last_interaction(customer: Customer) -> None:
    """Store the customer's 上次交往, in the transaction that writes the interaction."""
    newest = Interaction.objects.filter(customer=customer).order_by("-on", "-pk").values_list("on", flat=True).first()
    store_last_interaction(customer, newest)


def attachment_path(attachment: Attachment, filename: str) -> str:
    """Return a generated path: the sender's name is kept as text only."""
    return f"attachments/{timezone.localdate():%Y%m}/{uuid4().hex}{Path(filename).suffix.lower()[:6]}"


class AttachmentQuerySet(models.QuerySet["Attachment"]):
    def visible_to(self, user: User) -> AttachmentQuerySet:
        return self.filter(interaction__customer__in=Customer.objects.visible_to(user))


class Attachment(models.Model):
    interaction = models.ForeignKey(Interaction, models.CASCADE, related_name="attachments", verbose_name="交往记录")
    file = models.FileField("文件", upload_to=attachment_path)
    name = models.CharField("文件名", max_length=200)
    content_type = models.CharField("类型", max_length=100)
    size = models.PositiveIntegerField("大小")  # bytes
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="上传人")
    uploaded_at = models.DateTimeField("上传时间", default=timezone.now)

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        verbose_name = "附件"
        verbose_name_plural = "附件"
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("customers:attachment", args=[self.interaction.customer_id, self.pk])

    def locked_parent(self) -> Interaction:
        return self.interaction

    @transition("customers.change_customer", "删除", refusal="您的角色不能修改客户")
    def remove(self, *, by: User) -> None:
        log_event(by, "删除附件", self.interaction, 附件=(self.name, None))
        delete_files_on_commit([self])
        self.delete()

    @remove.guard
    def can_remove(self, by: User) -> Verdict:
        return self.interaction.can_edit(by)


@in_transaction
def delete_files_on_commit(attachments: Iterable[Attachment]) -> None:
    """Delete the files from the disk on commit of their deletion."""
    for attachment in attachments:
        transaction.on_commit(partial(attachment.file.storage.delete, str(attachment.file.name)), robust=True)
