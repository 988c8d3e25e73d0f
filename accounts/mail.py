"""Notifications by e-mail: each row of the queue goes out once, later when the server is down, or not at all.

A row is taken before it is sent. Where it is unknown whether the server took a mail, it is not sent again by itself:
a second copy would be worse than the notification that stands in the product anyway.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException
from typing import Any, cast

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.db.models import F, QuerySet
from django.urls import reverse
from django.utils import timezone

from kit.audit.log import log_event
from kit.domain.verdict import require_permission
from kit.pages.public_pages import public_url

from .models import Notification, User, in_view

logger = logging.getLogger("crm.mail")
Mail = Notification.Mail
BATCH = 50  # of one run: the next one is a minute away
LONGEST_WAIT = 60  # minutes between two attempts; they double from one minute
GIVE_UP = timedelta(days=1)  # a mail this late is not worth reading
LOST = timedelta(minutes=10)  # taken so long ago: the process that sent it is gone
UNKNOWN = "发送中断，不知道对方是否收到；为避免重复，没有自动重发。"


def send_due() -> str:
    """Sends what is due; the answer in words stands with the periodic task."""
    fail_lost()
    due = list(queued().filter(mail_at__lte=timezone.now()).select_related("recipient", "content_type")[:BATCH])
    if not due:
        return "没有待发送的邮件"
    connection = get_connection()
    try:
        connection.open()
    except (OSError, SMTPException) as error:
        logger.warning("mail server not reachable: %s", error)
        for row in due:
            put_off(row, f"邮件服务器无法连接：{error}")
        return f"邮件服务器无法连接，推迟 {len(due)} 封"
    try:
        sent = sum(1 for _ in send_all(due, connection))
    finally:
        connection.close()
    return f"发送 {sent} 封"


def queued() -> QuerySet[Notification]:
    return Notification.objects.filter(mail=Mail.QUEUED).order_by("mail_at", "pk")


def send_all(rows: Iterable[Notification], connection: Any) -> Iterable[Notification]:
    """Yields what was sent; ends early when the connection breaks, the rest stays in the queue."""
    for row in rows:
        if not take(row):
            continue
        if not is_wanted(row):
            close(row, Mail.DROPPED)
            continue
        try:
            message_for(row, connection).send()
        except (SMTPResponseException, SMTPRecipientsRefused) as error:
            refused(row, error)
        except (SMTPException, OSError):
            logger.exception("mail of notification %s broke off", row.pk)
            close(row, Mail.FAILED, UNKNOWN)
            return
        else:
            close(row, Mail.SENT)
            yield row


def take(row: Notification) -> bool:
    """This process sends it; False when another has it. Committed before the server hears of it."""
    mine = Notification.objects.filter(pk=row.pk, mail=Mail.QUEUED)
    taken = mine.update(mail=Mail.SENDING, mail_at=timezone.now(), mail_attempts=F("mail_attempts") + 1)
    row.refresh_from_db(fields=["mail", "mail_at", "mail_attempts", "read_at"])
    return bool(taken)


def is_wanted(row: Notification) -> bool:
    """Asked again at the last moment: is he still here, does he still want it, may he still see the record?"""
    reader = User.objects.wanting_mail().filter(pk=row.recipient_id).first()
    return reader is not None and row.read_at is None and bool(in_view(reader, [row]))


def message_for(row: Notification, connection: Any) -> EmailMessage:
    """The notification's text and a link, nothing else of the record."""
    path = row.record.get_absolute_url() if row.record else reverse("notifications")
    body = (
        f"{row.recipient.name}，您好：\n\n{row.text}\n\n查看：{public_url(path)}\n\n"
        "这封邮件由客户关系管理系统发出，请不要回复。不想再收到时，可以在系统的「通知」页关闭邮件。\n"
    )
    subject = f"【客户关系管理】{row.get_kind_display()}"
    return EmailMessage(subject, body, to=[row.recipient.email], connection=connection)


def refused(row: Notification, error: SMTPResponseException | SMTPRecipientsRefused) -> None:
    """The server said no: for now (4xx) it is tried again, for good (5xx) it is not."""
    if isinstance(error, SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()))
    else:
        code, said = error.smtp_code, cast(Any, error.smtp_error)
    words = f"邮件服务器拒绝：{code} {said.decode(errors='replace') if isinstance(said, bytes) else said}"
    if code < 500:
        put_off(row, words)
    else:
        close(row, Mail.FAILED, words)


def put_off(row: Notification, words: str) -> None:
    """Back to the queue with twice the wait, or given up after a day."""
    now = timezone.now()
    if now - row.created_at > GIVE_UP:
        close(row, Mail.FAILED, f"一天内没有发出：{words}")
        return
    attempts = row.mail_attempts + (row.mail == Mail.QUEUED)  # a taken row is counted already
    wait = timedelta(minutes=min(2 ** max(attempts - 1, 0), LONGEST_WAIT))
    close(row, Mail.QUEUED, words, mail_at=now + wait, mail_attempts=attempts)


def close(row: Notification, state: str, words: str = "", **values: Any) -> None:
    """Ends the row's turn, unless another process has it by now."""
    mine = Notification.objects.filter(pk=row.pk, mail=row.mail)
    mine.update(**{"mail": state, "mail_error": words[:200], "mail_at": timezone.now(), **values})


def fail_lost() -> int:
    """Rows whose process died while it sent them."""
    lost = Notification.objects.filter(mail=Mail.SENDING, mail_at__lt=timezone.now() - LOST)
    return lost.update(mail=Mail.FAILED, mail_error=UNKNOWN, mail_at=timezone.now())


def switch(person: User, on: bool) -> None:
    """A person's own choice, whether notifications come by e-mail too; what waits already is dropped when due."""
    stored = User.objects.get(pk=person.pk)
    stored.edit_profile(by=stored, email_notifications=on)


def overview() -> dict[str, Any]:
    """For administrators: how many wait and failed, and the newest failures; whom and why, not about what."""
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
    """Puts every failed mail that is not read yet back into the queue: a person answers for a possible second copy."""
    require_permission(by, "accounts.administer", "只有系统管理员可以重新发送邮件").enforce()
    now = timezone.now()
    failed = Notification.objects.filter(mail=Mail.FAILED, read_at=None)
    count = failed.update(mail=Mail.QUEUED, mail_at=now, mail_attempts=0)
    log_event(by, "重新发送邮件", None, "邮件通知", 封数=count)
    return count
