"""Filters of 客户开发计划."""

from __future__ import annotations

from kit.pages.filters import Contains, ListFilter
from marketing.opportunities.models import Opportunity


class DevelopmentFilter(ListFilter):
    customer_name = Contains(label="客户名称")
    summary = Contains(label="概要")
    contact_name = Contains(label="联系人")

    class Meta:
        model = Opportunity
        fields: list[str] = []
