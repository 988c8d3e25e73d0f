"""What somebody is told of records beyond their view: counted in the audit trail, so that nobody asks for all there is.

One allowance for everything that answers from beyond: the check for what is here already, a caller's number, the
customer of a service request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple

from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction
from django.utils import timezone

from accounts.models import User
from kit.audit.log import log_event
from kit.audit.models import AuditEntry
from kit.sql.locks import AdvisoryLock, take_lock

from .models import Customer

ANSWERED, ANSWERS_A_MINUTE = "查重提示", 30
LOOKUP_REASON = "查找"  # why, in the trail, where somebody looked for a customer and not for a likeness


class CheckPaused(Exception):
    """The person was told of thirty records beyond their view within a minute."""

    def __init__(self) -> None:
        super().__init__(
            f"一分钟内已提示了 {ANSWERS_A_MINUTE} 个您查看范围外的客户或机会，查重暂停，没有保存。"
            "请过一分钟再保存，您填写的内容还在。"
        )


LOOKING_PAUSED = (
    f"一分钟内已提示了 {ANSWERS_A_MINUTE} 个您查看范围外的客户，暂停查找范围外的客户。请过一分钟再试；"
    "您查看范围内的客户照常查找。"
)


@contextmanager
def counted_answers(by: User) -> Iterator[Callable[[models.Model, str], Any]]:
    """Gives tell(record, why), to be called for each record whose existence is answered. Raises CheckPaused.

    Enter it before looking, or ask is_paused(): that nothing is found would be an answer as well.
    """
    with transaction.atomic():
        lock_answers(by)
        if is_paused(by):
            raise CheckPaused
        yield lambda found, why: log_event(by, ANSWERED, found, 相同之处=why)


def is_paused(by: User) -> bool:
    since = timezone.now() - timedelta(minutes=1)
    return AuditEntry.objects.filter(actor=by.pk, verb=ANSWERED, at__gte=since).count() >= ANSWERS_A_MINUTE


class Found(NamedTuple):
    """Customers that were looked up. paused: nothing is said of those beyond the view, not even whether there are."""

    seen: list[Customer]
    beyond: list[Customer]
    paused: bool = False


def look_up(by: User, found: Iterable[Customer]) -> Found:
    """Those the person sees, and those beyond, each counted; one told within the minute is not told anew."""
    found = list(found)
    keys = [customer.pk for customer in found]
    mine = set(Customer.objects.visible_to(by).filter(pk__in=keys).values_list("pk", flat=True)) if keys else set()
    seen, beyond = ([one for one in found if (one.pk in mine) is own] for own in (True, False))
    if is_paused(by):
        return Found(seen, [], paused=True)
    try:
        if beyond:
            count_lookups(by, beyond)
    except CheckPaused:  # by another request meanwhile
        return Found(seen, [], paused=True)
    return Found(seen, beyond)


def count_lookups(by: User, customers: list[Customer]) -> None:
    with counted_answers(by) as tell:
        told = recently_counted(by)
        for customer in customers:
            if customer.pk not in told:
                tell(customer, LOOKUP_REASON)


def recently_counted(by: User) -> set[int | None]:
    """Keys of the customers that the person was told of within the last minute."""
    since, kind = timezone.now() - timedelta(minutes=1), ContentType.objects.get_for_model(Customer)
    rows = AuditEntry.objects.filter(actor=by.pk, verb=ANSWERED, at__gte=since, content_type=kind)
    return set(rows.values_list("object_id", flat=True))


def lock_answers(by: models.Model) -> None:
    """Count the answers to one user one after the other."""
    take_lock(AdvisoryLock.DUPLICATE_ANSWERS, key=by.pk)
