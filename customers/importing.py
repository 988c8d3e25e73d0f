"""Customers from a table: the screen's form and cleaners, what is known loaded once, all rows or none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from django.db import IntegrityError, connection, transaction

from accounts.models import User
from basedata.models import DictionaryEntry, reserve_numbers
from crm.audit.trail import record_many
from crm.exchange.cells import clean, unguarded
from crm.exchange.readers import Cells, Table, UnreadableFile, read_table
from crm.folding import clean_text, fold_code, fold_width

from .import_form import LEFT_OUT, CustomerImportForm, column_key
from .import_reading import Reading
from .models import NUMBER_PREFIX, Customer, Ownership, TimelineEntry
from .models.timeline import tell_many
from .names import normalize

BATCH = 500
MAX_ROWS = 200_000  # they are held in memory until all are written
LOCK = 770002  # PostgreSQL advisory lock: one import writes at a time


class ImportRefused(Exception):
    """The table cannot be taken in at all; the text says why, in Chinese."""


@dataclass(frozen=True)
class CellError:
    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        return f"第 {self.line} 行「{self.column}」：{self.reason}"


@dataclass
class Known:
    """The customers the database holds already."""

    numbers: dict[str, int] = field(default_factory=dict)  # 客户编号 → key
    external: set[str] = field(default_factory=set)  # deleted customers keep theirs
    names: dict[str, list[int]] = field(default_factory=dict)  # normalised name → keys

    @classmethod
    def load(cls) -> Known:
        known, columns = cls(), ("pk", "number", "external_number", "name_normalized", "deleted_at")
        for pk, number, external_number, name, deleted_at in Customer.objects.order_by("pk").values_list(*columns):
            if external_number:
                known.external.add(external_number)
            if deleted_at is None:
                known.numbers[number] = pk
                known.names.setdefault(name, []).append(pk)
        return known

    def has(self, external_number: str, name: str, number: str = "") -> bool:
        """The same customer: by 客户编号 (of an export), by 销售系统客户编号, without one by name."""
        if number in self.numbers:
            return True
        return external_number in self.external if external_number else name in self.names


@dataclass
class Row:
    """A row that passed the form, as the customer it will be."""

    line: int
    customer: Customer
    parent_text: str
    parent: Row | None = None  # 上级单位 that stands in the same file


class CustomerImport:
    """One file's way in: read() checks every row, write() inserts them all in one transaction."""

    def __init__(self, *, manager: User | None = None, create_regions: bool = False, by: User | None = None) -> None:
        """manager: 客户经理 of rows that name none. by: who imports, only for people in his reach; None: the system."""
        self.by = by
        self.form = CustomerImportForm(default_manager=manager, create_regions=create_regions, by=by)
        self.reading = Reading(self.form)
        self.notes: list[str] = []  # what the reader skipped, spread or converted
        self.known = Known.load()
        self.rows: list[Row] = []
        self.errors: list[CellError] = []
        self.existing = 0  # rows left alone
        self.namesakes = 0  # new customers that bear the name of another
        self.left_out: list[str] = []  # columns of an export that the system fills itself
        self._fields: dict[str, str] = {}
        self._line_of_number: dict[str, int] = {}
        self._line_of_name: dict[str, tuple[int, bool]] = {}  # first line, and whether it has a number

    @property
    def new_regions(self) -> list[DictionaryEntry]:
        return self.form.new_regions

    def read(self, path: Path, *, beat: Callable[[int], None] | None = None) -> None:
        """Afterwards errors names every refused cell. Raises ImportRefused or UnreadableFile.

        beat is called with the number of rows read, every thousand rows.
        """
        self._read_rows(read_table(path, self.form.knows), beat)
        if not self._fields:
            raise ImportRefused("文件里没有数据行：第一行是列名，从第二行起每行一个客户。")
        if "name" not in self._fields.values():
            raise ImportRefused("文件缺少「名称」列。")
        for row in self.rows:
            if row.parent_text:
                self._find_parent(row)
        self.errors += [
            CellError(row.line, "上级单位", "上级单位不能是本单位或它的下属单位，请改正。")
            for row in self.rows
            if _circles(row)
        ]
        self.errors.sort(key=lambda error: error.line)

    def _read_rows(self, table: Table, beat: Callable[[int], None] | None) -> None:
        for count, (line, cells) in enumerate(table, start=1):
            if beat and count % 1000 == 0:
                beat(count)
            if count > MAX_ROWS:
                raise UnreadableFile(f"最多一次导入 {MAX_ROWS} 行，请分成几个文件。")
            fields = {header: self._field(header) for header in cells}
            self.reading.begin_row(table)
            if not self._refuse_faults(line, cells, fields):
                self._take(line, {fields[header]: _typed(text) for header, text in cells.items() if fields[header]})
                self.reading.end_row(line)
        self.errors += [CellError(line, self.form.labels[name], why) for line, name, why in self.reading.unitless()]
        self.notes = self.reading.notes(table.notes)

    def _refuse_faults(self, line: int, cells: Cells, fields: dict[str, str]) -> bool:
        """Refuses the row when a cell of it is no value; as 上级单位 of others it is known all the same."""
        found = list(self.reading.faults(cells, fields))
        for name, reason in found:
            self.errors.append(CellError(line, self.form.labels.get(name, "客户编号"), reason))
        if found:
            name = next((text for header, text in cells.items() if fields[header] == "name"), "")
            self._line_of_name.setdefault(_key(name), (line, False))
        return bool(found)

    def _field(self, header: str) -> str:
        """The form's field of a column, whatever its case and spaces; empty for what the system fills itself."""
        if header not in self._fields:
            key = column_key(header)
            name = "" if key in LEFT_OUT else self.form.columns.get(key)
            if name is None:
                known = "、".join(self.form.labels.values())
                raise ImportRefused(f"不认识的列「{str(clean(header))[:50]}」。可用的列：{known}。")
            if name and name in self._fields.values():
                raise ImportRefused(f"列「{self.form.labels.get(name, header)}」出现了两次，请只保留一列。")
            try:
                self.reading.head(name, header)
            except ValueError as error:
                raise ImportRefused(f"列「{header[:50]}」：{error}") from None
            self._fields[header] = name
            if name in ("", "number"):
                self.left_out.append(header)
        return self._fields[header]

    def _take(self, line: int, cells: dict[str, str]) -> None:
        external_number, name = fold_width(cells.get("external_number", "")), _key(cells.get("name", ""))
        if self.known.has(external_number, name, fold_code(cells.get("number", ""))):
            self.existing += 1
            return
        self._refuse_twin(line, external_number, name)
        customer = self.form.customer(cells)
        if customer is None:
            self.errors += [CellError(line, label, reason) for label, reason in self.form.complaints()]
            return
        self.namesakes += name in self.known.names
        self.rows.append(Row(line, with_derived_names(customer), self.form.cleaned_data["parent"]))

    def _refuse_twin(self, line: int, external_number: str, name: str) -> None:
        """The same customer twice in the file; rows with different numbers may share a name."""
        if external_number:
            first = self._line_of_number.setdefault(external_number, line)
            if first != line:
                self._refuse(line, "external_number", f"与第 {first} 行重复，同一客户只能出现一次。")
                return
        if name:
            first, numbered = self._line_of_name.setdefault(name, (line, bool(external_number)))
            if first != line and not (external_number and numbered):
                self._refuse(line, "name", f"与第 {first} 行同名，同一客户只能出现一次。")

    def _find_parent(self, row: Row) -> None:
        """上级单位 by 客户编号 or full name: a customer we have, or another row of this file."""
        text, name = row.parent_text, _key(row.parent_text)
        number = fold_code(text)
        ours = [self.known.numbers[number]] if number in self.known.numbers else self.known.names.get(name, [])
        ours = [key for key in ours if self._seen is None or key in self._seen]
        theirs = self._rows_named.get(name, [])
        if len(ours) + len(theirs) > 1:
            self._refuse(row.line, "parent", f"「{text[:30]}」有多个同名客户，请填写客户编号。")
        elif ours:
            row.customer.parent_id = ours[0]
        elif theirs:
            row.parent = theirs[0]
        elif name not in self._line_of_name:  # else its own row is refused, which says enough
            self._refuse(row.line, "parent", f"「{text[:30]}」没有这个客户，请填写客户编号或完整名称。")

    def _refuse(self, line: int, name: str, reason: str) -> None:
        self.errors.append(CellError(line, self.form.labels[name], reason))

    @property
    def refused_lines(self) -> list[int]:
        return sorted({error.line for error in self.errors})

    def leave_out_refused(self) -> None:
        """Keeps the rows without errors, and of those only such whose 上级单位 stays too."""
        refused = set(self.refused_lines)
        kept = [row for row in self.rows if row.line not in refused]
        while dropped := [row for row in kept if _lacks_parent(row, refused)]:
            for row in dropped:
                refused.add(row.line)
                self._refuse(row.line, "parent", "上级单位所在的行有错误，没有导入。")
            kept = [row for row in kept if row.line not in refused]
        self.rows = kept

    def write(self, *, partial: bool = False) -> int:
        """Inserts what read() found, with first owners and audit rows; returns how many.

        partial: without the refused rows. Raises ImportRefused when rows were refused and all were wanted, or when
        somebody made the same customers meanwhile.
        """
        if partial:
            self.leave_out_refused()
        elif self.errors:
            raise ImportRefused("有被拒绝的行，什么都没有写入。")
        customers = [row.customer for row in self.rows]
        for customer, number in zip(customers, _numbers(len(customers)), strict=True):
            customer.number, customer.created_by = number, self.by
        try:
            with transaction.atomic():
                self._check_still_new()
                self._insert(customers)
        except IntegrityError as error:
            raise ImportRefused(CHANGED_MEANWHILE) from error
        return len(customers)

    def _check_still_new(self) -> None:
        if connection.vendor == "postgresql":  # on SQLite the transaction itself is alone
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        known = Known.load()
        if any(known.has(row.customer.external_number, row.customer.name_normalized) for row in self.rows):
            raise ImportRefused(CHANGED_MEANWHILE)

    def _insert(self, customers: list[Customer]) -> None:
        DictionaryEntry.objects.bulk_create(self.new_regions)
        record_many(self.by, "新建", self.new_regions)
        Customer.objects.bulk_create(customers, batch_size=BATCH)
        branches = [row for row in self.rows if row.parent]
        for row in branches:
            row.customer.parent = row.parent.customer if row.parent else None
        Customer.objects.bulk_update([row.customer for row in branches], ["parent"], batch_size=BATCH)
        Ownership.objects.bulk_create(
            [Ownership(customer=one, manager=one.manager, since=one.created_at) for one in customers], batch_size=BATCH
        )
        record_many(self.by, "导入", customers)
        tell_many(customers, TimelineEntry.Kind.CUSTOMER, "导入客户")

    @cached_property
    def _seen(self) -> set[int] | None:
        """Customers in view of the person who imports, who may be named as 上级单位; None: all."""
        return None if self.by is None else set(Customer.objects.visible_to(self.by).values_list("pk", flat=True))

    @cached_property
    def _rows_named(self) -> dict[str, list[Row]]:
        """Asked for once all rows are read."""
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            found.setdefault(row.customer.name_normalized, []).append(row)
        return found


CHANGED_MEANWHILE = "导入期间有人新建了同样的客户或地区，什么都没有写入，请再运行一次。"


def with_derived_names(customer: Customer) -> Customer:
    customer.derive_names()
    return customer


def _key(name: str) -> str:
    return normalize(name)


def _typed(text: str) -> str:
    """What was typed: without the guard of an export, and without what nobody sees."""
    return clean_text(unguarded(text))


def _numbers(count: int) -> list[str]:
    """Reserved before the transaction: others go on numbering while rows are inserted."""
    return reserve_numbers(NUMBER_PREFIX, count) if count else []


def _lacks_parent(row: Row, refused: set[int]) -> bool:
    """Its 上级单位 stands in a row that is left out."""
    if row.parent is not None:
        return row.parent.line in refused
    return bool(row.parent_text) and row.customer.parent_id is None


def _circles(row: Row) -> bool:
    ancestor, seen = row.parent, {id(row)}
    while ancestor is not None and id(ancestor) not in seen:
        seen.add(id(ancestor))
        ancestor = ancestor.parent
    return ancestor is not None
