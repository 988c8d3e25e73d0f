"""The customer form bound to rows of a table; all lookups are answered from memory."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import EMPTY_VALUES
from django.forms.models import construct_instance

from accounts.models import User
from basedata.models import DictionaryEntry
from customers.records.candidates import possible_import_owners
from customers.records.field_labels import entry_categories, field_choices, field_label, may_be_null, with_unit
from customers.records.fields import ENTRY_NAMES, FORM_FIELDS, UNITS, CustomerField, Kind
from customers.records.forms import fold_license_number
from customers.records.models import Customer
from kit.domain.folding import clean_text, fold_width
from kit.domain.shortened_numbers import SHORTENED_REFUSED, is_shortened_number
from kit.exchange.amounts import parse_amount, strip_header_unit
from kit.exchange.dates import InvalidDay, parse_day
from kit.pages.forms import CrmForm
from kit.pages.text_gate import GatedText, gated_field_class

# Fields looked up by their displayed text instead of by key, with one query for the whole table.
LOOKUPS = [row for row in FORM_FIELDS if row.kind in (Kind.USER, Kind.ENTRY, Kind.SCORE, Kind.CHOICE)]
TABLE_FIELDS = [row for row in FORM_FIELDS if row not in LOOKUPS and row.kind is not Kind.CUSTOMER]
# Columns that only the system fills.
IGNORED_COLUMNS = ("状态", "上次下单", "创建时间", "近12个月", "最近交往", "节奏", "未回款", "行号", "原因与改法")
MAX_WITHOUT_UNIT = 100_000  # 万元: a larger amount without unit was probably meant in 元


def fold_label(text: str) -> str:
    """Fold a displayed text for comparison: without case, width and spaces."""
    return "".join(unicodedata.normalize("NFKC", clean_text(text)).casefold().split())


def column_key(header: str) -> str:
    """Return a header without its unit in brackets and without the star of required fields."""
    return strip_header_unit(re.sub(r"[*★]", "", fold_label(header)))


class TableDateField(forms.DateField):
    """Read dates as 2025-11-24, 2025年11月24日, 20251124 and 45985; 2025-11 becomes the 1st of the month."""

    is_1904 = False  # whether the workbook counts its days from 1904
    is_month = is_short = False  # of the last value: only a month; a year of two digits

    def to_python(self, value: Any) -> date | None:
        self.is_month = self.is_short = False
        if not str(value or "").strip():
            return None
        try:
            day = parse_day(value, is_1904=self.is_1904)
        except InvalidDay as error:
            raise ValidationError(str(error), code="invalid") from None
        self.is_month, self.is_short = day.is_month, day.is_short
        return day.at.date()


class TableAmountField(forms.DecimalField):
    """An amount in the unit of its cell or header, converted exactly into the unit of the field."""

    field_unit = head_unit = "万元"
    # Of the last value: its cell has a unit; neither cell nor header has one; and it looks like 元.
    is_own = is_bare = is_large = False

    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override]
        self.is_own = self.is_bare = self.is_large = False
        text = str(value or "").strip()
        if not text:
            return None
        if is_shortened_number(text):
            raise ValidationError(SHORTENED_REFUSED, code="shortened")
        try:
            result, self.is_own = parse_amount(text, self.head_unit or self.field_unit, self.field_unit)
        except (InvalidOperation, ValueError):
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None
        self.is_bare = not (self.is_own or self.head_unit)
        self.is_large = self.is_bare and (abs(result) >= MAX_WITHOUT_UNIT or text[:1] in "¥￥")
        if -int(result.as_tuple().exponent) > (self.decimal_places or 0):
            words = f"「{text[:30]}」合 {result:f} {self.field_unit}，小数点后最多 {self.decimal_places} 位，请改写。"
            raise ValidationError(words, code="max_decimal_places")
        return result


class ShownTextField(GatedText, forms.CharField):
    """Accept the text that the screen displays for a value and return the value."""

    default_error_messages = {"required": "请填写。"}

    def __init__(self, choices: dict[str, Any], *, label: str, refusal: str, empty: str | None = None) -> None:
        super().__init__(label=label, max_length=50)
        self.empty = empty
        self.shown = tuple(choices)
        self.values = {fold_label(text): value for text, value in choices.items()}
        self.refusal = refusal

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return self.empty
        match = self.values.get(fold_label(text))
        return self.clean_unknown(text) if match is None else match

    def clean_unknown(self, text: str) -> Any:
        raise ValidationError(f"「{text[:30]}」{self.refusal}")


class NewEntryField(ShownTextField):
    """Turn an unknown text into a new dictionary entry, to be saved with the rows."""

    def __init__(
        self, category: str, entries: list[DictionaryEntry], allowed: Collection[str] | None = None, **kwargs: Any
    ) -> None:
        """allowed: the only texts that may become entries; None: any."""
        super().__init__({entry.item: entry for entry in entries}, **kwargs)
        self.allowed = None if allowed is None else {fold_label(text) for text in allowed}
        self.category, self.new_entries = category, list[DictionaryEntry]()
        self.used_values = {entry.value for entry in entries}

    def clean_unknown(self, text: str) -> DictionaryEntry:
        if self.allowed is not None and fold_label(text) not in self.allowed:
            super().clean_unknown(text)
        number = len(self.values) + 1
        while str(number) in self.used_values:
            number += 1
        entry = DictionaryEntry(category=self.category, item=text, value=str(number))
        self.values[fold_label(text)] = entry
        self.used_values.add(entry.value)
        self.new_entries.append(entry)
        return entry


FIELD_CLASSES: dict[Kind, type[forms.Field]] = {Kind.DAY: TableDateField, Kind.AMOUNT: TableAmountField}
# 客户编号, and the short labels of the list, under which its own export has some fields.
EXPORT_NAMES = {field_label("number"): "number"} | {row.short: row.name for row in FORM_FIELDS if row.short}


class CustomerImportForm(CrmForm, forms.ModelForm):
    """The fields of the form of the screen, bound to each row without queries. Only 名称 and 客户经理 are required."""

    units = UNITS

    class Meta:
        model = Customer
        fields = [row.name for row in TABLE_FIELDS]
        field_classes = {row.name: FIELD_CLASSES[row.kind] for row in TABLE_FIELDS if row.kind in FIELD_CLASSES}

    def __init__(
        self,
        *,
        default_manager: User | None = None,
        create_regions: bool = False,
        by: User | None = None,
        new_entries: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        """new_entries: {field: texts that become entries of its dictionary}, beside all new regions."""
        super().__init__(data={})
        del self.fields["submission"]
        self.default_manager = default_manager.username if default_manager else ""
        self.new_entries = new_entries or {}
        categories = entry_categories(ENTRY_NAMES)
        entries = list(DictionaryEntry.objects.filter(category__in=categories.values()))
        for row in LOOKUPS:
            if row.kind is Kind.USER:
                self.fields[row.name] = managers_field(by)
            elif row.kind is Kind.ENTRY:
                own = [entry for entry in entries if entry.category == categories[row.name]]
                self.fields[row.name] = self._entry_field(row, own, create_regions, by)
            else:
                self.fields[row.name] = choice_field(row)
        self.fields["parent"] = gated_field_class(forms.CharField)(label=field_label("parent"), max_length=100)  # type: ignore[call-arg]
        for name, field in self.fields.items():
            field.required = name in ("name", "manager")
        rows = sorted(FORM_FIELDS, key=lambda row: row.name not in ("name", "manager"))
        self.labels = {row.name: str(self.fields[row.name].label) for row in rows}
        self.headers = {row.name: with_unit(self.labels[row.name], row) for row in rows}
        self.columns = {column_key(label): name for name, label in self.labels.items()} | EXPORT_NAMES

    def knows_column(self, text: str) -> bool:
        """Return whether an import reads or knowingly ignores a column of this name."""
        key = column_key(text)
        return key in self.columns or key in IGNORED_COLUMNS

    def _entry_field(
        self, row: CustomerField, entries: list[DictionaryEntry], create_regions: bool, by: User | None
    ) -> ShownTextField:
        label = field_label(row.name)
        if row.name in self.new_entries:
            refusal, category = refuse_entry(label), entry_categories((row.name,))[row.name]
            return NewEntryField(category, entries, self.new_entries[row.name], label=label, refusal=refusal)
        if row.name != "region":
            return entry_field(label, entries)
        if not create_regions:
            hint = "，请先在数据字典中添加" + ("，或加 --create-regions" if by is None else "")
            return entry_field(label, entries, hint=hint)
        return NewEntryField("地区", entries, label="地区", refusal="")

    @property
    def new_regions(self) -> list[DictionaryEntry]:
        """Return the entries, of regions and other categories, that rows asked for so far."""
        fields = (field for field in self.fields.values() if isinstance(field, NewEntryField))
        return [entry for field in fields for entry in field.new_entries]

    def clean_external_number(self) -> str:
        return fold_width(self.cleaned_data["external_number"])

    def clean_license_number(self) -> str:
        return fold_license_number(self.cleaned_data["license_number"])

    def build_customer(self, cells: dict[str, str]) -> Customer | None:
        """Return the unsaved customer of one row, without its 上级单位; None when row_errors() has reasons."""
        self.data = {**cells, "manager": cells.get("manager", "").strip() or self.default_manager}
        self.full_clean()
        if self.errors:
            return None
        for row in LOOKUPS:
            setattr(self.instance, row.name, self.cleaned_data[row.name])
        return self.instance

    def row_errors(self) -> Iterator[tuple[str, str]]:
        """Yield (column, reason) of the last row."""
        for name, reasons in self.errors.items():
            yield self.labels.get(name, "整行"), "".join(map(str, reasons))

    def _post_clean(self) -> None:
        """Run the model's checks of single fields; the importer answers from memory what needs the database."""
        self.instance = construct_instance(self, Customer(), self._meta.fields)
        non_empty = {name for name in self._meta.fields or () if self.cleaned_data.get(name) not in EMPTY_VALUES}
        try:
            self.instance.clean_fields(exclude={field.name for field in Customer._meta.fields} - non_empty)
        except ValidationError as error:
            self.add_error(None, error)


