"""统计报表: figures about customers, service and opportunities, and the monthly report."""

from __future__ import annotations

import reports.personal
from accounts.models import User
from customers.hooks import AlertRecord
from kit.domain.modules import Chapter, MenuItem, Module, PagePermission

from .alert_record import describe_past_alerts
from .models import MonthlyReport
from .waiting import WAITING

MODULE: Module[User] = Module(
    "reports",
    "统计报表",
    "chart-bar",
    order=40,
    menu=(
        MenuItem("客户贡献分析", "reports:contribution", "reports.view_reports"),
        MenuItem("客户构成分析", "reports:composition", "reports.view_reports"),
        MenuItem("客户服务分析", "reports:services", "reports.view_reports"),
        MenuItem("客户流失分析", "reports:churn", "reports.view_reports"),
        MenuItem("销售漏斗", "reports:pipeline", "reports.view_pipeline"),
        MenuItem("客户管理报告", "reports:monthly_list", "reports.view_monthlyreport", "monthly"),
    ),
    waiting=WAITING,
    notified=(MonthlyReport,),
    personal=reports.personal,
    help=(Chapter("reports/help.html", 100), Chapter("reports/help_work.html", 110)),
    subjects={"compositionsnapshot": "统计报表"},
    pages={"reports:monthly_workbook": PagePermission("下载客户管理报告", "reports.view_monthlyreport")},
    lends=(AlertRecord(describe_past_alerts),),
)
