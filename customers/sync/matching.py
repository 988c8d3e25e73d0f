"""待匹配订单: a user names the customer of a key of the sales system."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from accounts.models import User
from customers.records.locks import lock_current_customers, take_merge_lock
from customers.records.models import Customer
from kit.audit.log import save_changes
from kit.domain.shortened_numbers import SHORTENED_REFUSED, is_shortened_number
from kit.domain.verdict import Refused

from .known_customers import KnownCustomers, build_keys
from .orders import unpark


class MatchRefused(Exception):
    """The key cannot be given to this customer; the message says why, in Chinese."""


def find_customer(text: str, user: User) -> Customer:
    """Find one customer by number or name, in the user's view; users without a view of customers find any.

    A merged customer leads to its survivor. Raise MatchRefused.
    """
    lookup = KnownCustomers(user if user.has_perm("customers.view_customer") else None)
    lookup.learn([build_keys(text, "", "", text)])
    matches = lookup.named(text)
    if len(matches) == 1:
        return Customer.objects.get(pk=matches[0].pk)
    raise MatchRefused(
        "有多个同名客户，请填写客户编号。" if matches else "没有找到这个客户，请填写客户编号或完整名称。"
    )


def match_customer(customer: Customer, key: str, *, by: User) -> int:
    """Give the customer the key and write its parked orders; return how many. Raise MatchRefused."""
    if is_shortened_number(key):
        raise MatchRefused(f"「{key}」：{SHORTENED_REFUSED}，再重新同步。")
    if len(key) > 30:
        raise MatchRefused("销售系统客户编号超过 30 个字，请先在销售系统里改正。")
    try:
        with transaction.atomic():
            take_merge_lock(merging=False)  # before any row is locked, like all writers of orders
            current = Customer.objects.get(pk=customer.pk)
            lock_current_customers(current, by=by)
            if current.external_number and current.external_number != key:
                raise MatchRefused(f"这个客户已有销售系统客户编号 {current.external_number}，请核对是否选错。")
            save_changes(by, "匹配销售系统客户", current, external_number=key)
            return unpark([key])
    except Refused as refused:
        raise MatchRefused(refused.verdict.reason) from None
    except IntegrityError:
        raise MatchRefused("另一个客户（可能已删除）已使用这个销售系统客户编号，请联系系统管理员。") from None
