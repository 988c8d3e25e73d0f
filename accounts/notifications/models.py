"""Notifications of users: on their page, and by e-mail where they want that."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils import timezone

from kit.domain.urls import record_url

if TYPE_CHECKING:
    from accounts.users.models import User


class NotificationQuerySet(models.QuerySet["Notification"]):
    def unread(self) -> NotificationQuerySet:
        return self.filter(read_at=None)

    def told(self, occasions: Iterable[str]) -> NotificationQuerySet:
        """Filter by occasions. That none is empty is said twice, so that PostgreSQL may use the partial index."""
        return self.filter(occasion__in=list(occasions)).exclude(occasion="")


class Notification(models.Model):
    """A message to a user; where they want it by e-mail too, the row is its place in the queue (mail.py)."""

    class Kind(models.TextChoices):
        ASSIGNED = "assigned", "分配给您"
        RETURNED = "returned", "退回重新处理"
        DUE_SOON = "due_soon", "即将到期"
        OVERDUE = "overdue", "已逾期"
        CHURN = "churn", "流失预警"
        OPPORTUNITY = "opportunity", "销售机会"
        OTHER = "other", "通知"

    class Mail(models.TextChoices):
        NONE = "", "不发送"
        QUEUED = "queued", "等待发送"
        SENDING = "sending", "正在发送"
        SENT = "sent", "已发送"
        DROPPED = "dropped", "不再需要"
        FAILED = "failed", "发送失败"

    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="notifications", verbose_name="接收人"
    )
    kind = models.CharField("类别", max_length=12, choices=Kind, default=Kind.OTHER)
    text = models.CharField("内容", max_length=300)
    content_type = models.ForeignKey(ContentType, models.CASCADE, null=True, related_name="+")
    object_id = models.BigIntegerField(null=True)
    record = GenericForeignKey("content_type", "object_id")
    url = models.CharField("打开", max_length=200, blank=True, editable=False)  # of a page, where it is about no record
    # What is told once only carries its occasion: the database refuses a second.
    occasion = models.CharField(max_length=60, blank=True, editable=False)
    created_at = models.DateTimeField("时间", default=timezone.now, editable=False)
    read_at = models.DateTimeField("阅读时间", null=True, editable=False)
    mail = models.CharField("邮件", max_length=8, choices=Mail, blank=True, default=Mail.NONE, editable=False)
    mail_at = models.DateTimeField("邮件时间", null=True, editable=False)  # to be sent then, or what happened last
    mail_attempts = models.PositiveSmallIntegerField("邮件尝试次数", default=0, editable=False)
    mail_error = models.CharField("邮件错误", max_length=200, blank=True, editable=False)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        verbose_name = "通知"
        verbose_name_plural = "通知"
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["recipient", "-created_at"], name="accounts_notification_of"),
            models.Index(fields=["recipient"], condition=models.Q(read_at=None), name="accounts_notification_unread"),
            models.Index(
                fields=["mail_at"],
                condition=models.Q(mail__in=("queued", "sending", "failed")),
                name="accounts_notification_mail",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["occasion", "recipient"],
                condition=~models.Q(occasion=""),
                name="accounts_notification_once",
            )
        ]

    def __str__(self) -> str:
        return self.text

    def get_absolute_url(self) -> str:
        return record_url("notification_open", self.pk)

    @classmethod
    def about(
        cls, record: models.Model | None, recipient_id: int, text: str, kind: str, occasion: str = ""
    ) -> Notification:
        """Return a notification that is not saved yet; notify_many() saves."""
        return cls(
            recipient_id=recipient_id,
            kind=kind,
            text=text[:300],
            content_type=ContentType.objects.get_for_model(record) if record is not None else None,
            object_id=record.pk if record is not None else None,
            occasion=occasion,
        )

    @classmethod
    def visible(cls, user: User, *, limit: int = 200) -> list[Notification]:
        """Return the user's newest notifications, without those on records that have left their view."""
        return in_view(user, cls.objects.filter(recipient=user).select_related("content_type")[:limit])

    def mark_read(self) -> None:
        if self.read_at is None:
            self.read_at = timezone.now()
            self.save(update_fields=["read_at"])


def in_view(user: User, notifications: Iterable[Notification]) -> list[Notification]:
    """Return those whose record the user may see now, and those about no record."""
    rows = list(notifications)
    by_model: dict[Any, set[int]] = {}
    for row in rows:
        if row.content_type and row.object_id:
            by_model.setdefault(row.content_type.model_class(), set()).add(row.object_id)
    visible = {
        (model, pk)
        for model, ids in by_model.items()
        for pk in model._default_manager.visible_to(user).filter(pk__in=ids).values_list("pk", flat=True)
    }
    return [row for row in rows if not row.content_type or (row.content_type.model_class(), row.object_id) in visible]


def notify(
    recipient: User | None, text: str, record: models.Model | None = None, *, kind: str = Notification.Kind.OTHER
) -> None:
    """Notify a user; disabled accounts are left out."""
    if recipient is not None and recipient.is_active:
        notify_many([Notification.about(record, recipient.pk, text, kind)])


def notify_many(notifications: Iterable[Notification]) -> None:
    """Save notifications set-based, queued for e-mail where the recipient wants that. Call in the change's transaction.

    One that carries an occasion and exists already is left out.
    """
    rows = list(notifications)
    recipients = {row.recipient_id for row in rows}
    people = cast("type[User]", get_user_model()).objects.wanting_email()
    wanting = set(people.filter(pk__in=recipients).values_list("pk", flat=True))
    for row in rows:
        if row.recipient_id in wanting:
            row.mail, row.mail_at = Notification.Mail.QUEUED, row.created_at
    Notification.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)
