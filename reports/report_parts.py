"""Parts of a report: KPI, charts, tables. Declarations only; report_page.py renders them, workbook.py writes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils.html import format_html

from kit.lists.columns import Column
from kit.pages.templatetags.ui import icon

from .figure_cells import WAN, format_figure

Number = Decimal | int | float | None
PageLink = Callable[..., str]  # QueryString.link of the page: its own URL with parameters changed


def describe_rows_behind(kind: str, of: str) -> str:
    """Return the tooltip of a computed figure: which rows it leads to."""
    role = {"percent": "分子", "change": "比较对象"}.get(kind, "取自")
    return f"{role}：{of}" if of else ""


@dataclass
class Kpi:
    """A tile: label, figure with its unit, and one line that puts it into proportion."""

    label: str
    value: str
    unit: str = ""
    note: str = ""
    url: str = ""  # the rows behind the figure
    of: str = ""  # which rows these are, when the figure is not their count or sum

    @property
    def title(self) -> str:
        return describe_rows_behind("percent" if self.unit == "%" else "", self.of)


@dataclass
class Figure(Column):
    """A column of numbers. kind: a key of figure_cells.KINDS; url: the list of the rows behind the row's figure.

    of: what a computed figure (a share, a mean) is computed from: the label of the column whose rows it leads to, or
    with a url of its own their name. A percentage leads to its numerator, a change to what it compares with.
    Values are exact; they are rounded where they are written. In the total row a missing value stays blank.
    """

    kind: str = "count"
    url: Callable[[Any], str] | None = None
    css: str = "num"
    of: str = ""

    def __post_init__(self) -> None:
        self.html = self.html or self.draw

    def draw(self, row: Any) -> str:
        value = self.get(row)
        text = format_figure(self.kind, value)
        if value is None:
            return format_html('<span class="mute">{}</span>', text)
        if self.kind in ("change", "delta") and value:
            mark = icon("arrow-up" if value > 0 else "arrow-down", "s")
            text = format_html("{} {}", mark, text)
        url = self.url(row) if self.url and value else ""
        if not url:
            return text
        title = describe_rows_behind(self.kind, self.of)
        return format_html('<a href="{}" title="{}">{}</a>' if title else '<a href="{0}">{2}</a>', url, title, text)


@dataclass(frozen=True)
class Series:
    """One row of numbers of a chart: bars, or a line; percent: on the right axis from 0 to 100 %."""

    name: str
    values: Sequence[Number]
    line: bool = False
    percent: bool = False


@dataclass(frozen=True)
class Chart:
    """Bars and lines over categories; a table of the same page must hold the same numbers.

    unit: what the left axis counts; values are in 元 when it is 万元. mark: a dashed line on the right axis at so many
    percent. grey_from: bars from this place on are grey. horizontal: bars lie (for few, long names). stacked: bars of
    all series stand on each other. joined: whether the points of a line are; not over categories without an order.
    """

    title: str
    categories: Sequence[str]
    series: Sequence[Series]
    unit: str = ""
    caption: str = ""
    horizontal: bool = False
    stacked: bool = False
    joined: bool = True
    mark: int | None = None
    grey_from: int | None = None
    empty_text: str = "这个范围里没有可以画的数字。"

    @property
    def is_empty(self) -> bool:
        """Say whether there is nothing but zeros: the page then says why instead of drawing an axis."""
        return not any(value for series in self.series for value in series.values)

    def scaled(self, series: Series) -> list[float | None]:
        """Return the values in the unit of the axis."""
        by = WAN if self.unit == "万元" and not series.percent else Decimal(1)
        return [None if value is None else float(Decimal(value) / by) for value in series.values]

    def drawing(self) -> dict[str, Any]:
        """Return the data for static/js/charts.js."""
        rows = [{"name": s.name, "line": s.line, "percent": s.percent, "values": self.scaled(s)} for s in self.series]
        return {
            "categories": list(self.categories),
            "series": rows,
            "unit": self.unit,
            "horizontal": self.horizontal,
            "stacked": self.stacked,
            "joined": self.joined,
            "mark": self.mark,
            "greyFrom": self.grey_from,
        }


@dataclass
class ReportTable:
    """A table. rows: all rows of the result, in their own order; total: a row of the same attributes for the foot,
    which covers the whole result. One table of a report may be paged: it sorts by ?sort among its columns' names.

    load_details: loads what only visible or exported rows need. sort_rows: returns the rows in the order of ?sort,
    where sorting them here would cost too much.
    """

    title: str
    columns: tuple[Column, ...]
    rows: Sequence[Any]
    total: Any = None
    note: str = ""
    paged: bool = False
    load_details: Callable[[list[Any]], Any] | None = None
    sort_rows: Callable[[str], Sequence[Any]] | None = None
    default_sort: str = ""  # the rows' own order, for the headers
    empty_text: str = "没有数据。"

    def __post_init__(self) -> None:
        """Give a computed figure without a URL that of the column it is computed from."""
        figures = {column.label: column for column in self.columns if isinstance(column, Figure)}
        for figure in figures.values():
            if figure.of and figure.url is None:
                figure.url = figures[figure.of].url

    @property
    def visible_columns(self) -> list[Column]:
        return [column for column in self.columns if not column.export_only]

    def sorted_rows(self, sort: str) -> Sequence[Any]:
        """Return the rows sorted by a column, those without a value last; equal ones keep the table's own order."""
        column = self.sorting(sort)
        if column is None:
            return self.rows
        if self.sort_rows:
            return self.sort_rows(sort)
        with_value = [row for row in self.rows if column.get(row) is not None]
        without_value = [row for row in self.rows if column.get(row) is None]
        return sorted(with_value, key=column.get, reverse=sort.startswith("-")) + without_value

    def sorting(self, sort: str) -> Column | None:
        names = {column.sort: column for column in self.columns if column.sort}
        return names.get(sort.removeprefix("-"))

    def with_details(self, rows: list[Any]) -> list[Any]:
        if self.load_details and rows:
            self.load_details(rows)
        return rows


@dataclass
class Report:
    """The result of a page. facts: period and basis, shown under the title; empty: nothing to show.

    first: tiles above all others, of what is so today whatever the period; first_note: what they count.
    """

    facts: list[str] = field(default_factory=list)
    first: list[Kpi] = field(default_factory=list)
    first_note: str = ""
    kpis: list[Kpi] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    tables: list[ReportTable] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    empty: bool = False

    def drawn_charts(self, name: str) -> list[dict[str, Any]]:
        """Return the contexts of reports/chart.html. name: begins their ids on the page."""
        ids = [f"{name}-{number}" for number in range(len(self.charts))]
        return [
            {"id": key, "data_id": f"{key}-data", "chart": chart, "drawing": chart.drawing()}
            for key, chart in zip(ids, self.charts, strict=True)
        ]
