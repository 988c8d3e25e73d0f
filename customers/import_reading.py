"""What an import notices while it reads a table, beside its rows: units of columns, months, cells that are no value."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from kit.domain.shortened_numbers import SHORTENED, is_shortened_number, refuse_shortened
from kit.exchange.amounts import head_unit
from kit.exchange.dates import NotADay, read_day
from kit.exchange.readers import Cells, Table
from kit.exchange.table_notes import Notes

from .import_form import MAX_WITHOUT_UNIT, CustomerImportForm, TableAmountField, TableDateField
from .models import Customer

# The validators of these two ask for it themselves, with more.
NUMBER_FIELDS = {"number", "postcode", "license_number"} | {
    field.name for field in Customer._meta.fields if refuse_shortened in field.validators
}


class ReadingObserver:
    """begin_row(), the form's work, end_row(); then what is to be said."""

    def __init__(self, form: CustomerImportForm) -> None:
        self.form = form
        self.dates = {name: field for name, field in form.fields.items() if isinstance(field, TableDateField)}
        self.amounts = {name: field for name, field in form.fields.items() if isinstance(field, TableAmountField)}
        self.heads: dict[str, str] = {}  # of the columns with sums, as they stand in the table
        self.bare: dict[str, list[int]] = {name: [] for name in self.amounts}  # lines whose sum has no unit anywhere
        self.looks_like_yuan: dict[str, int] = {}  # the first line whose sum without unit is too large for 万元
        self._notes = Notes()
        for name, field in self.amounts.items():
            field.field_unit, field.head_unit = form.units[name], ""

    def head(self, name: str, header: str) -> None:
        """Takes the unit from a column's head. Raises ValueError for another currency."""
        if name not in self.amounts:
            return
        field, shown = self.amounts[name], header[:50]
        field.head_unit, self.heads[name] = head_unit(header), shown
        if not field.head_unit:
            self._notes.say(f"列「{shown}」没有写单位，按{field.field_unit}读取。")
        elif field.head_unit != field.field_unit:
            self._notes.say(f"列「{shown}」已从{field.head_unit}换算为{field.field_unit}。")

    def faults(self, cells: Cells, fields: dict[str, str]) -> Iterator[tuple[str, str]]:
        """(field, reason) of each cell that cannot be taken. fields: by head, empty for what is left out."""
        for header, text in cells.items():
            if name := fields[header]:
                if header in cells.faults:
                    yield name, cells.faults[header]
                elif name in NUMBER_FIELDS and is_shortened_number(text):
                    yield name, SHORTENED

    def begin_row(self, table: Table) -> None:
        for date in self.dates.values():
            date.is_1904, date.is_month, date.is_short = table.is_1904, False, False
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

    def unitless(self) -> Iterator[tuple[int, str, str]]:
        """(line, field, reason) of sums that may be meant in 元 or in 万元, as one of their column shows."""
        for name, first in self.looks_like_yuan.items():
            head, unit = self.form.labels[name], self.amounts[name].field_unit
            reason = (
                f"列名没有写单位，第 {first} 行的数达到 {MAX_WITHOUT_UNIT:,} 或带 ¥，像是按元写的。"
                f"请把列名写成「{head}（元）」或「{head}（{unit}）」，再重新导入。"
            )
            yield from ((line, name, reason) for line in self.bare[name])

    def notes(self, table_notes: list[str]) -> list[str]:
        return [*table_notes, *self._notes.sentences()]

    def refused_head(self, name: str, header: str) -> str:
        """A column's head as the file of refused rows carries it: with the unit in which its sums were read."""
        if name not in self.amounts or name in self.looks_like_yuan or self.amounts[name].head_unit:
            return header
        return f"{header}（{self.amounts[name].field_unit}）"

    def refused_text(self, name: str, text: str) -> str:
        """A cell as that file carries it: a count of days from 1904 on would mean another day there."""
        date = self.dates.get(name)
        if date and date.is_1904 and text.replace(".", "").isdecimal():
            with suppress(NotADay):
                return f"{read_day(text, is_1904=True).at:%Y-%m-%d}"
        return text
