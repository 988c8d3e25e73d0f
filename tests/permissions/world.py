"""The world of the tables: one record of each kind, and what to post at them. Each app adds its own part."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from django.core import signing
from django.db.models import Model

from accounts.models import User
from tests import factories

# manager (客户经理, 华北组) created every record but one, is assigned every assigned one and keeps the customer.
# colleague created the assigned one; both are in the same group, eastern in another under the same supervisor;
# stranger and outsider are of another department.
PEOPLE = (
    "anonymous", "administrator", "supervisor", "manager", "colleague", "eastern", "stranger", "outsider",
    "executive", "nobody",
)  # fmt: skip


class World(SimpleNamespace):
    """The people, the addresses of one record of each kind, what to post; records used by tests are attributes."""

    def __init__(self, company: Any) -> None:
        super().__init__()
        self.company = company
        self.helper = factories.person("account_manager", name="协作人", department=company.other)
        self.people: dict[str, User | None] = {name: getattr(company, name, None) for name in PEOPLE}
        # By kind of record: the arguments of its address.
        self.addresses: dict[str, list[Any]] = {"-": []}
        # One set of values that suits every form: whoever is refused is refused for lack of rights.
        self.values: dict[str, Any] = {
            "to": str(company.colleague.pk),
            "person": str(company.colleague.pk),
            "access": "view",
            "reason": "客户要求",
            "on": "2026-03-01",
            "text": "新的计划",
            "result": "新的效果",
            "name": "新的名称",
            "note": "重新签约",
            "token": "x",
        }
        # Where a form's field is named like another's but takes other values; by the beginning of the URL name.
        self.own_values: dict[str, dict[str, Any]] = {}
        # The record whose version an edit page carries; by the beginning of the URL name, the longest counts.
        self.edited: dict[str, Model] = {}

    def posted(self, name: str) -> dict[str, Any]:
        """Return what is posted at the address of that URL name."""
        values = {**self.values, "opened": self.opened(name)}
        for start, own in self.own_values.items():
            values |= own if name.startswith(start) else {}
        return values

    def opened(self, name: str) -> str:
        """Return the memory the edit page of that URL name carries."""
        starts = [start for start in self.edited if name.startswith(start)]
        return memory_of(self.edited[max(starts, key=len)] if starts else None)


def memory_of(record: Any) -> str:
    """Return the signed memory of a form opened with that record as it stands; None: a record never changed."""
    return signing.dumps({"version": record.version if record else 0, "values": {}}, salt="opened")
