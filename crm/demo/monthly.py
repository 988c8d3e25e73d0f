"""客户管理报告 of the demo company: one that was reviewed, one that came back, one that waits for the executive."""

from __future__ import annotations

from datetime import date

from django.utils import timezone

from accounts.models import User
from kit.domain.days import add_months
from reports.models import MonthlyReport
from reports.pages.monthly_sections import four_reports

REMARKS = """本月订单集中在月中，老客户补库占大头；新客户首单 {n} 家，都按计划执行。
流失方面：确认流失的客户以产线停产和集团统一采购为主，价格原因的已安排主管上门。
服务方面：投诉的处理时长在两个工作日以内，重复投诉的客户逐家回访。
下月安排：大客户年度协议续签；预警客户全部制定暂缓措施；跟进加权金额最高的五个机会。"""
PRAISE = "情况清楚。大客户续签的进度请每周报一次。"
QUESTION = "请补充华东组重复投诉的原因，以及准备怎样改进。"


def play_monthly(cast: dict[str, User]) -> int:
    """Create the reports, after everything in them; return how many there are."""
    this_month = timezone.localdate().replace(day=1)
    supervisor, deputy, executive = cast["zhuguan"], cast["zhaorui"], cast["gaoguan"]
    _write(supervisor, add_months(this_month, -2), 3).review(by=executive, comment=PRAISE)
    _write(supervisor, add_months(this_month, -1), 2)
    _write(deputy, add_months(this_month, -1), 1).send_back(by=executive, comment=QUESTION)
    return MonthlyReport.objects.count()


def _write(author: User, period: date, customers: int) -> MonthlyReport:
    remarks = REMARKS.format(n=customers)
    report = MonthlyReport.create(by=author, period=period, figures=four_reports(author, period), remarks=remarks)
    report.submit(by=author)
    return report
