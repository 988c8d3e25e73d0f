"""The four reports behind a 客户管理报告, as their author sees them."""

from __future__ import annotations

from datetime import date
from typing import Any

from accounts.models import User

from .digest import computed, take


def four_reports(user: User, period: date) -> list[dict[str, Any]]:
    """Contribution, services and churn of the year of the period; composition as it is now."""
    from .views.composition import CompositionReport

    pages = ((CompositionReport, ""),)
    return [take(computed(page, user, query)) for page, query in pages]
