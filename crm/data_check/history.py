"""Decisions of earlier releases: cases closed by merging, and access that former owners kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.db import transaction
from django.db.models import Exists, OuterRef

from accounts.models import User
from customers.merging.merge import possibly_merged_cases
from customers.models import Customer
from customers.records.models import CustomerGrant, Ownership
from kit.audit.log import log_event
from kit.sql.streaming import stream_records

from .findings import VERB, Finding

MAX_PER_USER = 20  # customers listed for each user


def old_merged_cases() -> Iterator[Finding]:
    """Find cases that count as won back or resolved and were probably ended by a merge of an earlier release."""
    for case in stream_records(possibly_merged_cases().select_related("customer").order_by("pk")):
        advice = "它的客户并入过别的客户，时间线里没有挽回或解除；核对后可用 --only merged --fix 改为已合并"
        yield Finding(case, "状态", case.get_status_display(), advice, case.mark_as_merged)


def forgotten_shares() -> Iterator[Finding]:
    """Find shares older than the user's own time as 客户经理, which took effect again after it."""
    own_time = Ownership.objects.filter(
        customer=OuterRef("content_object"), manager=OuterRef("user"), since__gte=OuterRef("at"), until__isnull=False
    )
    rows = CustomerGrant.objects.filter(Exists(own_time)).select_related("content_object", "user", "permission")
    for grant in stream_records(rows.order_by("pk")):
        advice = f"{grant.user} 做过客户经理并已移交，从前的共享还在，取消共享"
        yield Finding(grant.content_object, "协作人", str(grant), advice, build_withdrawal(grant))


def build_withdrawal(grant: CustomerGrant) -> Callable[[], None]:
    def withdraw() -> None:
        with transaction.atomic():
            row = CustomerGrant.objects.select_for_update().filter(pk=grant.pk).first()
            if row is not None:
                facts = {"协作人": (row.user, None), "权限": (row.kind_label, None)}
                log_event(None, VERB, row.content_object, changes=facts)
                row.delete()

    return withdraw


def creators_without_access() -> Iterator[Finding]:
    """Find customers whose creator saw them only for having made them; since decision 39 they do not."""
    creators = Customer.objects.current().exclude(created_by=None).order_by().values("created_by")
    for person in User.objects.filter(is_active=True, pk__in=creators).order_by("pk"):
        created = Customer.objects.current().filter(created_by=person)
        for customer in created.exclude(pk__in=Customer.objects.visible_to(person).values("pk")).order_by("pk")[
            :MAX_PER_USER
        ]:
            advice = f"{person} 不再因为创建而看到它；仍需要时请客户经理 {customer.manager} 共享"
            yield Finding(customer, "创建人", str(person), advice)
