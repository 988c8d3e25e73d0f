"""The four reports inside a 客户管理报告, in their author's view."""

from __future__ import annotations

from datetime import date
from typing import Any

from accounts.models import User

from .pages.churn import ChurnReport
from .pages.composition import CompositionReport
from .pages.contribution import ContributionReport
from .pages.service import ServicesReport
from .report_page import ReportPage
from .report_snapshot import open_report, serialize_report


def four_reports(user: User, period: date) -> list[dict[str, Any]]:
    """Return contribution, services and churn of the year of the period, and composition as it is now."""
    year = f"year={period.year}"
    pages: tuple[tuple[type[ReportPage], str], ...] = (
        (ContributionReport, year),
        (CompositionReport, ""),
        (ServicesReport, year),
        (ChurnReport, year),
    )
    return [serialize_report(open_report(page, user, query)) for page, query in pages]
