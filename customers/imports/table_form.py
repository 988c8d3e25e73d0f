"""The customer form bound to rows of a table; all lookups are answered from memory."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
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
from customers.records.forms import CustomerForm, label_with_unit
from customers.records.models import Customer
from kit.domain.folding import clean_text
from kit.domain.shortened_numbers import SHORTENED_REFUSED, is_shortened_number
from kit.exchange.amounts import parse_amount, strip_header_unit
from kit.exchange.dates import InvalidDay, parse_day
from kit.pages.text_gate import GatedText, gated_field_class

# Fields looked up by their displayed text instead of by key, with one query for the whole table.
LOOKUP_FIELDS = ("manager", "region", "industry", "level", "satisfaction", "credit")
# Columns of the list's own export: those under other names, and those that only the system fills.
EXPORT_NAMES = {"客户编号": "number", "满意度": "satisfaction", "信用度": "credit"}
IGNORED_COLUMNS = ("状态", "上次下单", "创建时间", "行号", "原因与改法")
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

    def __init__(self, choices: dict[str, Any], *, label: str, refusal: str) -> None:
        super().__init__(label=label, max_length=50)
        self.values = {fold_label(text): value for text, value in choices.items()}
        self.refusal = refusal

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        match = self.values.get(fold_label(text))
        return self.clean_unknown(text) if match is None else match

    def clean_unknown(self, text: str) -> Any:
        raise ValidationError(f"「{text[:30]}」{self.refusal}")


class NewEntryField(ShownTextField):
    """Turn an unknown text into a new dictionary entry, to be saved with the rows."""

    def __init__(self, category: str, entries: list[DictionaryEntry], **kwargs: Any) -> None:
        super().__init__({entry.item: entry for entry in entries}, **kwargs)
        self.category, self.new_entries = category, list[DictionaryEntry]()
        self.used_values = {entry.value for entry in entries}

    def clean_unknown(self, text: str) -> DictionaryEntry:
        number = len(self.values) + 1
        while str(number) in self.used_values:
            number += 1
        entry = DictionaryEntry(category=self.category, item=text, value=str(number))
        self.values[fold_label(text)] = entry
        self.used_values.add(entry.value)
        self.new_entries.append(entry)
        return entry


class CustomerImportForm(CustomerForm):
    """Bound again to each row, without queries per row. Only 名称 and 客户经理 are required."""

    level_reason = duplicate_reason = confirm_existing = None  # type: ignore[assignment]
    manager = region = industry = level = satisfaction = credit = forms.CharField(required=False)

    class Meta(CustomerForm.Meta):
        fields = [name for name in CustomerForm.Meta.fields if name not in (*LOOKUP_FIELDS, "parent")]
        field_classes = {
            "cooperation_since": TableDateField,
            "registered_capital": TableAmountField,
            "annual_turnover": TableAmountField,
        }

    def check_duplicates(self) -> None:
        """Check nothing here: the import compares with all customers and leaves known ones alone."""

    def __init__(
        self, *, default_manager: User | None = None, create_regions: bool = False, by: User | None = None
    ) -> None:
        user: Any = default_manager
        super().__init__(data={}, user=user)
        self.default_manager = default_manager.username if default_manager else ""
        entries = list(DictionaryEntry.objects.filter(category__in=("地区", "行业", "客户等级")))
        self.new_regions: list[DictionaryEntry] = []
        self.fields["manager"] = managers_field(by)
        regions = [entry for entry in entries if entry.category == "地区"]
        hint = "，请先在数据字典中添加" + ("，或加 --create-regions" if by is None else "")
        self.fields["region"] = self._region_field(regions, create_regions, hint)
        for name, category in (("industry", "行业"), ("level", "客户等级")):
            self.fields[name] = entry_field(category, [e for e in entries if e.category == category])
        for name in ("satisfaction", "credit"):
            label = str(Customer._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
            self.fields[name] = ShownTextField(
                score_spellings(), label=label, refusal="不是可选的值，可填写 1、2、3、4、5。"
            )
        self.fields["parent"] = gated_field_class(forms.CharField)(label="上级单位", max_length=100)  # type: ignore[call-arg]
        del self.fields["submission"]
        for name, field in self.fields.items():
            field.required = name in ("name", "manager")
        names = ["name", "manager", *(name for name in CustomerForm.Meta.fields if name != "name")]
        self.labels = {name: str(self.fields[name].label) for name in names}
        self.headers = {name: label_with_unit(label, self.units.get(name, "")) for name, label in self.labels.items()}
        self.columns = EXPORT_NAMES | {column_key(label): name for name, label in self.labels.items()}

    def knows_column(self, text: str) -> bool:
        """Return whether an import reads or knowingly ignores a column of this name."""
        key = column_key(text)
        return key in self.columns or key in IGNORED_COLUMNS

    def _region_field(self, entries: list[DictionaryEntry], may_create: bool, hint: str) -> ShownTextField:
        if not may_create:
            return entry_field("地区", entries, hint=hint)
        field = NewEntryField("地区", entries, label="地区", refusal="")
        self.new_regions = field.new_entries
        return field

    def required_names(self) -> tuple[str, ...]:
        return ()

    def build_customer(self, cells: dict[str, str]) -> Customer | None:
        """Return the unsaved customer of one row, without its 上级单位; None when row_errors() has reasons."""
        self.data = {**cells, "manager": cells.get("manager", "").strip() or self.default_manager}
        self.full_clean()
        if self.errors:
            return None
        for name in LOOKUP_FIELDS:
            setattr(self.instance, name, self.cleaned_data[name])
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
    return ShownTextField(choices, label=category, refusal=f"不在数据字典的「{category}」里{hint}。")


def managers_field(by: User | None) -> ShownTextField:
    """Return a field for 客户经理 inside the user's scope, by username, or by name where it is unique."""
    users = list(User.objects.account_managers() if by is None else possible_import_owners(by))
    names = [fold_label(user.name) for user in users]
    choices = {user.name: user for user in users if names.count(fold_label(user.name)) == 1}
    choices |= {user.username: user for user in users}
    refusal = "不是" + ("" if by is None else "您范围内") + "在职的客户经理（有同名的人时请填写用户名）。"
    return ShownTextField(choices, label="客户经理", refusal=refusal)


def score_spellings() -> dict[str, int]:
    """Return the spellings of the scores 1–5: the number, the text on screen, and stars."""
    return {text: score for score in range(1, 6) for text in (str(score), f"{score} 星", "★" * score)}
