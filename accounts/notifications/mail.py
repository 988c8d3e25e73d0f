"""Notifications by e-mail: each row of the queue goes out once, later when the server is down, or not at all.

A row is claimed before it is sent. Where it is unknown whether the server took a mail, it is not sent again by itself:
a second copy would be worse than the notification that stands in the product anyway.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import F, QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts.users.models import User
from kit.audit.log import log_event
from kit.domain.verdict import require_permission
from kit.pages.public_pages import public_url

from .models import Notification, in_view

logger = logging.getLogger("crm.mail")
Mail = Notification.Mail
BATCH_SIZE = 50  # rows of one run; the next run is a minute away
MAX_WAIT_MINUTES = 60  # between two attempts; they double from one minute
GIVE_UP_AFTER = timedelta(days=1)  # a mail this late is not worth reading
INTERRUPTED = timedelta(minutes=10)  # claimed so long ago: the process that sent it is gone
UNKNOWN = "发送中断，不知道对方是否收到；为避免重复，没有自动重发。"


def send_queued() -> str:
    """Send what is due; return the result in words for the page of periodic tasks."""
    fail_interrupted()
    due = list(queued().filter(mail_at__lte=timezone.now()).select_related("recipient", "content_type")[:BATCH_SIZE])
    if not due:
        return "没有待发送的邮件"
    connection = get_connection()
    try:
        connection.open()
    except (OSError, SMTPException) as error:
        logger.warning("mail server not reachable: %s", error)
        for row in due:
            postpone(row, f"邮件服务器无法连接：{error}")
        return f"邮件服务器无法连接，推迟 {len(due)} 封"
    try:
        sent = sum(1 for _ in send_all(due, connection))
    finally:
        connection.close()
    return f"发送 {sent} 封"


def queued() -> QuerySet[Notification]:
    return Notification.objects.filter(mail=Mail.QUEUED).order_by("mail_at", "pk")


def send_all(rows: Iterable[Notification], connection: BaseEmailBackend) -> Iterable[Notification]:
    """Yield the rows sent. When the connection breaks, the rest stays in the queue."""
    for row in rows:
        if not claim(row):
            continue
        if not is_wanted(row):
            finish(row, Mail.DROPPED)
            continue
        try:
            message_for(row, connection).send()
        except (SMTPResponseException, SMTPRecipientsRefused) as error:
            handle_refusal(row, error)
        except (SMTPException, OSError):
            logger.exception("mail of notification %s broke off", row.pk)
            finish(row, Mail.FAILED, UNKNOWN)
            return
        else:
            finish(row, Mail.SENT)
            yield row


def claim(row: Notification) -> bool:
    """Mark the row as sent by this process; False when another has it. Committed before the server hears of it."""
    unclaimed = Notification.objects.filter(pk=row.pk, mail=Mail.QUEUED)
    count = unclaimed.update(mail=Mail.SENDING, mail_at=timezone.now(), mail_attempts=F("mail_attempts") + 1)
    row.refresh_from_db(fields=["mail", "mail_at", "mail_attempts", "read_at"])
    return bool(count)


def is_wanted(row: Notification) -> bool:
    """Whether the recipient, right before sending, is still active, wants e-mail and may see the record."""
    recipient = User.objects.wanting_email().filter(pk=row.recipient_id).first()
    return recipient is not None and row.read_at is None and bool(in_view(recipient, [row]))


def message_for(row: Notification, connection: BaseEmailBackend) -> EmailMessage:
    """Return the mail: the notification's text and a link, nothing else of the record."""
    path = row.record.get_absolute_url() if row.record else row.url or reverse("notifications")
    body = (
        f"{row.recipient.name}，您好：\n\n{row.text}\n\n查看：{public_url(path)}\n\n"
        "这封邮件由客户关系管理系统发出，请不要回复。不想再收到时，可以在系统的「通知」页关闭邮件。\n"
    )
    subject = f"【客户关系管理】{row.get_kind_display()}"
    return EmailMessage(subject, body, to=[row.recipient.email], connection=connection)


def handle_refusal(row: Notification, error: SMTPResponseException | SMTPRecipientsRefused) -> None:
    """Try again after a temporary refusal (4xx), give up after a permanent one (5xx)."""
    reply: bytes | str
    if isinstance(error, SMTPRecipientsRefused):
        code, reply = next(iter(error.recipients.values()))
    else:
        code, reply = error.smtp_code, error.smtp_error
    message = f"邮件服务器拒绝：{code} {reply.decode(errors='replace') if isinstance(reply, bytes) else reply}"
    if code < 500:
        postpone(row, message)
    else:
        finish(row, Mail.FAILED, message)


def postpone(row: Notification, message: str) -> None:
    """Put the row back into the queue with twice the delay, or give up after a day."""
    now = timezone.now()
    if now - row.created_at > GIVE_UP_AFTER:
        finish(row, Mail.FAILED, f"一天内没有发出：{message}")
        return
    attempts = row.mail_attempts + (row.mail == Mail.QUEUED)  # a claimed row is counted already
    delay = timedelta(minutes=min(2 ** max(attempts - 1, 0), MAX_WAIT_MINUTES))
    finish(row, Mail.QUEUED, message, mail_at=now + delay, mail_attempts=attempts)


def finish(row: Notification, state: str, message: str = "", **values: Any) -> None:
    """Set the row's state, unless another process has it by now."""
    unchanged = Notification.objects.filter(pk=row.pk, mail=row.mail)
    unchanged.update(**{"mail": state, "mail_error": message[:200], "mail_at": timezone.now(), **values})


def fail_interrupted() -> int:
    """Fail the rows whose process died while it sent them; return their number."""
    interrupted = Notification.objects.filter(mail=Mail.SENDING, mail_at__lt=timezone.now() - INTERRUPTED)
    return interrupted.update(mail=Mail.FAILED, mail_error=UNKNOWN, mail_at=timezone.now())


def set_email_choice(user: User, on: bool) -> None:
    """Set whether a user's notifications come by e-mail too; queued ones are dropped when due."""
    stored = User.objects.get(pk=user.pk)
    stored.edit_profile(by=stored, email_notifications=on)


def overview() -> dict[str, Any]:
    """Return for administrators the queue's numbers and newest failures: whom and why, not about what."""
    rows = Notification.objects.filter(read_at=None)
    failed = rows.filter(mail=Mail.FAILED)
    return {
        "on": bool(settings.CRM_EMAIL_URL),
        "waiting": queued().count(),
        "put_off": queued().exclude(mail_error="").order_by("-mail_attempts").first(),
        "failed": failed.count(),
        "failures": list(failed.select_related("recipient").order_by("-mail_at", "-pk")[:20]),
    }


@transaction.atomic
def send_again(*, by: User) -> int:
    """Queue every failed and unread mail again; a user takes responsibility for a possible second copy."""
    require_permission(by, "accounts.administer", "只有系统管理员可以重新发送邮件").enforce()
    now = timezone.now()
    failed = Notification.objects.filter(mail=Mail.FAILED, read_at=None)
    count = failed.update(mail=Mail.QUEUED, mail_at=now, mail_attempts=0)
    log_event(by, "重新发送邮件", None, "邮件通知", 封数=count)
    return count
