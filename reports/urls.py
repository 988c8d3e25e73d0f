from django.urls import path

from .pages import backtest, backtest_rows, churn, monthly, pipeline, service
from .pages.composition import CompositionReport
from .pages.contribution import ContributionReport

app_name = "reports"
urlpatterns = [
    path("contribution/", ContributionReport.as_view(), name="contribution"),
    path("composition/", CompositionReport.as_view(), name="composition"),
    path("services/", service.ServicesReport.as_view(), name="services"),
    path("churn/", churn.ChurnReport.as_view(), name="churn"),
    path("churn/backtest/", backtest.BacktestReport.as_view(), name="churn_backtest"),
    path("churn/backtest/customers/", backtest_rows.BacktestRows.as_view(), name="churn_backtest_rows"),
    path("pipeline/", pipeline.PipelineReport.as_view(), name="pipeline"),
    path("monthly/", monthly.MonthlyList.as_view(), name="monthly_list"),
    path("monthly/new/", monthly.MonthlyCreate.as_view(), name="monthly_create"),
    path("monthly/<id:pk>/", monthly.MonthlyDetail.as_view(), name="monthly_detail"),
    path("monthly/<id:pk>/edit/", monthly.MonthlyUpdate.as_view(), name="monthly_update"),
    path("monthly/<id:pk>/refresh/", monthly.RefreshMonthly.as_view(), name="monthly_refresh"),
    path("monthly/<id:pk>/delete/", monthly.RemoveMonthly.as_view(), name="monthly_delete"),
    path("monthly/<id:pk>/submit/", monthly.SubmitMonthly.as_view(), name="monthly_submit"),
    path("monthly/<id:pk>/review/", monthly.ReviewMonthly.as_view(), name="monthly_review"),
    path("monthly/<id:pk>/return/", monthly.SendBackMonthly.as_view(), name="monthly_return"),
    path("monthly/<id:pk>/history/", monthly.MonthlyHistory.as_view(), name="monthly_history"),
    path("monthly/<id:pk>/xlsx/", monthly.MonthlyWorkbook.as_view(), name="monthly_workbook"),
]
