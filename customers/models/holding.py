"""Whatever comes to hang on a customer holds it first, and learns where it went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accounts.models import User
from kit.domain.verdict import ALLOWED, Verdict, first_objection, lock_row, refuse_if

if TYPE_CHECKING:
    from .customer import Customer


def hold_customers(*customers: Customer | None, by: User | None, kept: Customer | None = None) -> None:
    """Re-reads the customers that a row is to point at, and keeps them as they are until the transaction ends.

    Refuses with where one went that was deleted or merged. kept: the one it points at already, which stays whatever
    became of it. A new 客户经理 is nobody's to know here: ask for the right over the customer after this. Its place:
    people, customers by key, then what hangs on them, then names, the day's number row and new rows.
    """
    rows = sorted((customer for customer in customers if customer is not None), key=lambda customer: customer.pk)
    for customer in rows:
        lock_row(customer)
    first_objection(*(whereabouts(customer, by) for customer in rows if customer != kept)).enforce()


def await_turn(customer: Customer, verb: str) -> None:
    """Removal takes turns with orders and scans, which look for customers first and write later."""
    if verb == "remove":
        from .merge import take_merge_and_scan_locks

        take_merge_and_scan_locks()


def whereabouts(customer: Customer, by: User | None) -> Verdict:
    """Refuses over a deleted customer; of a merged one it names the survivor, to whoever sees that. None: the system.

    Of a customer that is there it asks the database nothing.
    """
    if customer.deleted_at is None:
        return ALLOWED
    survivor = customer.merged_into
    if survivor is None:
        return refuse_if(True, "客户已删除，需要时请系统管理员恢复。")
    if by is None or type(customer)._default_manager.visible_to(by).filter(pk=survivor.pk).exists():
        return refuse_if(True, f"客户已并入「{survivor.name}」（{survivor.number}），请在那里继续。")
    return refuse_if(True, "客户已并入您查看范围外的另一个客户，请联系您的主管。")
