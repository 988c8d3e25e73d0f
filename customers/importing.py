"""Customers from a table: the screen's form and cleaners, what is known loaded once, all rows or none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path

from django.db import IntegrityError, transaction

from accounts.models import User
from basedata.models import DictionaryEntry, reserve_numbers
from kit.audit.log import log_events
from kit.domain.folding import clean_text
from kit.exchange.cells import clean, unguarded
from kit.exchange.readers import Cells, Table, UnreadableFile, read_table

from .import_form import IGNORED_COLUMNS, CustomerImportForm, column_key
from .import_reading import ReadingObserver
from .import_rows import CellError, Remark, Row
from .known import Keys, KnownCustomer, KnownCustomers, is_same_customer, keys_of
from .models import NUMBER_PREFIX, Customer, Ownership, TimelineEntry, fits_at_once, hold_customer_names
from .models.timeline import add_timeline_entries
from .names import normalize
from .sync.staging import batches

BATCH = 500
MAX_ROWS = 200_000  # they are held in memory until all are written
KEY_FIELDS = ("number", "external_number", "license_number", "name")
UNIQUE_FIELDS = KEY_FIELDS[1:]
MAX_EXTERNAL_NUMBER = 30
FILLED_TEXT = "已有客户补上了销售系统客户编号"


class ImportRefused(Exception):
    """The table cannot be taken in at all; the text says why, in Chinese."""


class CustomerImport:
    """One file's way in: read() checks every row, write() inserts them all, or none."""

    def __init__(self, *, manager: User | None = None, create_regions: bool = False, by: User | None = None) -> None:
        """manager: 客户经理 of rows that name none. by: who imports, only for people in his reach; None: the system."""
        self.by = by
        self.form = CustomerImportForm(default_manager=manager, create_regions=create_regions, by=by)
        self.reading = ReadingObserver(self.form)
        self.notes: list[str] = []  # what the reader skipped, spread or converted
        self.known = KnownCustomers(by)
        self.rows: list[Row] = []
        self.errors: list[CellError] = []
        self.existing = 0  # rows that mean a customer we have
        self.remarks: list[Remark] = []  # of those the ones that are not simply left alone
        self.filled: dict[int, str] = {}  # customer → the 销售系统客户编号 it takes over
        self.beyond = 0  # rows that mean a customer beyond the reach of the person who imports
        self.namesakes = 0  # new customers that bear the name of another
        self.left_out: list[str] = []  # columns of an export that the system fills itself
        self._fields: dict[str, str] = {}
        self._lines: tuple[dict[str, list[tuple[int, Keys]]], ...] = ({}, {}, {})  # by number, license number, name

    @property
    def new_regions(self) -> list[DictionaryEntry]:
        return self.form.new_regions

    def read(self, path: Path, *, beat: Callable[[int], None] | None = None) -> None:
        """Afterwards errors names every refused cell. Raises ImportRefused or UnreadableFile.

        beat is called with the number of rows read, every thousand rows.
        """
        table = read_table(path, self.form.knows)
        for batch in batches(self._read_rows(table, beat), BATCH):
            self.known.learn(keys for _, _, keys in batch)
            for line, cells, keys in batch:
                self.reading.begin_row(table)
                self._take(line, cells, keys)
                self.reading.end_row(line)
        self.errors += [CellError(line, self.form.labels[name], why) for line, name, why in self.reading.unitless()]
        self.notes = self.reading.notes(table.notes)
        if not self._fields:
            raise ImportRefused("文件里没有数据行：第一行是列名，从第二行起每行一个客户。")
        if "name" not in self._fields.values():
            raise ImportRefused("文件缺少「名称」列。")
        branches = [row for row in self.rows if row.parent_text]
        self.known.learn(Keys(number=row.parent_text, name=_key(row.parent_text)) for row in branches)
        for row in branches:
            self._find_parent(row)
        self.errors += [
            CellError(row.line, "上级单位", "上级单位不能是本单位或它的下属单位，请改正。")
            for row in self.rows
            if row.circles()
        ]
        self.errors.sort(key=lambda error: error.line)

    def _read_rows(
        self, table: Table, beat: Callable[[int], None] | None
    ) -> Iterator[tuple[int, dict[str, str], Keys]]:
        """(line, cells by field, what they say of the customer) of each row whose cells can be taken."""
        for count, (line, cells) in enumerate(table, start=1):
            if beat and count % 1000 == 0:
                beat(count)
            if count > MAX_ROWS:
                raise UnreadableFile(f"最多一次导入 {MAX_ROWS} 行，请分成几个文件。")
            fields = {header: self._field(header) for header in cells}
            found = {fields[header]: _clean_cell(text) for header, text in cells.items() if fields[header]}
            keys = keys_of(*(found.get(name, "") for name in KEY_FIELDS))
            if self._refuse_faults(line, cells, fields):
                self._note_keys(line, Keys(name=keys.name))  # as 上级单位 of others it is known all the same
            else:
                yield line, found, keys

    def _refuse_faults(self, line: int, cells: Cells, fields: dict[str, str]) -> bool:
        """Refuse the row when a cell of it is no value."""
        found = list(self.reading.faults(cells, fields))
        for name, reason in found:
            self.errors.append(CellError(line, self.form.labels.get(name, "客户编号"), reason))
        return bool(found)

    def _field(self, header: str) -> str:
        """The form's field of a column, whatever its case and spaces; empty for what the system fills itself."""
        if header not in self._fields:
            key = column_key(header)
            name = "" if key in IGNORED_COLUMNS else self.form.columns.get(key)
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

    def _take(self, line: int, cells: dict[str, str], keys: Keys) -> None:
        if found := self.known.matches(keys):
            self.existing += 1
            self._leave(line, cells.get("name", ""), keys, found)
            return
        self._refuse_twin(line, keys)
        customer = self.form.customer(cells)
        if customer is None:
            self.errors += [CellError(line, label, reason) for label, reason in self.form.complaints()]
            return
        self.namesakes += self.known.holds_name(keys.name)
        self.rows.append(Row(line, with_derived_names(customer), self.form.cleaned_data["parent"]))

    def _leave(self, line: int, name: str, keys: Keys, found: list[KnownCustomer]) -> None:
        """The row means a customer we have: it takes over the number it lacks, or the result says why not."""
        held = self.known.survivor(found[0])
        words = f"已并入客户「{held.name}」" if held is not found[0] else f"已是客户「{held.name}」"
        if held.is_arriving:
            words = "正由另一次导入写入，没有导入；请等它结束后再导入一次。"
        elif held.is_deleted:
            words = f"是已删除的客户「{held.name}」（{held.keys.number}），没有导入；需要时请系统管理员恢复它。"
        elif not held.is_reached:
            words += f"（客户经理 {held.manager}），不在您的编辑范围内，没有改动。"
            self.beyond += 1
        else:
            words = self._take_over(held, keys, found, words)
        if words:
            self.remarks.append(Remark(line, name.strip()[:50], words))

    def _take_over(self, held: KnownCustomer, keys: Keys, found: list[KnownCustomer], words: str) -> str:
        """What to say of it; empty when the row says nothing new."""
        words += f"（{held.keys.number}）"
        external, own = keys.external_number, held.keys.external_number
        if external in ("", own, *(one.keys.external_number for one in found)):
            return f"{words}，没有改动。" if held is not found[0] else ""
        if own:
            return f"{words}，它的销售系统客户编号是 {own}，表中的 {external} 没有写入，请核对。"
        if self.known.holds_number(external):
            return f"{words}，但销售系统客户编号 {external} 属于另一个客户（可能已删除），没有写入，请核对。"
        if len({self.known.survivor(one).pk for one in found if not one.is_deleted}) > 1:
            return f"{words}，但有多个同名客户，销售系统客户编号 {external} 没有写入，请在客户页填写。"
        if len(external) > MAX_EXTERNAL_NUMBER:
            return f"{words}，销售系统客户编号超过 {MAX_EXTERNAL_NUMBER} 个字，没有写入，请先在销售系统里改正。"
        self.known.give(held, external)
        self.filled[held.pk] = external
        return f"{words}，销售系统客户编号 {external} 归它。" if held is not found[0] else ""

    def _refuse_twin(self, line: int, keys: Keys) -> None:
        """The same customer twice in the file; rows whose numbers differ may share a name."""
        for place, name, values in zip(self._lines, UNIQUE_FIELDS, keys[1:], strict=True):
            first = next((at for at, other in place.get(values, ()) if is_same_customer(keys, other)), None)
            if first is not None:
                words = "同名" if name == "name" else "重复"
                self._refuse(line, name, f"与第 {first} 行{words}，同一客户只能出现一次。")
                break
        self._note_keys(line, keys)

    def _note_keys(self, line: int, keys: Keys) -> None:
        for place, value in zip(self._lines, keys[1:], strict=True):
            if value:
                place.setdefault(value, []).append((line, keys))

    def _find_parent(self, row: Row) -> None:
        """上级单位 by 客户编号 or full name: a customer we have, or another row of this file."""
        text, name = row.parent_text, _key(row.parent_text)
        ours = self.known.named(text)
        theirs = self._rows_named.get(name, [])
        if len(ours) + len(theirs) > 1:
            self._refuse(row.line, "parent", f"「{text[:30]}」有多个同名客户，请填写客户编号。")
        elif ours:
            row.customer.parent_id = ours[0].pk
        elif theirs:
            row.parent = theirs[0]
        elif name not in self._lines[2]:  # else its own row is refused, which says enough
            self._refuse(row.line, "parent", f"「{text[:30]}」没有这个客户，请填写客户编号或完整名称。")

    def _refuse(self, line: int, name: str, reason: str) -> None:
        self.errors.append(CellError(line, self.form.labels[name], reason))

    @property
    def outcome(self) -> dict[str, int]:
        """{what: how many rows} beside the new ones and the refused, as the result and the audit trail say it."""
        found = {"已存在": self.existing, FILLED_TEXT: len(self.filled), "不在您的编辑范围内": self.beyond}
        return {words: count for words, count in found.items() if count or words == "已存在"}

    @property
    def refused_lines(self) -> list[int]:
        return sorted({error.line for error in self.errors})

    def leave_out_refused(self) -> None:
        """Keeps the rows without errors, and of those only such whose 上级单位 stays too."""
        refused = set(self.refused_lines)
        kept = [row for row in self.rows if row.line not in refused]
        while dropped := [row for row in kept if row.lacks_parent(refused)]:
            for row in dropped:
                refused.add(row.line)
                self._refuse(row.line, "parent", "上级单位所在的行有错误，没有导入。")
            kept = [row for row in kept if row.line not in refused]
        self.rows = kept

    def write(self, *, partial: bool = False, beat: Callable[[int, int], None] | None = None) -> int:
        """Inserts what read() found, with first owners and audit rows; returns how many.

        partial: without the refused rows. Raises ImportRefused when rows were refused and all were wanted, or when
        somebody made the same customers meanwhile. beat is called with the rows written so far and their number.
        """
        if partial:
            self.leave_out_refused()
        elif self.errors:
            raise ImportRefused("有被拒绝的行，什么都没有写入。")
        customers = [row.customer for row in self.rows]
        for customer, number in zip(customers, _reserve_numbers(len(customers)), strict=True):
            customer.number, customer.created_by = number, self.by
        try:
            self._write_at_once(customers) if fits_at_once(len(customers)) else self._write_in_parts(beat)
        except IntegrityError as error:
            raise ImportRefused(CHANGED_MEANWHILE) from error
        return len(customers)

    def _write_in_parts(self, beat: Callable[[int, int], None] | None) -> None:
        from .import_parts import PartwiseImport  # which takes what is read here

        PartwiseImport(self).write(beat)

    def _write_at_once(self, customers: list[Customer]) -> None:
        with transaction.atomic():
            lacking = self.lock()
            hold_customer_names()
            self.fill(lacking)
            self.check_still_new()
            self.add_regions()
            self.insert(customers)
            self.join_branches(row for row in self.rows if row.parent)

    def lock(self) -> list[Customer]:
        """The customers to fill, locked together with those that new ones are put under, in the order of their keys."""
        parents = {row.customer.parent_id for row in self.rows if row.customer.parent_id and not row.parent}
        found: list[Customer] = []
        for keys in batches(sorted(self.filled.keys() | parents), BATCH):
            found += Customer.objects.filter(pk__in=keys).order_by("pk").select_for_update(no_key=True)
        if any(one.deleted_at is not None for one in found if one.pk in parents):
            raise ImportRefused(CHANGED_MEANWHILE)
        reached = Customer.objects.editable_by(self.by) if self.by else Customer.objects.current()
        mine: set[int] = set()
        for keys in batches(sorted(self.filled), BATCH):
            mine.update(reached.filter(pk__in=keys).values_list("pk", flat=True))
        return [one for one in found if one.pk in mine and not one.external_number]

    def fill(self, customers: list[Customer]) -> None:
        """Writes the numbers taken over; the customers are locked, and as read."""
        if [one.pk for one in customers] != sorted(self.filled):
            raise ImportRefused(CHANGED_MEANWHILE)
        for one in customers:
            one.external_number, one.version = self.filled[one.pk], one.version + 1
        Customer.objects.bulk_update(customers, ["external_number", "version"], batch_size=BATCH)
        facts = {"原因": "导入"}
        log_events(self.by, "编辑", customers, lambda one: {"销售系统客户编号": ("", one.external_number), **facts})

    def check_still_new(self) -> None:
        known, keys = KnownCustomers(), self.new_keys()
        known.learn(keys)
        if any(known.matches(one) for one in keys):
            raise ImportRefused(CHANGED_MEANWHILE)

    def new_keys(self) -> list[Keys]:
        """Of the customers to be made, whose 客户编号 is their own."""
        return [
            keys_of("", one.external_number, one.license_number, one.name)
            for one in (row.customer for row in self.rows)
        ]

    def add_regions(self) -> None:
        DictionaryEntry.objects.bulk_create(self.new_regions)
        log_events(self.by, "新建", self.new_regions)

    def insert(self, customers: list[Customer]) -> None:
        """Customers with their first owners, audit rows and timeline, but without 上级单位 of the same file."""
        Customer.objects.bulk_create(customers, batch_size=BATCH)
        Ownership.objects.bulk_create(
            [Ownership(customer=one, manager=one.manager, since=one.created_at) for one in customers], batch_size=BATCH
        )
        log_events(self.by, "导入", customers)
        add_timeline_entries(customers, TimelineEntry.Kind.CUSTOMER, "导入客户")

    def join_branches(self, rows: Iterable[Row]) -> None:
        """Writes 上级单位 that stand in the same file, once they have keys."""
        branches = []
        for row in rows:
            row.customer.parent = row.parent.customer if row.parent else None
            branches.append(row.customer)
        Customer.objects.bulk_update(branches, ["parent"], batch_size=BATCH)

    @cached_property
    def _rows_named(self) -> dict[str, list[Row]]:
        """Asked for once all rows are read."""
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            found.setdefault(row.customer.name_normalized, []).append(row)
        return found


CHANGED_MEANWHILE = (
    "导入期间有人新建了同样的客户或地区，或者移交、合并、删除了表中的客户，什么都没有写入，请再运行一次。"
)


def with_derived_names(customer: Customer) -> Customer:
    customer.derive_names()
    return customer


def _key(name: str) -> str:
    return normalize(name)


def _clean_cell(text: str) -> str:
    """What was typed: without the guard of an export, and without what nobody sees."""
    return clean_text(unguarded(text))


def _reserve_numbers(count: int) -> list[str]:
    """Reserved before the transaction: others go on numbering while rows are inserted."""
    return reserve_numbers(NUMBER_PREFIX, count) if count else []
