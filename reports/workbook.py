"""A report as an Excel workbook: title, filters and time, KPI, all rows with number formats, and native charts."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import IO, Any

from django.utils import timezone
from openpyxl import Workbook
from openpyxl.chart import BarChart, LineChart, Reference
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter

from basedata.models import data_as_of
from kit.domain.days import format_day
from kit.exchange.cells import to_cell_value
from kit.exchange.writers import sheet_name
from kit.pages.lists import Column

from .figure_cells import KINDS
from .report_parts import Chart, Figure, Report, ReportTable

BOLD, TITLE, GREY = Font(bold=True), Font(bold=True, size=16), Font(color="5F6A7C")
HEAD, ABOVE = PatternFill("solid", fgColor="EEF2F7"), Border(top=Side("thin", color="868F9F"))
COLOURS = ("2B6FD6", "C96A08", "0A5F57", "4A2F86", "5E4700", "7A8596")  # the tokens --c1 … --c6


def write_workbook(target: IO[bytes], page: Any, rows: list[list[Any]]) -> None:
    """rows: those of each table, in the order to be written."""
    report: Report = page.computed
    book = Workbook()
    sheet = book.active
    sheet.title = sheet_name(page.title)
    head(sheet, page)
    if report.charts:
        draw(book, sheet, report.charts)
    for table, found in zip(report.tables, rows, strict=True):
        write_table(sheet, table, found)
    fit(sheet)
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "portrait", sheet.PAPERSIZE_A4
    sheet.page_setup.fitToHeight, sheet.sheet_properties.pageSetUpPr.fitToPage = 0, True
    book.save(target)


def put(sheet: Any, row: int, column: int, value: Any, number_format: str = "", **styles: Any) -> None:
    """One cell: numbers stay numbers, text never becomes a formula."""
    cell = sheet.cell(row, column)
    cell.value = to_cell_value(value)
    if isinstance(cell.value, str):
        cell.data_type = "s"
    if number_format:
        cell.number_format = number_format
    for name, style in styles.items():
        setattr(cell, name, style)


def put_row(sheet: Any, values: Iterable[Any], **styles: Any) -> int:
    """A row below the last one; its number."""
    row = sheet.max_row + 1
    for column, value in enumerate(values, start=1):
        put(sheet, row, column, value, **styles)
    return row


def head(sheet: Any, page: Any) -> None:
    """Title, period and basis, filters, who and when, the KPI line."""
    report: Report = page.computed
    put(sheet, 1, 1, page.title, font=TITLE)
    lines = [*report.facts, *(f"{label}：{words}" for _, label, words in page.conditions())]
    if page.mirrored and (as_of := data_as_of(*page.mirrored)):
        lines.append(f"数据截至 {format_day(as_of, 'long time')}")
    lines.append(f"导出人 {page.request.user}，导出时间 {format_day(timezone.now(), 'long time')}")
    for line in lines:
        put_row(sheet, [line], font=GREY)
    if report.kpis:
        put_row(sheet, [""])
        for kpi in report.kpis:
            put_row(sheet, [kpi.label, f"{kpi.value} {kpi.unit}".strip(), kpi.note])


def write_table(sheet: Any, table: ReportTable, rows: list[Any]) -> None:
    put_row(sheet, [""])
    put_row(sheet, [table.title], font=BOLD)
    put_row(sheet, [column.label for column in table.columns], font=BOLD, fill=HEAD)
    for row in rows:
        write_row(sheet, table.columns, row)
    if table.total:
        write_row(sheet, table.columns, table.total, font=BOLD, border=ABOVE)


def write_row(sheet: Any, columns: Iterable[Column], row: Any, **styles: Any) -> None:
    line = sheet.max_row + 1
    for place, column in enumerate(columns, start=1):
        number_format = KINDS[column.kind][1] if isinstance(column, Figure) else ""
        value = column.get(row)
        put(sheet, line, place, value, str(number_format) if isinstance(value, int | Decimal) else "", **styles)


def fit(sheet: Any) -> None:
    """Columns as wide as their longest short text; the lines of the head may run over."""
    for cells in sheet.iter_cols():
        texts = [str(cell.value) for cell in cells if cell.value not in (None, "") and cell.row > 1]
        widest = max((sum(2 if ord(sign) > 255 else 1 for sign in text) for text in texts), default=8)
        sheet.column_dimensions[get_column_letter(cells[0].column)].width = min(max(widest + 2, 10), 40)
        for cell in cells:
            if isinstance(cell.value, str) and len(cell.value) > 60 and cell.column == 1:
                cell.alignment = Alignment(wrap_text=False)


# Charts


def draw(book: Any, sheet: Any, charts: list[Chart]) -> None:
    """Native charts below the head, fed from a sheet of their own."""
    data = book.create_sheet("图表数据")
    for chart in charts:
        anchor = sheet.max_row + 2
        sheet.add_chart(native(data, chart), f"A{anchor}")
        put(sheet, anchor + 17, 1, chart.caption or None)
        sheet.cell(anchor + 17, 1).font = GREY
        sheet.cell(anchor + 18, 1).value = None
        reserve(sheet, anchor + 17)


def reserve(sheet: Any, row: int) -> None:
    """Makes the sheet at least so many rows long, so that what follows stands below the chart."""
    if sheet.max_row < row:
        sheet.cell(row, 1).value = ""


def native(data: Any, chart: Chart) -> Any:
    """The chart as Excel draws it: bars, and lines on them; percentages on a right axis."""
    top = data.max_row + 2 if data.max_row > 1 else 1
    put(data, top, 1, chart.title, font=BOLD)
    for column, series in enumerate(chart.series, start=2):
        unit = "%" if series.percent else chart.unit
        put(data, top + 1, column, f"{series.name}（{unit}）" if unit else series.name, font=BOLD)
        for row, value in enumerate(chart.scaled(series), start=top + 2):
            put(data, row, column, value)
    for row, category in enumerate(chart.categories, start=top + 2):
        put(data, row, 1, category)
    bars, lines = kinds_of(data, chart, top)
    drawn = bars or lines
    if bars and lines:
        bars += lines
    drawn.title, drawn.height, drawn.width = chart.title, 8.2, 22
    return drawn


def kinds_of(data: Any, chart: Chart, top: int) -> tuple[Any, Any]:
    """The bar chart and the line chart of the series, either None when it has none."""
    bottom = top + 1 + len(chart.categories)
    names = Reference(data, min_col=1, min_row=top + 2, max_row=bottom)
    found: list[Any] = []
    for is_line, kind in ((False, BarChart), (True, LineChart)):
        columns = [place for place, series in enumerate(chart.series, start=2) if series.line is is_line]
        if not columns:
            found.append(None)
            continue
        drawn = kind()
        for column in columns:
            drawn.add_data(Reference(data, min_col=column, min_row=top + 1, max_row=bottom), titles_from_data=True)
            colour = COLOURS[(column - 2) % len(COLOURS)]
            drawn.series[-1].graphicalProperties.solidFill = None if is_line else colour
            drawn.series[-1].graphicalProperties.line.solidFill = colour
        drawn.set_categories(names)
        axes(drawn, chart, percent=all(chart.series[column - 2].percent for column in columns))
        found.append(drawn)
    return found[0], found[1]


def axes(drawn: Any, chart: Chart, *, percent: bool) -> None:
    drawn.x_axis.delete = drawn.y_axis.delete = False
    drawn.y_axis.scaling.min = 0 if percent else None
    drawn.y_axis.title = "%" if percent else chart.unit or None
    if percent:
        drawn.y_axis.scaling.max, drawn.y_axis.axId, drawn.y_axis.crosses = 100, 200, "max"
        drawn.y_axis.majorGridlines = None
    if isinstance(drawn, BarChart):
        drawn.type = "bar" if chart.horizontal else "col"
        if chart.stacked:
            drawn.grouping, drawn.overlap = "stacked", 100
        if chart.horizontal:
            drawn.x_axis.scaling.orientation = "maxMin"
