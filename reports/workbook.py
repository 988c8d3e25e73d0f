"""A report as an Excel workbook: title, filters and time, KPI, all rows with number formats, and native charts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import IO, Any

from django.utils import timezone
from openpyxl import Workbook
from openpyxl.chart import BarChart, LineChart, Reference
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from basedata.models import data_as_of
from kit.domain.days import format_day
from kit.exchange.cells import to_cell_value
from kit.exchange.writers import sheet_name
from kit.lists.columns import Column

from .figure_cells import KINDS
from .report_parts import Chart, Figure, Report, ReportTable

BOLD, TITLE, GREY = Font(bold=True), Font(bold=True, size=16), Font(color="5F6A7C")
HEAD, ABOVE = PatternFill("solid", fgColor="EEF2F7"), Border(top=Side("thin", color="868F9F"))
COLOURS = ("2B6FD6", "C96A08", "0A5F57", "4A2F86", "5E4700", "7A8596")  # the tokens --c1 … --c6


@dataclass(frozen=True)
class Heading:
    """What stands above the figures. conditions: (label, text) of the filters; mirrored: as of the page."""

    title: str
    conditions: list[tuple[str, str]]
    mirrored: tuple[str, ...]
    exported_by: str


def write_workbook(target: IO[bytes], report: Report, heading: Heading, rows: list[list[Any]]) -> None:
    """Write the report. rows: those of each table, in their order."""
    book = Workbook()
    sheet = book.active
    sheet.title = sheet_name(heading.title)
    write_head(sheet, report, heading)
    if report.charts:
        add_charts(book, sheet, report.charts)
    for table, table_rows in zip(report.tables, rows, strict=True):
        write_table(sheet, table, table_rows)
    fit_columns(sheet)
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "portrait", sheet.PAPERSIZE_A4
    sheet.page_setup.fitToHeight, sheet.sheet_properties.pageSetUpPr.fitToPage = 0, True
    book.save(target)


def write_cell(sheet: Worksheet, row: int, column: int, value: Any, number_format: str = "", **styles: Any) -> None:
    """Write one cell: numbers stay numbers, text never becomes a formula."""
    cell = sheet.cell(row, column)
    cell.value = to_cell_value(value)
    if isinstance(cell.value, str):
        cell.data_type = "s"
    if number_format:
        cell.number_format = number_format
    for name, style in styles.items():
        setattr(cell, name, style)


def append_row(sheet: Worksheet, values: Iterable[Any], **styles: Any) -> int:
    """Append a row; return its number."""
    row = sheet.max_row + 1
    for column, value in enumerate(values, start=1):
        write_cell(sheet, row, column, value, **styles)
    return row


def write_head(sheet: Worksheet, report: Report, heading: Heading) -> None:
    """Write title, period and basis, filters, user and time, and the KPI line."""
    write_cell(sheet, 1, 1, heading.title, font=TITLE)
    lines = [*report.facts, *(f"{label}：{words}" for label, words in heading.conditions)]
    if heading.mirrored and (as_of := data_as_of(*heading.mirrored)):
        lines.append(f"数据截至 {format_day(as_of, 'long time')}")
    lines.append(f"导出人 {heading.exported_by}，导出时间 {format_day(timezone.now(), 'long time')}")
    for line in lines:
        append_row(sheet, [line], font=GREY)
    for tiles in (report.first, report.kpis):
        if tiles:
            append_row(sheet, [""])
        for kpi in tiles:
            append_row(sheet, [kpi.label, f"{kpi.value} {kpi.unit}".strip(), kpi.note])


def write_table(sheet: Worksheet, table: ReportTable, rows: list[Any]) -> None:
    append_row(sheet, [""])
    append_row(sheet, [table.title], font=BOLD)
    append_row(sheet, [column.label for column in table.columns], font=BOLD, fill=HEAD)
    for row in rows:
        write_row(sheet, table.columns, row)
    if table.total:
        write_row(sheet, table.columns, table.total, font=BOLD, border=ABOVE)


def write_row(sheet: Worksheet, columns: Iterable[Column], row: Any, **styles: Any) -> None:
    line = sheet.max_row + 1
    for place, column in enumerate(columns, start=1):
        number_format = KINDS[column.kind][1] if isinstance(column, Figure) else ""
        value = column.get(row)
        write_cell(sheet, line, place, value, str(number_format) if isinstance(value, int | Decimal) else "", **styles)


def fit_columns(sheet: Worksheet) -> None:
    """Make columns as wide as their longest short text; the lines of the head may run over."""
    for cells in sheet.iter_cols():
        texts = [str(cell.value) for cell in cells if cell.value not in (None, "") and cell.row > 1]
        widest = max((sum(2 if ord(sign) > 255 else 1 for sign in text) for text in texts), default=8)
        sheet.column_dimensions[get_column_letter(cells[0].column)].width = min(max(widest + 2, 10), 40)
        for cell in cells:
            if isinstance(cell.value, str) and len(cell.value) > 60 and cell.column == 1:
                cell.alignment = Alignment(wrap_text=False)


# Charts


def add_charts(book: Workbook, sheet: Worksheet, charts: list[Chart]) -> None:
    """Add native charts below the head, with their data on a sheet of its own."""
    data = book.create_sheet("图表数据")
    for chart in charts:
        anchor = sheet.max_row + 2
        sheet.add_chart(excel_chart(data, chart), f"A{anchor}")
        write_cell(sheet, anchor + 17, 1, chart.caption or None)
        sheet.cell(anchor + 17, 1).font = GREY
        sheet.cell(anchor + 18, 1).value = None
        extend_sheet(sheet, anchor + 17)


def extend_sheet(sheet: Worksheet, row: int) -> None:
    """Make the sheet at least so many rows long, so that the tables stand below the chart."""
    if sheet.max_row < row:
        sheet.cell(row, 1).value = ""


def excel_chart(data: Worksheet, chart: Chart) -> BarChart | LineChart:
    """Return a native chart: bars, and lines on them; percentages on a right axis."""
    top = data.max_row + 2 if data.max_row > 1 else 1
    write_cell(data, top, 1, chart.title, font=BOLD)
    for column, series in enumerate(chart.series, start=2):
        unit = "%" if series.percent else chart.unit
        write_cell(data, top + 1, column, f"{series.name}（{unit}）" if unit else series.name, font=BOLD)
        for row, value in enumerate(chart.scaled(series), start=top + 2):
            write_cell(data, row, column, value)
    for row, category in enumerate(chart.categories, start=top + 2):
        write_cell(data, row, 1, category)
    bars, lines = build_charts(data, chart, top)
    excel = bars or lines
    assert excel is not None  # a chart has series
    if bars and lines:
        bars += lines
    excel.title, excel.height, excel.width = chart.title, 8.2, 22
    return excel


def build_charts(data: Worksheet, chart: Chart, top: int) -> tuple[BarChart | None, LineChart | None]:
    """Return the bar chart and the line chart of the series; None for one without series."""
    bottom = top + 1 + len(chart.categories)
    names = Reference(data, min_col=1, min_row=top + 2, max_row=bottom)
    charts: list[Any] = []
    for is_line, kind in ((False, BarChart), (True, LineChart)):
        columns = [place for place, series in enumerate(chart.series, start=2) if series.line is is_line]
        if not columns:
            charts.append(None)
            continue
        excel = kind()
        for column in columns:
            excel.add_data(Reference(data, min_col=column, min_row=top + 1, max_row=bottom), titles_from_data=True)
            colour = COLOURS[(column - 2) % len(COLOURS)]
            excel.series[-1].graphicalProperties.solidFill = None if is_line else colour
            excel.series[-1].graphicalProperties.line.solidFill = colour
        excel.set_categories(names)
        set_axes(excel, chart, percent=all(chart.series[column - 2].percent for column in columns))
        charts.append(excel)
    return charts[0], charts[1]


def set_axes(excel: BarChart | LineChart, chart: Chart, *, percent: bool) -> None:
    excel.x_axis.delete = excel.y_axis.delete = False
    excel.y_axis.scaling.min = 0 if percent else None
    excel.y_axis.title = "%" if percent else chart.unit or None
    if percent:
        excel.y_axis.scaling.max, excel.y_axis.axId, excel.y_axis.crosses = 100, 200, "max"
        excel.y_axis.majorGridlines = None
    if isinstance(excel, BarChart):
        excel.type = "bar" if chart.horizontal else "col"
        if chart.stacked:
            excel.grouping, excel.overlap = "stacked", 100
        if chart.horizontal:
            excel.x_axis.scaling.orientation = "maxMin"
