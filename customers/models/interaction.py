"""Visits, calls, messages: what was said and when we speak again."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from basedata.models import entry_field

from .contact import Contact
from .customer import Customer


class InteractionQuerySet(models.QuerySet["Interaction"]):
    def visible_to(self, user: User) -> InteractionQuerySet:
        """An interaction is seen by whoever sees its customer."""
        return self.filter(customer__in=Customer.objects.visible_to(user))


class Interaction(models.Model):
    """交往记录. Its follow-up is the customer's manager's business: it moves with the customer."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="interactions", verbose_name="客户")
    on = models.DateField("时间", default=timezone.localdate)
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


def attachment_path(attachment: Attachment, filename: str) -> str:
    """A generated name: what the sender called the file is kept as text only."""
    return f"attachments/{timezone.localdate():%Y%m}/{uuid4().hex}{Path(filename).suffix.lower()[:6]}"


class Attachment(models.Model):
    interaction = models.ForeignKey(Interaction, models.CASCADE, related_name="attachments", verbose_name="交往记录")
    file = models.FileField("文件", upload_to=attachment_path)
    name = models.CharField("文件名", max_length=200)
    content_type = models.CharField("类型", max_length=100)
    size = models.PositiveIntegerField("大小")  # bytes
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="上传人")
    uploaded_at = models.DateTimeField("上传时间", default=timezone.now)

    class Meta:
        verbose_name = "附件"
        verbose_name_plural = "附件"
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name
