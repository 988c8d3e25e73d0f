"""已有的客户和机会 while an opportunity is typed."""

from __future__ import annotations

from typing import Any, ClassVar

from customers.records.duplicates import Match, SearchTerms
from customers.records.known_pages import KnownWhileTyping

from .duplicates import organisation_matches
from .models import Opportunity


class KnownOrganisations(KnownWhileTyping):
    permissions: ClassVar[tuple[str, ...]] = (Opportunity.create.permission, Opportunity.edit.permission)
    names: ClassVar[dict[str, str]] = {"customer_name": "name", "contact_phone": "phone"}

    def find(self, terms: SearchTerms) -> list[Match]:
        user: Any = self.request.user
        return organisation_matches(terms, user, but=self.own_key)
