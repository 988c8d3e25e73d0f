"""Filters of a customer's contacts."""

from __future__ import annotations

import django_filters

from kit.lists.filters import Contains, ListFilter

from .models import Contact


class ContactFilter(ListFilter):
    name = Contains(label="姓名")
    position = Contains(label="职位")
    role = django_filters.ChoiceFilter(choices=Contact.Role, label="角色", empty_label="全部")

    class Meta:
        model = Contact
        fields: list[str] = []
