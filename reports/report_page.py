"""The page kit of reports: a report is a form of filters and one function that computes.

    class ContributionForm(ReportForm):             # reports/forms.py: optional filters, read from the URL
        name = forms.CharField(label="客户名称", max_length=100)

    class ContributionReport(ReportPage):
        title, help, form_class = "客户贡献分析", "contribution", ContributionForm
        mirrored = ("orders", "order_lines")         # 数据截至 of these tables; () when the CRM's own data are live

        def report(self, values):                    # values: the form's cleaned_data; rows through visible_to(user)
            return Report(facts=[…], kpis=[Kpi(…)], charts=[Chart(…)], tables=[ReportTable(…, paged=True)])

From that the page renders: filters and applied filters, KPI line, charts (static/js/charts.js), tables with sort links
and paging, the total row, the print view, ?export=xlsx (all tables, the filters, the time, native charts) and
?export=csv (the paged table, else the first). The parts are documented in report_parts.py, the formatting of figures
in figure_cells.py: shares() for columns that must add up to 100.0, percent(), change(), signed(), and
in_readable_unit() for tiles.

Rules
- A row of a table is any object with the attributes that its columns name; the total row is one more of them.
- Figure(label, "attribute", kind="money", url=lambda row: …) is a column of numbers linked to the rows behind it; a
  plain kit.pages.lists.Column shows text (html= for links). Every figure leads to rows: Figure("占比", "share",
  kind="percent", of="次数") to those of the column 次数.
- Every number of a chart stands in a table of the same report: that is its text alternative and all there is without
  script.
- Texts under the title (facts) say period and basis. A form with errors shows them and computes nothing.
- A report that is not about figures alone sets template_name to a template that extends reports/page.html (blocks:
  before, after) and adds to page_context().
- Another permission to view: permission; to export: export_permission.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import cached_property
from django.views import View

from basedata.models import mirror_notice
from kit.pages.export_requests import ExportsByPost
from kit.pages.lists import Column
from kit.pages.paging import Pager
from kit.pages.query_string import QueryString
from kit.pages.row_html import plain_row
from kit.pages.templatetags.ui import format_cell
from kit.pages.unknown_parameters import (
    describe_repeated_names,
    describe_unknown_names,
    list_objections,
    refuse_export,
    shorten,
)

from .export import deliver
from .forms import ALL, ReportForm
from .report_parts import Report, ReportTable


class ReportPage(ExportsByPost, View):
    title: str
    help: str = ""
    crumbs: tuple[tuple[str, str], ...] = (("统计报表", ""),)
    permission: str = "reports.view_reports"
    export_permission: str = "reports.export_reports"
    form_class: type[ReportForm] = ReportForm
    mirrored: tuple[str, ...] = ()
    empty_text: str = "这个范围里还没有数据。"
    template_name: str = "reports/page.html"
    tab_field: str = ""  # a choice field of the form that is drawn as tabs instead
    request: Any

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if not request.user.has_perm(self.permission):
            raise PermissionDenied("您的角色不能查看这个报表。")
        if (file_format := self.requested_format()) is not None:
            return self.export(file_format)
        return render(request, self.template_name, self.page_context())

    def export(self, file_format: str) -> HttpResponse:
        if not self.request.user.has_perm(self.export_permission):
            raise PermissionDenied("您的角色不能导出。")
        if sentences := [*self.misread(), *list_objections(self.form)]:
            return refuse_export(self.request, sentences)
        return deliver(self, file_format)

    # Computation

    @cached_property
    def form(self) -> ReportForm:
        return self.form_class(self.request.GET, user=self.request.user)

    @cached_property
    def computed(self) -> Report:
        return self.report(self.form.cleaned_data) if self.form.is_valid() else Report(empty=True)

    def report(self, values: dict[str, Any]) -> Report:
        raise NotImplementedError

    def misread(self) -> list[str]:
        """Return sentences about parameters this report does not know, with what is shown instead."""
        params, fields = self.request.GET, self.form.fields
        sentences = [*describe_unknown_names(params, fields), *describe_repeated_names(params, fields)]
        if self.tab_field in self.form.errors:
            sentences.append(f"没有「{shorten(str(params.get(self.tab_field, '')))}」这一类，请重新选择。")
        paged = [table for table in self.computed.tables if table.paged]
        if self.sort and paged and not any(table.sorting(self.sort) for table in paged):
            sentences.append(f"不能按「{shorten(self.sort)}」排序，现在按默认的顺序。")
        return sentences

    # The page

    def page_context(self) -> dict[str, Any]:
        report = self.computed
        tables = [self.table_context(table) for table in report.tables]
        charts = [(f"chart-{number}", chart) for number, chart in enumerate(report.charts)]
        return {
            "view": self,
            "title": self.title,
            "crumbs": self.crumbs,
            "help_anchor": self.help,
            "filter_form": [field for field in self.form if field.name != self.tab_field],
            "applied": self.applied(),
            "tabs": self.tabs(),
            "report": report,
            "charts": [
                {"id": key, "data_id": f"{key}-data", "chart": chart, "drawing": chart.drawing()}
                for key, chart in charts
            ],
            "tables": tables,
            "misread": [*self.misread(), *(text for context in tables for text in context["misread"])],
            "mirror": mirror_notice(*self.mirrored) if self.mirrored else None,
            "can_export": self.request.user.has_perm(self.export_permission) and not report.empty,
            "export_conditions": self.query.conditions,
            "now": timezone.localtime(),
        }

    @cached_property
    def query(self) -> QueryString:
        return QueryString(self.request)

    def applied(self) -> list[dict[str, str]]:
        """Return the active filters, each with the URL without it."""
        if not self.form.is_valid():
            return []
        default_values, link = self.form.default_values(), self.query.link
        return [
            {"label": str(label), "value": words, "url": link(**{name: ALL if name in default_values else None})}
            for name, label, words in self.conditions()
        ]

    def conditions(self) -> list[tuple[str, Any, str]]:
        """Return (name, label, text) of every filter that narrows the report, for the page, print and workbook."""
        conditions = []
        for name, value in self.form.cleaned_data.items():
            if value in (None, "", False, ALL) or name == self.tab_field:
                continue
            words = self.form.describe_value(name) if hasattr(self.form.fields[name], "choices") else format_cell(value)
            conditions.append((name, self.form.fields[name].label, words))
        return conditions

    def describe_conditions(self) -> list[str]:
        tab = [str(one["label"]) for one in self.tabs() if one["current"]]
        return tab + [f"{label} {words}" for _, label, words in self.conditions()]

    def tabs(self) -> list[dict[str, Any]]:
        """Return the choices of tab_field as links."""
        if not self.tab_field:
            return []
        now = self.form.cleaned_data.get(self.tab_field) if self.form.is_valid() else None
        choices = self.form.fields[self.tab_field].choices  # type: ignore[attr-defined]
        return [
            {"label": label, "url": self.query.link(**{self.tab_field: key, "sort": None}), "current": key == now}
            for key, label in choices
        ]

    @property
    def tab(self) -> str:
        return str(self.form[self.tab_field].value()) if self.tab_field else ""

    # Tables

    def table_context(self, table: ReportTable) -> dict[str, Any]:
        """Return the context of a table; only the paged one is sorted, cut and followed by a pager."""
        pager = Pager(self.query, len(table.rows)) if table.paged else None
        rows = table.sorted_rows(self.sort)[pager.start : pager.start + pager.size] if pager else table.rows
        return {
            "table": table,
            "headers": [self.header(table, column) for column in table.visible_columns],
            "rows": [
                plain_row(column.cell(row) for column in table.visible_columns)
                for row in table.with_details(list(rows))
            ],
            "foot": plain_row(foot(column, table.total) for column in table.visible_columns) if table.total else "",
            "misread": pager.misread if pager else [],
            "pager": pager if pager and len(table.rows) > min(pager.sizes) else None,
        }

    @property
    def sort(self) -> str:
        return self.request.GET.get("sort", "")

    def header(self, table: ReportTable, column: Column) -> dict[str, Any]:
        if not table.paged or not column.sort:
            return {"column": column, "url": "", "direction": ""}
        sort = self.sort or table.default_sort
        descending = sort == f"-{column.sort}"
        direction = "descending" if descending else "ascending" if sort == column.sort else ""
        return {
            "column": column,
            "url": self.query.link(sort=column.sort if descending else f"-{column.sort}"),
            "direction": direction,
        }


def foot(column: Column, total: Any) -> str:
    """Return a cell of the total row: blank where there is nothing to add up."""
    return column.cell(total) if column.get(total) is not None else '<td class="m-h"></td>'
