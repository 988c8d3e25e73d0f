"""Filters of a customer's contacts."""

from __future__ import annotations

from kit.pages.filters import Contains, ListFilter

from .models import Contact


class ContactFilter(ListFilter):
    name = Contains(label="姓名")
    position = Contains(label="职位")

    class Meta:
        model = Contact
        fields: list[str] = []
