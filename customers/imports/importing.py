"""Import customers from a table with the form of the screen, all rows or none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Protocol

from django.db import IntegrityError, transaction

from accounts.models import User
from basedata.models import DictionaryEntry, reserve_numbers
from customers.names import normalize
from customers.records.locks import lock_customer_names
from customers.records.models import NUMBER_PREFIX, Customer, Ownership
from customers.records.search_text import write_customer_texts
from customers.sync.known_customers import Keys, KnownCustomer, KnownCustomers, build_keys, is_same_customer
from customers.sync.staging import batches
from customers.timeline import TimelineEntry, add_timeline_entries
from kit.audit.log import log_events
from kit.domain.folding import clean_text
from kit.exchange.cells import to_cell_value, unescape_formula
from kit.exchange.readers import Cells, UnreadableFile, read_table

from .arrivals import fits_one_transaction
from .in_parts import PartwiseImport
from .meanwhile import ChangesMeanwhile
from .reading import ReadingObserver
from .results import CHANGED_MEANWHILE, CellError, ImportRefused, Remark, Row
from .table_form import IGNORED_COLUMNS, CustomerImportForm, column_key

BATCH = 500
MAX_ROWS = 200_000  # kept in memory until all are written
KEY_FIELDS = ("number", "external_number", "license_number", "name")
UNIQUE_FIELDS = KEY_FIELDS[1:]
MAX_EXTERNAL_NUMBER = 30
FILLED_TEXT = "已有客户补上了销售系统客户编号"
ReadRow = tuple[int, dict[str, str], Keys]  # line, cells by field, keys


class ReadRows(Protocol):
    """A table as it is read, by whatever reader."""

    is_1904: bool

    @property
    def notes(self) -> list[str]: ...

    def __iter__(self) -> Iterator[tuple[int, Cells]]: ...


class CustomerImport:
    """The import of one file: read() checks every row, write() inserts all or none."""

    def __init__(self, *, manager: User | None = None, create_regions: bool = False, by: User | None = None) -> None:
        """manager: 客户经理 of rows without one. by: the user, limited to their scope; None: the system."""
        self.by = by
        self.form = CustomerImportForm(default_manager=manager, create_regions=create_regions, by=by)
        self.reading = ReadingObserver(self.form)
        self.notes: list[str] = []  # cells that the reader skipped, spread or converted
        self.known_customers = KnownCustomers(by)
        self.rows: list[Row] = []
        self.errors: list[CellError] = []
        self.existing = 0  # rows of existing customers
        self.remarks: list[Remark] = []  # on those that are not simply left alone
        self.filled: dict[int, str] = {}  # customer → 销售系统客户编号 that it takes over
        self.beyond = 0  # rows of customers outside the user's edit scope
        self.namesakes = 0  # new customers with the name of another
        self.left_out: list[str] = []  # columns of an export that the system fills itself
        self._fields: dict[str, str] = {}
        # (line, keys) by external number, license number and name
        self._lines: tuple[dict[str, list[tuple[int, Keys]]], ...] = ({}, {}, {})

    @property
    def new_regions(self) -> list[DictionaryEntry]:
        return self.form.new_regions

    def read(self, path: Path, *, beat: Callable[[int], None] | None = None) -> None:
        """Check every row and collect rows and errors. Raises ImportRefused or UnreadableFile.

        beat is called with the number of rows read, every thousand rows.
        """
        self._read_all(read_table(path, self.form.knows_column), beat)
        if not self._fields:
            raise ImportRefused("文件里没有数据行：第一行是列名，从第二行起每行一个客户。")
        if "name" not in self._fields.values():
            raise ImportRefused("文件缺少「名称」列。")
        self._join_parents()

    def _read_all(self, table: ReadRows, beat: Callable[[int], None] | None) -> None:
        for batch in batches(self._read_rows(table, beat), BATCH):
            self._learn(batch)
            for line, cells, keys in batch:
                self.reading.begin_row(is_1904=table.is_1904)
                self._process_row(line, cells, keys)
                self.reading.end_row(line)
        for line, name, reason in self.reading.unclear_amounts():
            self._refuse(line, name, reason)
        self.notes = self.reading.all_notes(table.notes)

    def _learn(self, batch: Sequence[ReadRow]) -> None:
        """Look up what the rows of a batch may mean."""
        self.known_customers.learn(keys for _, _, keys in batch)

    def _join_parents(self) -> None:
        branches = [row for row in self.rows if row.parent_text]
        self.known_customers.learn(Keys(number=row.parent_text, name=normalize(row.parent_text)) for row in branches)
        for row in branches:
            self._find_parent(row)
        self.errors += [
            CellError(row.line, "上级单位", "上级单位不能是本单位或它的下属单位，请改正。")
            for row in self.rows
            if row.is_circular()
        ]
        self.errors.sort(key=lambda error: error.line)

    def _read_rows(self, table: ReadRows, beat: Callable[[int], None] | None) -> Iterator[ReadRow]:
        """Yield (line, cells by field, keys) of each row without unusable cells."""
        for count, (line, cells) in enumerate(table, start=1):
            if beat and count % 1000 == 0:
                beat(count)
            if count > MAX_ROWS:
                raise UnreadableFile(f"最多一次导入 {MAX_ROWS} 行，请分成几个文件。")
            fields = {header: self._field(header) for header in cells}
            values = {fields[header]: _clean_cell(text) for header, text in cells.items() if fields[header]}
            keys = build_keys(*(values.get(name, "") for name in KEY_FIELDS))
            if self._refuse_faults(line, cells, fields):
                self._note_keys(line, Keys(name=keys.name))  # so that it still counts as 上级单位 of other rows
            else:
                yield line, values, keys

    def _refuse_faults(self, line: int, cells: Cells, fields: dict[str, str]) -> bool:
        """Refuse the row when one of its cells is unusable; return whether it was refused."""
        faults = list(self.reading.find_faults(cells, fields))
        for name, reason in faults:
            self.errors.append(CellError(line, self.form.labels.get(name, "客户编号"), reason))
        return bool(faults)

    def _field(self, header: str) -> str:
        """Return the form's field of a column, ignoring case and spaces; empty for ignored columns."""
        if header not in self._fields:
            key = column_key(header)
            name = "" if key in IGNORED_COLUMNS else self.form.columns.get(key)
            if name is None:
                labels = "、".join(self.form.labels.values())
                raise ImportRefused(f"不认识的列「{str(to_cell_value(header))[:50]}」。可用的列：{labels}。")
            if name and name in self._fields.values():
                raise ImportRefused(f"列「{self.form.labels.get(name, header)}」出现了两次，请只保留一列。")
            try:
                self.reading.read_header(name, header)
            except ValueError as error:
                raise ImportRefused(f"列「{header[:50]}」：{error}") from None
            self._fields[header] = name
            if name in ("", "number"):
                self.left_out.append(header)
        return self._fields[header]

    def _process_row(self, line: int, cells: dict[str, str], keys: Keys) -> None:
        if matches := self.known_customers.matches(keys):
            self.existing += 1
            self._note_existing(line, cells.get("name", ""), keys, matches)
            return
        self._refuse_repeated(line, keys)
        customer = self.form.build_customer(cells)
        if customer is None:
            self.errors += [CellError(line, label, reason) for label, reason in self.form.row_errors()]
            return
        self.namesakes += self.known_customers.has_name(keys.name)
        self.rows.append(Row(line, with_derived_names(customer), self.form.cleaned_data["parent"]))

    def _note_existing(self, line: int, name: str, keys: Keys, matches: list[KnownCustomer]) -> None:
        """Let an existing customer take over the external number it lacks, and add a remark where needed."""
        customer = self.known_customers.survivor(matches[0])
        words = f"已并入客户「{customer.name}」" if customer is not matches[0] else f"已是客户「{customer.name}」"
        if customer.is_arriving:
            words = "正由另一次导入写入，没有导入；请等它结束后再导入一次。"
        elif customer.is_deleted:
            words = f"是已删除的客户「{customer.name}」（{customer.keys.number}），没有导入；需要时请系统管理员恢复它。"
        elif not customer.is_editable:
            words += f"（客户经理 {customer.manager}），不在您的编辑范围内，没有改动。"
            self.beyond += 1
        else:
            words = self._take_over_number(customer, keys, matches, words)
        if words:
            self.remarks.append(Remark(line, name.strip()[:50], words))

    def _take_over_number(self, customer: KnownCustomer, keys: Keys, matches: list[KnownCustomer], words: str) -> str:
        """Take over the external number of the row; return the remark, empty when there is nothing new."""
        words += f"（{customer.keys.number}）"
        external, own = keys.external_number, customer.keys.external_number
        if external in ("", own, *(one.keys.external_number for one in matches)):
            return f"{words}，没有改动。" if customer is not matches[0] else ""
        if own:
            return f"{words}，它的销售系统客户编号是 {own}，表中的 {external} 没有写入，请核对。"
        if self.known_customers.has_external_number(external):
            return f"{words}，但销售系统客户编号 {external} 属于另一个客户（可能已删除），没有写入，请核对。"
        if len({self.known_customers.survivor(one).pk for one in matches if not one.is_deleted}) > 1:
            return f"{words}，但有多个同名客户，销售系统客户编号 {external} 没有写入，请在客户页填写。"
        if len(external) > MAX_EXTERNAL_NUMBER:
            return f"{words}，销售系统客户编号超过 {MAX_EXTERNAL_NUMBER} 个字，没有写入，请先在销售系统里改正。"
        self.known_customers.set_external_number(customer, external)
        self.filled[customer.pk] = external
        return f"{words}，销售系统客户编号 {external} 归它。" if customer is not matches[0] else ""

    def _refuse_repeated(self, line: int, keys: Keys) -> None:
        """Refuse a customer that an earlier row has; rows with different numbers may share a name."""
        for index, name, value in zip(self._lines, UNIQUE_FIELDS, keys[1:], strict=True):
            first = next((at for at, other in index.get(value, ()) if is_same_customer(keys, other)), None)
            if first is not None:
                words = "同名" if name == "name" else "重复"
                self._refuse(line, name, f"与第 {first} 行{words}，同一客户只能出现一次。")
                break
        self._note_keys(line, keys)

    def _note_keys(self, line: int, keys: Keys) -> None:
        for index, value in zip(self._lines, keys[1:], strict=True):
            if value:
                index.setdefault(value, []).append((line, keys))

    def _find_parent(self, row: Row) -> None:
        """Resolve 上级单位 by 客户编号 or full name to an existing customer or another row of this file."""
        text, name = row.parent_text, normalize(row.parent_text)
        customers = self.known_customers.named(text)
        rows = self._rows_by_name.get(name, [])
        if len(customers) + len(rows) > 1:
            self._refuse(row.line, "parent", f"「{text[:30]}」有多个同名客户，请填写客户编号。")
        elif customers:
            row.customer.parent_id = customers[0].pk
        elif rows:
            row.parent = rows[0]
        elif name not in self._lines[2]:  # otherwise its own row is refused, which is enough
            self._refuse(row.line, "parent", f"「{text[:30]}」没有这个客户，请填写客户编号或完整名称。")

    def _refuse(self, line: int, name: str, reason: str) -> None:
        self.errors.append(CellError(line, self.form.labels[name], reason))

    @property
    def outcome(self) -> dict[str, int]:
        """Return {outcome: rows} beside new and refused ones, for the result text and the audit log."""
        counts = {"已存在": self.existing, FILLED_TEXT: len(self.filled), "不在您的编辑范围内": self.beyond}
        return {label: count for label, count in counts.items() if count or label == "已存在"}

    @property
    def refused_lines(self) -> list[int]:
        return sorted({error.line for error in self.errors})

    def leave_out_refused(self) -> None:
        """Drop the refused rows, and those whose 上级单位 is orphans, to any depth."""
        refused = set(self.refused_lines)
        remaining = [row for row in self.rows if row.line not in refused]
        while orphans := [row for row in remaining if row.lacks_parent(refused)]:
            for row in orphans:
                refused.add(row.line)
                self._refuse(row.line, "parent", "上级单位所在的行有错误，没有导入。")
            remaining = [row for row in remaining if row.line not in refused]
        self.rows = remaining

    def write(self, *, partial: bool = False, beat: Callable[[int, int], None] | None = None) -> int:
        """Insert the rows of read() with first owners and audit rows; return how many.

        partial: leave out refused rows. Raises ImportRefused when rows were refused and partial is not set, or when
        others created the same customers meanwhile. beat is called with (rows written, all rows).
        """
        if partial:
            self.leave_out_refused()
        elif self.errors:
            raise ImportRefused("有被拒绝的行，什么都没有写入。")
        customers = [row.customer for row in self.rows]
        for customer, number in zip(customers, _reserve_numbers(len(customers)), strict=True):
            customer.number, customer.created_by = number, self.by
        try:
            self._write_at_once(customers) if fits_one_transaction(len(customers)) else self._write_in_parts(beat)
        except IntegrityError as error:
            raise ImportRefused(CHANGED_MEANWHILE) from error
        return len(customers)

    def _write_in_parts(self, beat: Callable[[int, int], None] | None) -> None:
        PartwiseImport(self).write(beat)

    def _write_at_once(self, customers: list[Customer]) -> None:
        """Write all in one transaction; the locks others wait for are taken after the long part of it."""
        meanwhile = ChangesMeanwhile(self.new_keys())
        self.check_still_new()
        with transaction.atomic():
            self.add_regions()
            self.insert(customers)
            self.join_branches(row for row in self.rows if row.parent)
            customers_to_fill = self.lock()
            lock_customer_names()
            self.fill(customers_to_fill)
            meanwhile.refuse_known(self.written_keys())
            self.finish()

    def lock(self) -> list[Customer]:
        """Lock the customers to fill and the 上级单位 of new ones in key order; return those that can be filled."""
        locked, editable = self._lock_rows(), self._editable_keys(self.filled)
        return [one for one in locked if one.pk in editable and not one.external_number]

    def _lock_rows(self) -> list[Customer]:
        parents = {row.customer.parent_id for row in self.rows if row.customer.parent_id and not row.parent}
        locked: list[Customer] = []
        for keys in batches(sorted(self.filled.keys() | parents), BATCH):
            locked += Customer.objects.filter(pk__in=keys).order_by("pk").select_for_update(no_key=True)
        if any(one.deleted_at is not None for one in locked if one.pk in parents):
            raise ImportRefused(CHANGED_MEANWHILE)
        return locked

    def _editable_keys(self, wanted: Iterable[int]) -> set[int]:
        editable = Customer.objects.editable_by(self.by) if self.by else Customer.objects.current()
        found: set[int] = set()
        for keys in batches(sorted(wanted), BATCH):
            found.update(editable.filter(pk__in=keys).values_list("pk", flat=True))
        return found

    def fill(self, customers: list[Customer]) -> None:
        """Write the external numbers taken over. customers: as returned by lock(). Raises ImportRefused."""
        if [one.pk for one in customers] != sorted(self.filled):
            raise ImportRefused(CHANGED_MEANWHILE)
        for one in customers:
            one.external_number, one.version = self.filled[one.pk], one.version + 1
        Customer.objects.bulk_update(customers, ["external_number", "version"], batch_size=BATCH)
        write_customer_texts(self.filled)
        facts = {"原因": "导入"}
        log_events(self.by, "编辑", customers, lambda one: {"销售系统客户编号": ("", one.external_number), **facts})

    def finish(self) -> None:
        """End the transaction that makes the rows visible; more is written there by the import of a mapped sheet."""

    def check_still_new(self) -> None:
        """Raise ImportRefused when a new customer exists by now, beside those that take over a number of the file."""
        existing, keys = KnownCustomers(), self.new_keys()
        existing.learn(keys)
        for pk in self.filled.keys() & existing.customers.keys():
            existing.set_external_number(existing.customers[pk], self.filled[pk])
        if any(existing.matches(one) for one in keys):
            raise ImportRefused(CHANGED_MEANWHILE)

    def written_keys(self) -> set[int]:
        """Return the primary keys of the rows inserted so far."""
        return {row.customer.pk for row in self.rows if row.customer.pk}

    def new_keys(self) -> list[Keys]:
        """Return the keys of the new customers, without their reserved 客户编号."""
        return [
            build_keys("", one.external_number, one.license_number, one.name)
            for one in (row.customer for row in self.rows)
        ]

    def add_regions(self) -> None:
        DictionaryEntry.objects.bulk_create(self.new_regions)
        log_events(self.by, "新建", self.new_regions)

    def insert(self, customers: list[Customer]) -> None:
        """Insert customers with first owners, audit rows and timeline, without 上级单位 of the same file."""
        Customer.objects.bulk_create(customers, batch_size=BATCH)
        write_customer_texts(one.pk for one in customers)
        Ownership.objects.bulk_create(
            [Ownership(customer=one, manager=one.manager, since=one.created_at) for one in customers], batch_size=BATCH
        )
        log_events(self.by, "导入", customers)
        add_timeline_entries(customers, TimelineEntry.Kind.CUSTOMER, "导入客户")

    def join_branches(self, rows: Iterable[Row]) -> None:
        """Write 上级单位 of the same file, once they have primary keys."""
        branches = []
        for row in rows:
            row.customer.parent = row.parent.customer if row.parent else None
            branches.append(row.customer)
        Customer.objects.bulk_update(branches, ["parent"], batch_size=BATCH)

    @cached_property
    def _rows_by_name(self) -> dict[str, list[Row]]:
        """Read after all rows are collected."""
        rows: dict[str, list[Row]] = {}
        for row in self.rows:
            rows.setdefault(row.customer.name_normalized, []).append(row)
        return rows


def with_derived_names(customer: Customer) -> Customer:
    customer.derive_names()
    return customer


def _clean_cell(text: str) -> str:
    """Return a cell without the guard of exports and without invisible characters."""
    return clean_text(unescape_formula(text))


def _reserve_numbers(count: int) -> list[str]:
    """Reserve customer numbers before the transaction, so that others can number while rows are inserted."""
    return reserve_numbers(NUMBER_PREFIX, count) if count else []
