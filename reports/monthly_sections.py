"""The four reports behind a 客户管理报告, as their author sees them."""

from __future__ import annotations

from datetime import date
from typing import Any

from accounts.models import User

from .pages import ReportPage
from .report_snapshot import computed, take
from .views.churn import ChurnReport
from .views.composition import CompositionReport
from .views.contribution import ContributionReport
from .views.service import ServicesReport


def four_reports(user: User, period: date) -> list[dict[str, Any]]:
    """Contribution, services and churn of the year of the period; composition as it is now."""
    year = f"year={period.year}"
    pages: tuple[tuple[type[ReportPage], str], ...] = (
        (ContributionReport, year),
        (CompositionReport, ""),
        (ServicesReport, year),
        (ChurnReport, year),
    )
    return [take(computed(page, user, query)) for page, query in pages]
