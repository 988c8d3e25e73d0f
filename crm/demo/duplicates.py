"""Customers that were entered twice, for 疑似重复客户 and 合并."""

from __future__ import annotations

from accounts.models import User
from customers.models import Customer, merge_customers

from .clients import Client

COPIES = 3  # still to be merged; one more is merged already, and can be taken apart again
SAME = ("region", "industry", "level", "satisfaction", "credit", "address")


def enter_twice(clients: list[Client], supervisor: User) -> int:
    """Enter the first customers of an account manager once more, as people type a name they do not look up.

    The supervisor has merged the last of them.
    """
    first = clients[0].customer.manager
    originals = [client.customer for client in clients if client.customer.manager == first and client.details == {}]
    for number, one in enumerate(originals[: COPIES + 1]):
        name = one.name.removesuffix("有限公司")
        copy = Customer.create(
            by=first,
            manager=first,
            name=f"{name}（有限公司）" if number % 2 else name,
            **{field: getattr(one, field) for field in SAME},
        )
    merge_customers(originals[COPIES], [copy], by=supervisor, reason="同一家客户录了两次")
    return COPIES
