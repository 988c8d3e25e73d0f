"""Customers that were entered twice, for 疑似重复客户 and 合并."""

from __future__ import annotations

from customers.models import Customer

from .clients import Client

COPIES = 3
SAME = ("region", "industry", "level", "satisfaction", "credit", "address")


def enter_twice(clients: list[Client]) -> int:
    """Enter the first customers of an account manager once more, as people type a name they do not look up."""
    first = clients[0].customer.manager
    originals = [client.customer for client in clients if client.customer.manager == first and client.details == {}]
    for number, one in enumerate(originals[:COPIES]):
        name = one.name.removesuffix("有限公司")
        Customer.create(
            by=first,
            manager=first,
            name=f"{name}（有限公司）" if number % 2 else name,
            **{field: getattr(one, field) for field in SAME},
        )
    return len(originals[:COPIES])
