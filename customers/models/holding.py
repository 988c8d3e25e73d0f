"""Locks on customers before rows are attached to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accounts.models import User
from kit.domain.verdict import ALLOWED, Verdict, first_objection, lock_row, refuse_if

if TYPE_CHECKING:
    from .customer import Customer


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
    from .merge import take_merge_and_scan_locks

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
