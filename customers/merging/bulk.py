"""Set-based changes of many customers: 移交 and 批量修改."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import models
from django.utils import timezone

from accounts.models import User, notify
from customers.hooks import RecordsOfCustomers
from customers.insight.models import end_pauses
from customers.orders.rollups import refresh_after_transfer
from customers.records.candidates import possible_successors
from customers.records.field_labels import entry_categories
from customers.records.models import Customer, CustomerGrant, Ownership
from customers.records.search_text import write_customer_texts
from customers.timeline import TimelineEntry
from kit.audit.log import format_value, log_events
from kit.domain.modules import lent
from kit.domain.verdict import refuse_if
from kit.sql.transactions import in_transaction

CATEGORY_BY_FIELD = entry_categories(("region", "industry", "level"))


@in_transaction
def transfer_customers(customers: list[Customer], to: User, *, by: User, reason: str) -> int:
    """Move customers to a new 客户经理, set-based; return how many moved (those already theirs stay).

    Call with the rows locked and can_transfer() checked for each.
    """
    refuse_if(not customers, "没有选中您可以移交的客户。").enforce()
    refuse_if(not reason.strip(), "请填写移交原因。").enforce()
    refuse_if(
        not possible_successors(by).filter(pk=to.pk).exists(), f"{to} 不是您范围内在职的客户经理，请另选一位。"
    ).enforce()
    moving = [customer for customer in customers if customer.manager_id != to.pk]
    refuse_if(not moving, f"客户现在就由{to}负责，请另选一位客户经理。").enforce()
    return move_customers(moving, to, by=by, reason=reason)


@in_transaction
def move_customers(moving: list[Customer], to: User, *, by: User, reason: str) -> int:
    """Move the customers with ownership, audit log, timeline and notifications.

    Call with the rows locked and the permission checked.
    """
    now = timezone.now()
    keys = [customer.pk for customer in moving]
    begin_ownership([one.pk for one in moving if one.merged_into_id is None], to, now, reason)
    CustomerGrant.objects.filter(content_object__in=keys, user=to).delete()
    Customer.objects.filter(pk__in=keys).update(manager=to, version=models.F("version") + 1)
    set_owner_in_records(keys, to)
    end_pauses(moving, by=by, reason="移交给新的客户经理")
    log_events(by, "移交", moving, changes=lambda customer: {"客户经理": (customer.manager, to), "原因": reason})
    TimelineEntry.objects.bulk_create(
        TimelineEntry(customer=customer, at=now, kind="customer", text=f"移交：{customer.manager} → {to}（{reason}）")
        for customer in moving
    )
    refresh_after_transfer(keys, now)
    _notify_of_transfer(moving, to, by, reason)
    for customer in moving:
        customer.manager = to
    return len(moving)


@in_transaction
def begin_ownership(keys: list[int], manager: User, now: datetime, reason: str) -> None:
    """End what is open of the customers' periods and begin another; that of a merged one ended with the merge."""
    Ownership.objects.filter(customer__in=keys, until=None).update(until=now)
    Ownership.objects.bulk_create(
        [Ownership(customer_id=key, manager=manager, since=now, reason=reason) for key in keys], batch_size=500
    )


def set_owner_in_records(customers: Iterable[int], manager: User) -> None:
    """Name the customers' owner in the rows of higher modules; for whatever moves or joins customers."""
    for records in lent(RecordsOfCustomers):
        records.set_owner(customers, manager)


def _notify_of_transfer(customers: list[Customer], to: User, by: User, reason: str) -> None:
    """Send one notification per user, however many customers move."""
    by_former_owner: dict[User, list[Customer]] = {}
    for customer in customers:
        by_former_owner.setdefault(customer.manager, []).append(customer)
    for former, former_customers in by_former_owner.items():
        if former.pk != by.pk:
            notify(former, f"{by} 已把您负责的{_customers_text(former_customers)}移交给 {to}：{reason}"[:300])
    if to.pk != by.pk:
        notify(
            to,
            f"{by} 将{_customers_text(customers)}移交给您：{reason}"[:300],
            customers[0] if len(customers) == 1 else None,
        )


def _customers_text(customers: list[Customer]) -> str:
    return f"客户「{customers[0]}」" if len(customers) == 1 else f" {len(customers)} 个客户"


@in_transaction
def reclassify_customers(customers: list[Customer], *, by: User, reason: str = "", **values: Any) -> int:
    """Set 地区, 行业 or 客户等级 of customers; return how many changed (those that have it already stay).

    Call with the rows locked and can_reclassify() checked for each. values: field → dictionary entry.
    """
    refuse_if(not customers, "没有选中您可以修改的客户。").enforce()
    refuse_if(not values, "请至少选择一项要修改的内容。").enforce()
    for name, entry in values.items():
        refuse_if(
            entry is None or entry.category != CATEGORY_BY_FIELD[name], f"请选择有效的{CATEGORY_BY_FIELD[name]}。"
        ).enforce()
    changing = [one for one in customers if any(getattr(one, f"{name}_id") != values[name].pk for name in values)]
    refuse_if(not changing, "所选客户已经是这样，没有要修改的。").enforce()
    level_changes = "level" in values and any(one.level_id != values["level"].pk for one in changing)
    refuse_if(level_changes and not reason.strip(), "客户等级有变化，请填写原因。").enforce()
    keys = [customer.pk for customer in changing]
    Customer.objects.filter(pk__in=keys).update(**values, version=models.F("version") + 1)
    write_customer_texts(keys)
    log_events(by, "批量修改", changing, changes=lambda customer: _changed_values(customer, values, reason))
    for customer in changing:
        for name, entry in values.items():
            setattr(customer, name, entry)
    return len(changing)


def _changed_values(customer: Customer, values: dict[str, Any], reason: str) -> dict[str, Any]:
    changes = {
        CATEGORY_BY_FIELD[name]: (format_value(getattr(customer, name)), entry)
        for name, entry in values.items()
        if getattr(customer, f"{name}_id") != entry.pk
    }
    return {**changes, **({"原因": reason} if reason.strip() else {})}
