"""The import of a sheet whose columns were matched by hand: new customers, changed ones, and contacts beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from accounts.models import User
from basedata.models import DictionaryEntry
from customers.contacts.models import Contact
from customers.names import normalize
from customers.records.field_labels import field_label
from customers.records.models import Customer
from customers.records.search_text import FormerName
from customers.sync.known_customers import Keys, KnownCustomer
from kit.imports.kinds import Change, Choices, Outcome, PlannedRow, Problem, Value

from .contact_cells import add_contacts, describe, is_known, read_contact
from .importing import CustomerImport, ReadRow, ReadRows
from .reading import ReadingObserver
from .results import ImportRefused
from .table_form import CustomerImportForm
from .targets import CONTACT, CONTACT_GROUP
from .updates import Update, compare, describe_changes, write_updates

BOTH, CREATE, UPDATE = "both", "create", "update"


class SheetImport(CustomerImport):
    """Plans a row each: planned. Columns of contacts are fields that begin with contact."""

    def __init__(self, choices: Choices, *, manager: User | None = None, by: User | None = None) -> None:
        super().__init__(manager=manager, by=by)
        self.form = CustomerImportForm(default_manager=manager, by=by, new_entries=choices.new_entries)
        self.reading = ReadingObserver(self.form)
        self.given_columns, self.mode, self.reason = choices.columns, choices.mode, choices.reason
        self.planned: dict[int, PlannedRow] = {}
        self.updates: dict[int, Update] = {}  # by the key of the customer
        self.contacts: dict[int, Contact] = {}  # by line
        self.changes: list[Change] = []
        self.on_finish: Callable[[Iterable[Change]], None] = lambda changes: None
        self.shows_details = by is None or by.has_perm("customers.see_contact_details")
        self.is_waiting = False  # whether another import is writing some of these customers
        self._lines_of_existing: dict[int, int] = {}
        self._current: dict[int, Customer] = {}
        self._former: dict[str, list[int]] = {}
        self._known_contacts: dict[int, list[Contact]] = {}

    # Reading

    def read_rows(self, rows: ReadRows, beat: Callable[[int], None] | None = None) -> None:
        """Plan every row. Raise ImportRefused where the columns are not enough."""
        fields = [field for field, _ in self.given_columns.values()]
        twice = {field for field in fields if fields.count(field) > 1}
        if twice:
            labels = "、".join(self._label(field) for field in sorted(twice))
            raise ImportRefused(f"{labels}：有两列对应到它，请只留一列，其余忽略。")
        if "name" not in fields and (
            self.mode != UPDATE or not {"number", "external_number", "license_number"} & {*fields}
        ):
            raise ImportRefused("没有一列对应到「名称」。请在对应列里选一列作为客户名称。")
        self._read_all(rows, beat)
        self._join_parents()
        self._note_refusals()

    def _field(self, column: str) -> str:
        if column not in self._fields:
            name, head = self.given_columns.get(column, ("", ""))
            try:
                self.reading.read_header(name, head)
            except ValueError as error:
                raise ImportRefused(f"列「{head[:50]}」：{error}") from None
            self._fields[column] = name
        return self._fields[column]

    def _learn(self, batch: Sequence[ReadRow]) -> None:
        super()._learn(batch)
        self._learn_former_names(batch)
        keys = {one.pk for _, _, row_keys in batch for one in self._matches(row_keys)} - self._current.keys()
        rows = Customer.objects.select_related("region", "industry", "level", "manager", "parent")
        self._current |= {one.pk: one for one in rows.filter(pk__in=keys, deleted_at=None)}
        if any(field.startswith(CONTACT) for field in self._fields.values()):
            for contact in Contact.objects.filter(customer__in=keys).order_by("pk"):
                self._known_contacts.setdefault(contact.customer_id, []).append(contact)

    def _learn_former_names(self, batch: Sequence[ReadRow]) -> None:
        """Look up rows that nothing else matches by the names that customers had before."""
        names = {cells.get("name", "").strip() for _, cells, keys in batch if not self.known_customers.matches(keys)}
        found = FormerName.objects.filter(name__in=names - {""}, customer__deleted_at=None)
        for name, key in found.values_list("name", "customer_id"):
            self._former.setdefault(normalize(name), []).append(key)
        missing = {key for every in self._former.values() for key in every} - self.known_customers.customers.keys()
        if missing:
            self.known_customers.load_keys(missing)

    def _matches(self, keys: Keys) -> list[KnownCustomer]:
        """Return the customers meant: by number, by name, or else by a former name; survivors of merged ones."""
        same = self.known_customers.matches(keys)
        if not same and keys.name in self._former and not any(keys[:3]):
            same = [self.known_customers.customers[key] for key in self._former[keys.name]]
        survivors = {one.pk: one for one in map(self.known_customers.survivor, same)}
        return sorted(survivors.values(), key=lambda one: one.is_deleted)

    def _process_row(self, line: int, cells: dict[str, str], keys: Keys) -> None:
        title = cells.get("name", "").strip() or keys.number or keys.external_number or keys.license_number
        row = self.planned[line] = PlannedRow(line, Outcome.CREATE, title)
        contact, problems = read_contact(cells)
        row.problems += problems
        if contact is not None:
            self.contacts[line] = contact
        if matches := self._matches(keys):
            self._plan_existing(row, cells, matches)
        elif self.mode == UPDATE:
            row.outcome, row.note = Outcome.SKIP, "没有这个客户，只更新时不新建。"
        else:
            super()._process_row(line, cells, keys)
            self._plan_new(row, cells)
        if row.problems:
            row.outcome = Outcome.REFUSE

    def _plan_new(self, row: PlannedRow, cells: dict[str, str]) -> None:
        if not self.rows or self.rows[-1].line != row.line:
            return  # refused; its reasons are noted at the end
        for field, _ in self.given_columns.values():
            if cells.get(field, "").strip() and not field.startswith(CONTACT) and field not in ("number", "name"):
                row.values.append(Value(self._label(field), self._new_text(field, cells)))
        if row.line in self.contacts:
            row.values.append(Value(CONTACT_GROUP, describe(self.contacts[row.line])))

    def _new_text(self, field: str, cells: dict[str, str]) -> str:
        value = self.form.cleaned_data.get(field)
        return cells[field].strip() if value in (None, "") else str(value)

    def _plan_existing(self, row: PlannedRow, cells: dict[str, str], matches: list[KnownCustomer]) -> None:
        known = matches[0]
        row.record, row.note = known.pk, self._describe_existing(known)
        if refusal := self._refusal_of_existing(row, matches):
            row.problems.append(Problem("", "整行", refusal))
        elif self.mode == CREATE:
            row.outcome = Outcome.SKIP
        else:
            self._plan_update(row, cells, self._current[known.pk])

    def _describe_existing(self, known: KnownCustomer) -> str:
        if not known.is_visible:
            self.beyond += 1
            return "已有这个客户，不在您的查看范围内"
        self.beyond += not known.is_editable
        return f"已是客户「{known.name}」（{known.keys.number}，客户经理 {known.manager}）"

    def _refusal_of_existing(self, row: PlannedRow, matches: list[KnownCustomer]) -> str:
        known, first = matches[0], self._lines_of_existing.setdefault(matches[0].pk, row.line)
        if known.is_arriving:
            self.is_waiting = True
            return "正由另一次导入写入，请等它结束后再导入一次。"
        if known.is_deleted:
            return f"是已删除的客户「{known.name}」（{known.keys.number}），需要时请系统管理员恢复它。"
        if sum(not one.is_deleted for one in matches) > 1:
            return "有多个同名客户，请加一列客户编号，说明是哪一个。"
        if first != row.line:
            return f"与第 {first} 行是同一客户，同一客户只能出现一次。"
        if self.mode != CREATE and not known.is_editable:
            return f"{row.note}，不在您的编辑范围内，不能修改。请只新建，或请它的客户经理导入。"
        return ""

    def _plan_update(self, row: PlannedRow, cells: dict[str, str], customer: Customer) -> None:
        row.title, row.version, row.outcome = customer.name, customer.version, Outcome.SAME
        given = self._read_given(row, cells, customer)
        if row.problems:
            return
        values = compare(customer, given)
        self._check_external_number(row, customer, values)
        row.values = describe_changes(customer, values, shows_details=self.shows_details)
        contact = self.contacts.get(row.line)
        if contact is not None and is_known(contact, self._known_contacts.get(customer.pk, [])):
            contact = self.contacts.pop(row.line) and None
        if contact is not None:
            row.values.append(Value(CONTACT_GROUP, f"新增 {describe(contact)}"))
        if row.values and not row.problems:
            row.outcome = Outcome.UPDATE
            self.updates[customer.pk] = Update(row.line, customer, values)

    def _read_given(self, row: PlannedRow, cells: dict[str, str], customer: Customer) -> dict[str, Any]:
        """Return the values of the filled cells as the form reads them; 客户经理 is 移交's, 上级单位 the page's."""
        manager = self.form.fields["manager"]
        self.form.data = {**cells, "manager": "", "name": cells.get("name", "").strip() or customer.name}
        manager.required = False
        self.form.full_clean()
        manager.required = True
        row.problems += [
            Problem(name, self._label(name), "".join(map(str, reasons))) for name, reasons in self.form.errors.items()
        ]
        filled = [name for name, _ in self.given_columns.values() if cells.get(name, "").strip()]
        if "parent" in filled and not self._is_parent(customer, cells["parent"]):
            row.problems.append(
                Problem("parent", self._label("parent"), "与现在的上级单位不同，请在客户页修改，这里留空。")
            )
        names = [name for name in filled if name in self.form.fields and name not in ("manager", "parent")]
        if self.form.errors:
            return {}
        kept = set(self.form._meta.fields or ())
        return {
            name: getattr(self.form.instance, name) if name in kept else self.form.cleaned_data[name] for name in names
        }

    def _is_parent(self, customer: Customer, text: str) -> bool:
        parent = customer.parent
        return parent is not None and text.strip() in (parent.number, parent.name)

    def _check_external_number(self, row: PlannedRow, customer: Customer, values: dict[str, Any]) -> None:
        number = values.get("external_number")
        if number is None:
            return
        if self.known_customers.has_external_number(number):
            reason = f"销售系统客户编号 {number} 属于另一个客户（可能已删除），请核对。"
            row.problems.append(Problem("external_number", self._label("external_number"), reason))
        else:
            self.known_customers.set_external_number(self.known_customers.customers[customer.pk], number)

    def _label(self, field: str) -> str:
        if field.startswith(CONTACT):
            label = Contact._meta.get_field(field.removeprefix(CONTACT)).verbose_name  # type: ignore[union-attr]
            return f"{CONTACT_GROUP}{label}"
        return self.form.labels.get(field) or field_label(field)

    def _note_refusals(self) -> None:
        """Give every refused row its reasons, also those whose 上级单位 is refused, and forget them for writing."""
        targets = {label: name for name, label in self.form.labels.items()}
        self._say_errors(targets, 0)
        told = len(self.errors)
        self.rows = [row for row in self.rows if self.planned[row.line].outcome is Outcome.CREATE]
        self.leave_out_refused()
        self._say_errors(targets, told)
        kept = {row.line for row in self.rows}
        self.updates = {key: one for key, one in self.updates.items() if self.planned[one.line].is_good}
        self.contacts = {
            line: contact
            for line, contact in self.contacts.items()
            if line in kept or self.planned[line].outcome is Outcome.UPDATE
        }

    def _say_errors(self, targets: Mapping[str, str], start: int) -> None:
        for error in self.errors[start:]:
            row = self.planned.setdefault(error.line, PlannedRow(error.line, Outcome.REFUSE, ""))
            row.outcome = Outcome.REFUSE
            problem = Problem(targets.get(error.column, ""), error.column, error.reason)
            if problem not in row.problems:
                row.problems.append(problem)

    # Writing

    def refuse(self, reasons: Mapping[int, str]) -> None:
        for line, reason in reasons.items():
            row = self.planned[line]
            row.outcome = Outcome.REFUSE
            row.problems.append(Problem("", "整行", reason))
            self._refuse(line, "name", reason)
        self._note_refusals()

    @property
    def refused_lines(self) -> list[int]:
        return [row.line for row in self.planned.values() if row.outcome is Outcome.REFUSE]

    def add_regions(self) -> None:
        """Add the entries that good rows use, and no others."""
        used = {id(value) for value in self._used_entries()}
        for field in self.form.fields.values():
            entries = getattr(field, "new_entries", None)
            if entries:
                entries[:] = [entry for entry in entries if id(entry) in used]
        super().add_regions()
        self.changes += [Change(DictionaryEntry, entry.pk, None, {}) for entry in self.new_regions]

    def _used_entries(self) -> Iterator[Any]:
        for row in self.rows:
            yield from (getattr(row.customer, name) for name in ("region", "industry", "level"))
        for update in self.updates.values():
            yield from update.values.values()

    def insert(self, customers: list[Customer]) -> None:
        super().insert(customers)
        lines = {id(row.customer): row.line for row in self.rows} if self.contacts else {}
        contacts = {one.pk: self.contacts[lines[id(one)]] for one in customers if lines.get(id(one)) in self.contacts}
        added = add_contacts(contacts, customers, self.by)
        self.changes += [Change(Customer, one.pk, None, {}, one.version) for one in customers]
        self.changes += [Change(Contact, one.pk, None, {}, one.version) for one in added]

    def lock(self) -> list[Customer]:
        """Lock the customers to change and the 上级单位 of new ones; refuse all where one changed since the preview."""
        versions = {key: one.customer.version for key, one in self.updates.items()}
        self.filled = dict.fromkeys(versions, "")
        locked = self._lock_rows()
        editable = self._editable_keys(versions)
        changed = [
            one for one in locked if one.pk in versions and (one.version != versions[one.pk] or one.pk not in editable)
        ]
        if changed or any(one.deleted_at for one in locked if one.pk in versions):
            raise ImportRefused(
                f"正要写入时有人改动了「{changed[0] if changed else ''}」，什么都没有写入，请再运行一次。"
            )
        return [one for one in locked if one.pk in versions]

    def fill(self, customers: list[Customer]) -> None:
        """Write the changed values and the contacts of existing customers, locked as they are."""
        with_values = [one for one in self.updates.values() if one.values]
        self.changes += write_updates(with_values, self.by, self.reason)
        contacts = {key: self.contacts[one.line] for key, one in self.updates.items() if one.line in self.contacts}
        self.changes += [Change(Customer, key, {}, {}) for key in contacts if not self.updates[key].values]
        added = add_contacts(contacts, [one.customer for one in self.updates.values()], self.by)
        self.changes += [Change(Contact, one.pk, None, {}, one.version) for one in added]

    def finish(self) -> None:
        self.on_finish(self.changes)

    def check_still_new(self) -> None:
        """As for a table of new customers alone; changed ones may take a number that others have not."""
        self.filled = {}
        super().check_still_new()
