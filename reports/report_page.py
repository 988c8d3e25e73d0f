"""The page kit of reports: a report is a form of filters and one function that draws its figures.

    class ChurnForm(ScopeForm):                      # reports/forms.py: optional filters, read from the URL
        name = forms.CharField(label="客户名称", max_length=100)

        def filters(self) -> ChurnFilters: …         # what the figures depend on besides the viewer

    class ChurnReport(ReportPage[ChurnForm]):
        title, help, form_class = "客户流失分析", "report-churn", ChurnForm
        mirrored = ("orders", "order_lines")         # 数据截至 of these tables; () when the CRM's own data are live

        @staticmethod
        def report(form, link):                      # form: valid; form.user: the viewer; link: QueryString.link
            figures = churn_figures(form.user, form.filters())
            return Report(facts=[…], kpis=[Kpi(…)], charts=[Chart(…)], tables=[ReportTable(…, paged=True)])

From that the page renders: filters and applied filters, KPI line, charts (static/js/charts.js), tables with sort links
and paging, the total row, the print view, ?export=xlsx (all tables, the filters, the time, native charts) and
?export=csv (the paged table, else the first). The parts are documented in report_parts.py, the formatting of figures
in figure_cells.py: shares() for columns that must add up to 100.0, percent(), change(), signed(), and
shorten_amount() for tiles.

Rules
- Figures are computed in queries/, by functions of the viewer and the filters: the 客户管理报告 and the executive's
  home page call the same ones, without a request. The page declares columns and draws the links to the rows.
- A row of a table is any object with the attributes that its columns name; the total row is one more of them.
- Figure(label, "attribute", kind="money", url=lambda row: …) is a column of numbers linked to the rows behind it; a
  plain kit.lists.columns.Column shows text (html= for links). Every figure leads to rows: Figure("占比", "share",
  kind="percent", of="次数") to those of the column 次数.
- Every number of a chart stands in a table of the same report: that is its text alternative and all there is without
  script.
- Texts under the title (facts) say period and basis. A form with errors shows them and computes nothing.
- A report that is not about figures alone sets template_name to a template that extends reports/page.html (blocks:
  before, figures, after).
- Another permission to view: permission; to export: export_permission.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import cached_property
from django.views import View

from basedata.models import mirror_notice
from kit.pages.export_requests import apply_posted_conditions, effect_refusal, requested_format
from kit.pages.query_string import QueryString
from kit.pages.unknown_parameters import list_objections, refuse_export

from .conditions import Conditions
from .export import ReportExport
from .forms import ReportForm
from .report_parts import PageLink, Report
from .table_drawing import draw_table

NARROW_COLUMNS = 5  # of a table that has room beside a chart

Form = TypeVar("Form", bound=ReportForm)


class ReportPage(View, Generic[Form]):
    title: str
    help: str = ""
    crumbs: tuple[tuple[str, str], ...] = (("统计报表", ""),)
    permission: str = "reports.view_reports"
    export_permission: str = "reports.export_reports"
    form_class: type[Form]
    mirrored: tuple[str, ...] = ()
    empty_text: str = "这个范围里还没有数据。"
    template_name: str = "reports/page.html"
    tab_field: str = ""  # a choice field of the form that is drawn as tabs instead
    request: Any  # an HttpRequest whose user is signed in, as LoginRequiredMiddleware closes every page

    @staticmethod
    def report(form: Form, link: PageLink) -> Report:
        """Return the figures drawn as a report. form: valid; link: the page's own URL with parameters changed."""
        raise NotImplementedError

    @classmethod
    def report_of(cls, form: Form, link: PageLink) -> Report:
        """Return the report; an empty one when the form has errors."""
        return cls.report(form, link) if form.is_valid() else Report(empty=True)

    # Requests

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        refusal = None if requested_format(request) is None else effect_refusal(request)
        return refusal or super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm(self.permission):
            raise PermissionDenied("您的角色不能查看这个报表。")
        if (file_format := requested_format(request)) is not None:
            return self.export(file_format)
        return render(request, self.template_name, self.page_context())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Answer as GET does with the form's conditions as its query string; only exports are posted."""
        if requested_format(request) is None:
            return self.http_method_not_allowed(request)
        apply_posted_conditions(request)
        return self.get(request)

    def export(self, file_format: str) -> HttpResponse:
        if not self.request.user.has_perm(self.export_permission):
            raise PermissionDenied("您的角色不能导出。")
        if sentences := [*self.conditions.misread(self.computed), *list_objections(self.form)]:
            return refuse_export(self.request, sentences)
        report_export = ReportExport(self.title, self.crumbs, self.mirrored, self.conditions, self.computed)
        return report_export.answer(file_format)

    # What was asked, and what is shown

    @cached_property
    def query(self) -> QueryString:
        return QueryString(self.request)

    @cached_property
    def form(self) -> Form:
        return self.form_class(self.request.GET, user=self.request.user)

    @cached_property
    def computed(self) -> Report:
        return self.report_of(self.form, self.query.link)

    @cached_property
    def conditions(self) -> Conditions:
        return Conditions(self.form, self.tab_field, self.query)

    def page_context(self) -> dict[str, Any]:
        report = self.computed
        tables = [{**draw_table(table, self.query), "id": f"table-{n}"} for n, table in enumerate(report.tables)]
        charts = report.drawn_charts("chart")
        return {
            "view": self,
            "title": self.title,
            "crumbs": self.crumbs,
            "help_anchor": self.help,
            "filter_form": [field for field in self.form if field.name != self.tab_field],
            "applied": self.conditions.applied(),
            "tabs": self.conditions.tabs(),
            "report": report,
            "charts": charts,
            "tables": tables,
            "figures": pair_figures(charts, tables),
            "misread": [
                *self.conditions.misread(report),
                *(text for context in tables for text in context["misread"]),
            ],
            "mirror": mirror_notice(*self.mirrored) if self.mirrored else None,
            "can_export": self.request.user.has_perm(self.export_permission) and not report.empty,
            "export_conditions": self.query.conditions,
            "now": timezone.localtime(),
        }

    @property
    def tab(self) -> str:
        return self.conditions.tab


def pair_figures(charts: list[dict[str, Any]], tables: list[dict[str, Any]]) -> list[list[tuple[str, dict[str, Any]]]]:
    """Return charts and tables in the page's order, a narrow table beside the chart of the same title."""
    blocks: list[list[tuple[str, dict[str, Any]]]] = []
    paired: list[dict[str, Any]] = []
    for chart in charts:
        same = [drawn for drawn in tables if drawn["table"].title == chart["chart"].title]
        beside = [drawn for drawn in same if len(drawn["table"].columns) <= NARROW_COLUMNS][:1]
        blocks.append([("chart", chart), *(("table", drawn) for drawn in beside)])
        paired += beside
    return [*blocks, *([("table", drawn)] for drawn in tables if drawn not in paired)]