def entry_field(category: str, entries: list[DictionaryEntry], *, hint: str = "") -> ShownTextField:
    choices = {entry.item: entry for entry in entries}
    return ShownTextField(choices, label=category, refusal=refuse_entry(category, hint))


def refuse_entry(category: str, hint: str = "") -> str:
    return f"不在数据字典的「{category}」里{hint}。"


def managers_field(by: User | None) -> ShownTextField:
    """Return a field for 客户经理 inside the user's scope, by username, or by name where it is unique."""
    users = list(User.objects.account_managers() if by is None else possible_import_owners(by))
    names = [fold_label(user.name) for user in users]
    choices = {user.name: user for user in users if names.count(fold_label(user.name)) == 1}
    choices |= {user.username: user for user in users}
    refusal = "不是" + ("" if by is None else "您范围内") + "在职的客户经理（有同名的人时请填写用户名）。"
    return ShownTextField(choices, label="客户经理", refusal=refusal)


def choice_field(row: CustomerField) -> ShownTextField:
    """Return a field for one of the model's choices, by the text on screen; a score also as a number or as stars."""
    choices = dict(field_choices(row))
    texts = {str(text): value for value, text in choices.items()}
    if row.kind is not Kind.SCORE:
        refusal = f"不是可选的值，可填写{'、'.join(texts)}。"
        return ShownTextField(
            texts, label=field_label(row.name), refusal=refusal, empty=None if may_be_null(row) else ""
        )
    texts |= {text: score for score in choices for text in (str(score), "★" * score)}
    return ShownTextField(texts, label=field_label(row.name), refusal="不是可选的值，可填写 1、2、3、4、5。")
