"""Reports serialized as JSON, and restored as tables and charts.

Numbers are stored exactly, as texts; links to the rows behind them are left out, as those rows go on changing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from kit.domain.days import format_day
from kit.lists.columns import Column
from kit.pages.templatetags.ui import format_cell

from .report_parts import Chart, Figure, Kpi, Number, Report, ReportTable, Series
from .table_drawing import draw_table

MAX_ROWS = 20  # rows stored of a table; its total covers all


def serialize_report(title: str, report: Report, conditions: list[tuple[str, str, str]]) -> dict[str, Any]:
    """Return the report as JSON. conditions: those of its form."""
    return {
        "title": title,
        "facts": [*report.facts, *(f"{label} {words}" for _, label, words in conditions)],
        "notes": list(report.notes),
        "kpis": [[kpi.label, kpi.value, kpi.unit, kpi.note] for kpi in report.kpis],
        "charts": [_chart(chart) for chart in report.charts],
        "tables": [_table(table) for table in report.tables],
        "empty": report.empty,
    }


def _chart(chart: Chart) -> dict[str, Any]:
    options = ("title", "unit", "caption", "horizontal", "stacked", "mark", "grey_from")
    series = [
        {"name": s.name, "values": [_exact_text(value) for value in s.values], "line": s.line, "percent": s.percent}
        for s in chart.series
    ]
    fields = {name: getattr(chart, name) for name in options}
    return {**fields, "categories": [str(name) for name in chart.categories], "series": series}


def _table(table: ReportTable) -> dict[str, Any]:
    rows = table.with_details(list(table.rows[:MAX_ROWS]))
    more = len(table.rows) - len(rows)
    return {
        "title": table.title,
        "note": "；".join(
            part for part in (table.note, f"共 {len(table.rows)} 行，列出前 {MAX_ROWS} 行" * (more > 0)) if part
        ),
        "columns": [[c.label, c.kind if isinstance(c, Figure) else "", c.css] for c in table.columns],
        "rows": [[_cell(column, row) for column in table.columns] for row in rows],
        "total": [_cell(column, table.total) for column in table.columns] if table.total else None,
    }


def _cell(column: Column, row: Any) -> str | None:
    value = column.get(row)
    if isinstance(value, date):
        return format_day(value)  # it outlives the year
    return _exact_text(value) if isinstance(column, Figure) or value is None else format_cell(value)


def _exact_text(value: Number) -> str | None:
    return None if value is None else f"{Decimal(value):f}"


# Restoring


@dataclass
class RestoredReport:
    """One report as it was serialized."""

    title: str
    report: Report
    drawn: list[dict[str, Any]] = field(default_factory=list)
    charts: list[dict[str, Any]] = field(default_factory=list)


def restore_reports(figures: list[dict[str, Any]]) -> list[RestoredReport]:
    restored = []
    for number, data in enumerate(figures):
        report = Report(
            facts=data["facts"],
            notes=data["notes"],
            kpis=[Kpi(*kpi) for kpi in data["kpis"]],
            charts=[_restore_chart(chart) for chart in data["charts"]],
            tables=[_restore_table(table) for table in data["tables"]],
            empty=data["empty"],
        )
        tables = [draw_table(table) for table in report.tables]
        restored.append(RestoredReport(data["title"], report, tables, report.drawn_charts(f"chart-{number}")))
    return restored


def _restore_chart(data: dict[str, Any]) -> Chart:
    series = [Series(**{**s, "values": [_restore_number(value) for value in s["values"]]}) for s in data["series"]]
    return Chart(**{**data, "series": series})


def _restore_table(data: dict[str, Any]) -> ReportTable:
    kinds = [kind for _, kind, _ in data["columns"]]
    columns = tuple(
        Figure(label, _cell_getter(n), kind=kind, css=css) if kind else Column(label, _cell_getter(n), css=css)
        for n, (label, kind, css) in enumerate(data["columns"])
    )
    total = _restore_row(kinds, data["total"]) if data["total"] else None
    rows = [_restore_row(kinds, row) for row in data["rows"]]
    return ReportTable(data["title"], columns, rows, total=total, note=data["note"])


def _cell_getter(number: int) -> Callable[[list[Any]], Any]:
    return lambda row: row[number]


def _restore_row(kinds: list[str], cells: list[str | None]) -> list[Any]:
    return [_restore_number(cell) if kind else cell for kind, cell in zip(kinds, cells, strict=True)]


def _restore_number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
