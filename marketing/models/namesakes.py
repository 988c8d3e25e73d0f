"""开发成功 beside customers that are there already: link to one of them, or make another with a reason."""

from __future__ import annotations

from accounts.models import User
from customers.likeness import Sought, alike
from customers.models import Customer, hold_customer_names, hold_customers
from customers.names import normalize
from kit.domain.verdict import refuse_if


class SameNameExists(Exception):
    """A customer of the same name is already there: link to it, or create anyway with a reason."""

    def __init__(self, customers: list[Customer]) -> None:
        super().__init__("已有同名客户")
        self.customers = customers


def lock_namesakes(sought: Sought, by: User, *, link_to: Customer | None, create_anyway: str) -> str:
    """What the new customer is to those there: "同名", "相近的", or empty for a linked one and where there is none.

    Until the transaction ends no other customer of this name appears, and the chosen one is neither merged nor deleted.
    """
    hold_customers(link_to, by=by)
    hold_customer_names()
    found = alike(sought, by)
    if link_to is not None:
        refuse_if(link_to not in found, "所选客户已不是同名客户，请重新选择。").enforce()
        link_to.can_edit(by).enforce()
        return ""
    same_name = [customer for customer in found if customer.name_normalized == normalize(sought.name)]
    if same_name and not create_anyway:
        raise SameNameExists(same_name)
    return ("同名" if same_name else "相近的") if found and create_anyway else ""
