"""Collect what an import has to report beside its rows: units of columns, months, cells without a usable value."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from customers.records.models import Customer
from kit.domain.shortened_numbers import SHORTENED_REFUSED, is_shortened_number, refuse_shortened
from kit.exchange.amounts import parse_header_unit
from kit.exchange.dates import InvalidDay, parse_day
from kit.exchange.readers import Cells
from kit.exchange.table_notes import Notes

from .table_form import MAX_WITHOUT_UNIT, CustomerImportForm, TableAmountField, TableDateField

# Fields in which a shortened number is refused; postcode and license_number have validators of their own.
NUMBER_FIELDS = {"number", "postcode", "license_number"} | {
    field.name for field in Customer._meta.fields if refuse_shortened in field.validators
}


class ReadingObserver:
    """Watches the form: begin_row(), validation, end_row() for each row; afterwards notes and errors."""

    def __init__(self, form: CustomerImportForm) -> None:
        self.form = form
        self.dates = {name: field for name, field in form.fields.items() if isinstance(field, TableDateField)}
        self.amounts = {name: field for name, field in form.fields.items() if isinstance(field, TableAmountField)}
        self.headers: dict[str, str] = {}  # of the columns with amounts, as written in the table
        self.bare: dict[str, list[int]] = {name: [] for name in self.amounts}  # lines of amounts without any unit
        self.looks_like_yuan: dict[str, int] = {}  # first line of an amount too large for 万元
        self._notes = Notes()
        for name, field in self.amounts.items():
            field.field_unit, field.head_unit = form.units[name], ""

    def read_header(self, name: str, header: str) -> None:
        """Take the unit from a header. Raises ValueError for another currency."""
        if name not in self.amounts:
            return
        field, label = self.amounts[name], header[:50]
        field.head_unit, self.headers[name] = parse_header_unit(header), label
        if not field.head_unit:
            self._notes.say(f"列「{label}」没有写单位，按{field.field_unit}读取。")
        elif field.head_unit != field.field_unit:
            self._notes.say(f"列「{label}」已从{field.head_unit}换算为{field.field_unit}。")

    def find_faults(self, cells: Cells, fields: dict[str, str]) -> Iterator[tuple[str, str]]:
        """Yield (field, reason) of each unusable cell. fields: by header, empty for ignored columns."""
        for header, text in cells.items():
            if name := fields[header]:
                if header in cells.faults:
                    yield name, cells.faults[header]
                elif name in NUMBER_FIELDS and is_shortened_number(text):
                    yield name, SHORTENED_REFUSED

    def begin_row(self, *, is_1904: bool) -> None:
        for date in self.dates.values():
            date.is_1904, date.is_month, date.is_short = is_1904, False, False
        for field in self.amounts.values():
            field.is_bare = field.is_large = field.is_own = False

    def end_row(self, line: int) -> None:
        for name, date in self.dates.items():
            if date.is_short:
                self._notes.add(f"「{self.form.labels[name]}」的年份只有两位，按年在前面读取：{{}}。", f"第 {line} 行")
            if date.is_month:
                self._notes.add(f"「{self.form.labels[name]}」只写了年月，按当月 1 日：{{}}。", f"第 {line} 行")
        for name, field in self.amounts.items():
            if field.is_bare:
                self.bare[name].append(line)
            if field.is_large:
                self.looks_like_yuan.setdefault(name, line)
            if field.is_own:
                self._notes.add(f"「{self.form.labels[name]}」按单元格里的单位换算：{{}}。", f"第 {line} 行")

    def unclear_amounts(self) -> Iterator[tuple[int, str, str]]:
        """Yield (line, field, reason) of all amounts without unit in columns where one looks like 元."""
        for name, first in self.looks_like_yuan.items():
            label, unit = self.form.labels[name], self.amounts[name].field_unit
            reason = (
                f"列名没有写单位，第 {first} 行的数达到 {MAX_WITHOUT_UNIT:,} 或带 ¥，像是按元写的。"
                f"请把列名写成「{label}（元）」或「{label}（{unit}）」，再重新导入。"
            )
            yield from ((line, name, reason) for line in self.bare[name])

    def all_notes(self, table_notes: list[str]) -> list[str]:
        return [*table_notes, *self._notes.sentences()]

    def header_for_refused(self, name: str, header: str) -> str:
        """Return a header for the workbook of refused rows, with the unit in which its amounts were read."""
        if name not in self.amounts or name in self.looks_like_yuan or self.amounts[name].head_unit:
            return header
        return f"{header}（{self.amounts[name].field_unit}）"

    def cell_for_refused(self, name: str, text: str) -> str:
        """Return a cell for that workbook; days counted from 1904 are written as dates."""
        date = self.dates.get(name)
        if date and date.is_1904 and text.replace(".", "").isdecimal():
            with suppress(InvalidDay):
                return f"{parse_day(text, is_1904=True).at:%Y-%m-%d}"
        return text
