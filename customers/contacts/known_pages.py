"""已有的联系人 while a contact is typed: those of its customer, which whoever may add one sees."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse

from customers.records.duplicates import Match, SearchTerms, contact_matches
from customers.records.known_pages import KnownWhileTyping
from customers.records.part_pages import get_customer

from .models import Contact


class KnownContacts(KnownWhileTyping):
    permissions: ClassVar[tuple[str, ...]] = (Contact.create.permission,)
    names: ClassVar[dict[str, str]] = {"mobile": "phone", "office_phone": "phone"}

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:  # type: ignore[override]  # of one customer
        user: Any = request.user
        self.customer = get_customer(request, pk)
        self.customer.can_contribute(user).enforce()
        return super().post(request)

    def find(self, terms: SearchTerms) -> list[Match]:
        return contact_matches(self.customer, terms, exclude=self.own_key)
