"""Report records outside a user's view: counted in the audit log and limited, so that nobody can enumerate them.

One limit for everything that answers from outside the view: the check for duplicates, a caller's number, the customer
of a service request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction
from django.utils import timezone

from accounts.models import User
from kit.audit.log import log_event
from kit.audit.models import AuditEntry
from kit.sql.locks import AdvisoryLock, take_lock

from .models import Customer

ANSWER_VERB, MAX_ANSWERS_PER_MINUTE = "查重提示", 30
LOOKUP_REASON = "查找"  # in the audit log: a customer was looked up, not checked for duplicates


class CheckPaused(Exception):
    """The user has reached the limit of answers a minute."""

    def __init__(self) -> None:
        super().__init__(
            f"一分钟内已提示了 {MAX_ANSWERS_PER_MINUTE} 个您查看范围外的客户或机会，查重暂停，没有保存。"
            "请过一分钟再保存，您填写的内容还在。"
        )


TYPING_PAUSED = (
    f"一分钟内已提示了 {MAX_ANSWERS_PER_MINUTE} 个您查看范围外的客户或机会，暂停提示范围外的；您查看范围内的照常提示。"
)
LOOKUP_PAUSED = (
    f"一分钟内已提示了 {MAX_ANSWERS_PER_MINUTE} 个您查看范围外的客户，暂停查找范围外的客户。请过一分钟再试；"
    "您查看范围内的客户照常查找。"
)


@contextmanager
def counted_answers(by: User) -> Iterator[Callable[[models.Model, str], None]]:
    """Yield count(record, reason), to be called for each record whose existence is reported. Raises CheckPaused.

    Enter it before looking, or ask is_paused(): that nothing was found would be an answer as well. A look-up that
    finds more than is left tells nothing, but uses up what was left: that it pauses tells that there is something.
    """

    paused = None
    with transaction.atomic():
        lock_answers(by)
        left = MAX_ANSWERS_PER_MINUTE - recent_answers(by).count()
        if left <= 0:
            raise CheckPaused

        def count(record: models.Model, reason: str) -> None:
            nonlocal left
            if left <= 0:
                raise CheckPaused
            left -= 1
            log_event(by, ANSWER_VERB, record, 相同之处=reason)

        try:
            yield count
        except CheckPaused as error:
            paused = error
    if paused is not None:  # after the commit of what it counted
        raise paused


def recent_answers(by: User) -> models.QuerySet[AuditEntry]:
    """Return what the user was told within the last minute."""
    since = timezone.now() - timedelta(minutes=1)
    return AuditEntry.objects.filter(actor=by.pk, verb=ANSWER_VERB, at__gte=since)


def is_paused(by: User) -> bool:
    return recent_answers(by).count() >= MAX_ANSWERS_PER_MINUTE


class LookupResult(NamedTuple):
    """Customers inside and outside the view. paused: nothing is reported of the latter, not even that they exist."""

    seen: list[Customer]
    beyond: list[Customer]
    paused: bool = False


def look_up(by: User, customers: Iterable[Customer]) -> LookupResult:
    """Split customers by the user's view and count those outside, each at most once a minute."""
    customers = list(customers)
    keys = [customer.pk for customer in customers]
    visible = set(Customer.objects.visible_to(by).filter(pk__in=keys).values_list("pk", flat=True)) if keys else set()
    inside, outside = ([one for one in customers if (one.pk in visible) is wanted] for wanted in (True, False))
    if is_paused(by):
        return LookupResult(inside, [], paused=True)
    try:
        if outside:
            count_lookups(by, outside)
    except CheckPaused:  # by another request meanwhile
        return LookupResult(inside, [], paused=True)
    return LookupResult(inside, outside)


def count_lookups(by: User, customers: list[Customer]) -> None:
    with counted_answers(by) as count:
        recent = recently_counted(by, Customer)
        for customer in customers:
            if customer.pk not in recent:
                count(customer, LOOKUP_REASON)


def recently_counted(by: User, model: type[models.Model]) -> set[int | None]:
    """Return keys of the model's rows that the user was told of within the last minute."""
    rows = recent_answers(by).filter(content_type=ContentType.objects.get_for_model(model))
    return set(rows.values_list("object_id", flat=True))


def lock_answers(by: User) -> None:
    """Count the answers to one user one after the other."""
    take_lock(AdvisoryLock.DUPLICATE_ANSWERS, key=by.pk)
