"""Locks on customers before rows are attached to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accounts.models import User
from kit.domain.verdict import ALLOWED, Verdict, first_objection, refuse_if
from kit.sql.locks import AdvisoryLock, take_lock
from kit.sql.row_locks import lock_row
from kit.sql.transactions import in_transaction

if TYPE_CHECKING:
    from .models import Customer


def lock_current_customers(*customers: Customer | None, by: User | None, kept: Customer | None = None) -> None:
    """Re-read and lock, to the end of the transaction, the customers that a row is to reference.

    Refuse deleted and merged ones, naming the survivor. kept: the customer referenced so far, allowed whatever became
    of it. The 客户经理 may have changed: check the permission over the customer after this call. Order of locks: users,
    customers by key, their related rows, names, the day's number row and new rows.
    """
    rows = sorted((customer for customer in customers if customer is not None), key=lambda customer: customer.pk)
    for customer in rows:
        lock_row(customer)
    first_objection(*(refuse_if_removed(customer, by) for customer in rows if customer != kept)).enforce()


def take_removal_locks(customer: Customer) -> None:
    """Take the locks of order writers and scans, which select customers first and write later."""

    take_merge_and_scan_locks()


def refuse_if_removed(customer: Customer, by: User | None) -> Verdict:
    """Refuse deleted customers; name the survivor of a merge to users who see it. None: the system.

    For a customer that is not deleted it makes no query.
    """
    if customer.deleted_at is None:
        return ALLOWED
    survivor = customer.merged_into
    if survivor is None:
        return refuse_if(True, "客户已删除，需要时请系统管理员恢复。")
    if by is None or type(customer)._default_manager.visible_to(by).filter(pk=survivor.pk).exists():
        return refuse_if(True, f"客户已并入「{survivor.name}」（{survivor.number}），请在那里继续。")
    return refuse_if(True, "客户已并入您查看范围外的另一个客户，请联系您的主管。")


def lock_customer_names() -> None:
    """Keep others from naming customers to the end of the transaction.

    Lock customers before (hold_customers()): a rename locks its row and then waits here. Only the day's number row and
    new rows are locked after this.
    """
    take_lock(AdvisoryLock.CUSTOMER_NAMES)


@in_transaction
def take_merge_lock(*, merging: bool) -> None:
    """Let merges wait for transactions that write orders, and the other way round.

    Orders find their customers before a merge or after it, never during.
    """
    take_lock(AdvisoryLock.MERGES, shared=not merging)


@in_transaction
def take_merge_and_scan_locks() -> None:
    """Keep order writers and scans waiting to the end of the transaction. Call before any row is locked."""
    take_merge_lock(merging=True)
    take_scan_lock()


@in_transaction
def take_scan_lock() -> None:
    """Let one scan run at a time, to the end of the transaction."""
    take_lock(AdvisoryLock.CHURN_SCAN)
