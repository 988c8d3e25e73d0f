"""开发成功 when similar customers exist: link to one of them, or create another with a reason."""

from __future__ import annotations

from accounts.models import User
from customers.models import Customer, lock_current_customers, lock_customer_names
from customers.names import normalize
from customers.records.duplicates import SearchTerms, similar_customers
from kit.domain.verdict import refuse_if


class SameNameExists(Exception):
    """A customer of the same name exists: link to it, or create another with a reason."""

    def __init__(self, customers: list[Customer]) -> None:
        super().__init__("已有同名客户")
        self.customers = customers


def lock_namesakes(sought: SearchTerms, by: User, *, link_to: Customer | None, create_anyway: str) -> str:
    """Lock customer names and link_to; return how the new customer resembles existing ones.

    "同名" or "相近的"; empty when a customer is linked or none is similar. Until the transaction ends no other customer
    of this name appears, and link_to is neither merged nor deleted. Raises SameNameExists without link_to and reason.
    """
    lock_current_customers(link_to, by=by)
    lock_customer_names()
    similar = similar_customers(sought, by)
    if link_to is not None:
        refuse_if(link_to not in similar, "所选客户已不是同名客户，请重新选择。").enforce()
        link_to.can_edit(by).enforce()
        return ""
    same_name = [customer for customer in similar if customer.name_normalized == normalize(sought.name)]
    if same_name and not create_anyway:
        raise SameNameExists(same_name)
    return ("同名" if same_name else "相近的") if similar and create_anyway else ""
