"""Filters of 客户开发计划."""

from __future__ import annotations

from kit.lists.filter_days import DaysAgo
from kit.lists.filters import Contains, ListFilter
from marketing.opportunities.models import Opportunity


class DevelopmentFilter(ListFilter):
    favourites = ("customer_name", "contact_name", "assigned", "summary")

    customer_name = Contains(label="客户名称")
    summary = Contains(label="概要")
    contact_name = Contains(label="联系人")
    assigned = DaysAgo(field_name="assigned_at", label="指派", over="{} 天以前指派", within="近 {} 天指派")

    class Meta:
        model = Opportunity
        fields: list[str] = []
