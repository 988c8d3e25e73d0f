"""Reports and 客户管理报告: who gets what, and what the world has of them."""

from __future__ import annotations

from datetime import date

from django.utils import timezone

from tests import factories
from tests.permissions.world import World

TABLE = """
address                          record    verb  anon admi supe mana coll east stra outs exec nobo
reports:contribution             -         GET   in   403  200  403  403  403  403  200  200  403
reports:contribution             -         POST  in   405  405  405  405  405  405  405  405  405
reports:composition              -         GET   in   403  200  403  403  403  403  200  200  403
reports:composition              -         POST  in   405  405  405  405  405  405  405  405  405

reports:services                 -         GET   in   403  200  403  403  403  403  200  200  403
reports:services                 -         POST  in   405  405  405  405  405  405  405  405  405
reports:churn                    -         GET   in   403  200  403  403  403  403  200  200  403
reports:churn                    -         POST  in   405  405  405  405  405  405  405  405  405
reports:churn_backtest           -         GET   in   403  200  403  403  403  403  200  200  403
reports:churn_backtest           -         POST  in   405  405  405  405  405  405  405  405  405
reports:churn_backtest_rows      -         GET   in   403  200  403  403  403  403  200  200  403
reports:churn_backtest_rows      -         POST  in   405  405  405  405  405  405  405  405  405
reports:pipeline                 -         GET   in   403  200  200  200  200  200  200  200  403
reports:pipeline                 -         POST  in   405  405  405  405  405  405  405  405  405
reports:monthly_list             -         GET   in   403  200  403  403  403  403  200  200  403
reports:monthly_list             -         POST  in   405  405  405  405  405  405  405  405  405
reports:monthly_create           -         GET   in   403  200  403  403  403  403  200  403  403
reports:monthly_create           -         POST  in   403  302  403  403  403  403  302  403  403
reports:monthly_detail           written   GET   in   404  200  404  404  404  404  404  404  404
reports:monthly_detail           handed    GET   in   404  200  404  404  404  404  404  200  404
reports:monthly_detail           handed    POST  in   405  405  405  405  405  405  405  405  405
reports:monthly_update           written   GET   in   404  200  404  404  404  404  404  404  404
reports:monthly_update           written   POST  in   404  302  404  404  404  404  404  404  404
reports:monthly_update           handed    POST  in   404  409  404  404  404  404  404  403  404
reports:monthly_refresh          written   GET   in   404  200  404  404  404  404  404  404  404
reports:monthly_refresh          written   POST  in   404  302  404  404  404  404  404  404  404
reports:monthly_refresh          handed    POST  in   404  409  404  404  404  404  404  403  404
reports:monthly_delete           written   GET   in   404  200  404  404  404  404  404  404  404
reports:monthly_delete           written   POST  in   404  302  404  404  404  404  404  404  404
reports:monthly_delete           handed    POST  in   404  409  404  404  404  404  404  403  404
reports:monthly_submit           written   GET   in   404  200  404  404  404  404  404  404  404
reports:monthly_submit           written   POST  in   404  302  404  404  404  404  404  404  404
reports:monthly_submit           handed    POST  in   404  409  404  404  404  404  404  403  404
reports:monthly_review           handed    GET   in   404  403  404  404  404  404  404  200  404
reports:monthly_review           handed    POST  in   404  403  404  404  404  404  404  302  404
reports:monthly_review           written   POST  in   404  403  404  404  404  404  404  404  404
reports:monthly_return           handed    GET   in   404  403  404  404  404  404  404  200  404
reports:monthly_return           handed    POST  in   404  403  404  404  404  404  404  302  404
reports:monthly_return           written   POST  in   404  403  404  404  404  404  404  404  404
reports:monthly_history          handed    GET   in   404  200  404  404  404  404  404  200  404
reports:monthly_history          handed    POST  in   405  405  405  405  405  405  405  405  405
reports:monthly_workbook         handed    GET   in   404  200  404  404  404  404  404  200  404
reports:monthly_workbook         handed    POST  in   404  200  404  404  404  404  404  200  404
"""
WRITING: set[tuple[str, str]] = {("reports:monthly_workbook", "200")}  # a file that leaves a row in the trail


def make(world: World) -> None:
    """Add a monthly report in its writer's hands and one that was handed in."""
    supervisor, remarks = world.company.supervisor, "沈阳北辰流失"
    world.written = factories.monthly_report(supervisor, remarks=remarks)
    handed = factories.monthly_report(supervisor, "submitted", period=date(2026, 9, 1), remarks=remarks)
    world.addresses |= {"written": [world.written.pk], "handed": [handed.pk]}
    world.values |= {"remarks": "新的说明", "comment": "请补充", "period": f"{timezone.localdate():%Y-%m}-01"}
    world.edited["reports:monthly_update"] = world.written
