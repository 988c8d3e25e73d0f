"""The four reports inside a 客户管理报告, in their author's view."""

from __future__ import annotations

from datetime import date
from typing import Any

from accounts.models import User

from ..forms import ReportForm
from ..report_page import ReportPage
from ..report_snapshot import serialize_report
from .churn import ChurnReport
from .composition import CompositionReport
from .contribution import ContributionReport
from .service import ServicesReport


def four_reports(user: User, period: date) -> list[dict[str, Any]]:
    """Return contribution, services and churn of the year of the period, and composition as it is now."""
    year = {"year": str(period.year)}
    return [
        section(ContributionReport, user, year),
        section(CompositionReport, user, {}),
        section(ServicesReport, user, year),
        section(ChurnReport, user, year),
    ]


def section(page_class: type[ReportPage[Any]], user: User, values: dict[str, str]) -> dict[str, Any]:
    """Return one report, serialized. values: of its form."""
    form: ReportForm = page_class.form_class(values, user=user)
    report = page_class.report_of(form, no_link)
    return serialize_report(page_class.title, report, form.conditions(without=page_class.tab_field))


def no_link(**_: object) -> str:
    """Return no URL: links are not stored."""
    return ""
