"""Base classes of forms: blocks of fields with help, the text gate, optimistic locking."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any, ClassVar, NamedTuple

from django import forms
from django.core import signing
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.fields import BLANK_CHOICE_DASH
from django.forms.renderers import TemplatesSetting

from kit.domain.days import refuse_far_day
from kit.domain.text import refuse_control_characters

from .field_messages import apply_messages
from .form_versions import INTERNAL_FIELDS, describe_raw_value, normalize_value
from .text_gate import ManyRecordsField, apply_text_gate
from .text_lengths import count_like_browser

DATE_LIMITS = (
    MinValueValidator(date(1900, 1, 1), "请填写 1900 年以后的日期。"),
    MaxValueValidator(date(2999, 12, 31), "请填写 3000 年以前的日期。"),
)


BLANK_WORDS = BLANK_CHOICE_DASH[0][1]  # what Django calls choosing nothing


class CrmFormRenderer(TemplatesSetting):
    """Render fields by the product's own template (setting FORM_RENDERER)."""

    field_template_name = "ui/field.html"


class Block(NamedTuple):
    """A titled group of fields."""

    title: str
    help: str
    fields: tuple[str | tuple[str, int], ...]  # names, or (name, width in sixths of the row)
    folded: bool = False  # whether it is collapsed until one of its fields has an error


class CrmForm(forms.BaseForm):
    """Mix into Form or ModelForm; all texts pass the gate. A subclass may declare blocks, units and far_dates."""

    blocks: ClassVar[tuple[Block, ...]] = ()  # none: all visible fields in one
    units: ClassVar[dict[str, str]] = {}  # by field name, shown behind the input
    required_when: ClassVar[dict[str, str]] = {}  # by field name: when a field that may else be empty is required
    far_dates: ClassVar[tuple[str, ...]] = ()  # names of date fields that may lie many years ahead
    versioned: ClassVar[bool] = False  # whether it shows stored values: saving compares the version that was opened
    error_css_class = "bad"
    asked: frozenset[str] = frozenset()  # names of fields whose error is a question: sending the form again answers it
    instance: Any  # of a versioned form: a record with a `version`, or an unsaved one

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        self.fields["submission"] = forms.UUIDField(widget=forms.HiddenInput, required=False, initial=uuid.uuid4)
        for name, field in self.fields.items():
            apply_field_defaults(field, self.units.get(name, ""))
            field.when = self.required_when.get(name, "")  # type: ignore[attr-defined]
            if isinstance(field, forms.DateField) and name not in self.far_dates:
                field.validators = [*field.validators, refuse_far_date]
        if self.versioned:
            self.sign_initial_values()

    def rows(self) -> list[dict[str, Any]]:
        """Return the blocks with their bound fields, for ui/blocks.html."""
        blocks = self.blocks or (Block("", "", tuple(f.name for f in self.visible_fields())),)
        rows = []
        for block in blocks:
            pairs = [entry if isinstance(entry, tuple) else (entry, 6) for entry in block.fields]
            entries: list[Any] = [{"bound": self[name], "width": size} for name, size in pairs if name in self.fields]
            fields = [field for field in entries if not field["bound"].is_hidden]
            is_open = not block.folded or any(field["bound"].errors for field in fields)
            if fields:
                rows.append({"block": block, "fields": fields, "open": is_open})
        return rows

    def ask(self, name: str, question: str) -> None:
        """Refuse the form once, until it is sent again: shown in amber, since nothing is wrong."""
        self.asked |= {name}
        self.add_error(name, question)

    @property
    def only_asks(self) -> bool:
        """Whether nothing but questions keeps the form from being saved."""
        return bool(self.asked) and self.errors.keys() <= self.asked

    def values(self) -> dict[str, Any]:
        """Return the cleaned values by field name, without the internal fields."""
        return {name: value for name, value in self.cleaned_data.items() if name not in INTERNAL_FIELDS}

    # Optimistic locking: the version and values a form was opened with, signed in a hidden field

    def sign_initial_values(self) -> None:
        """Add the hidden field `opened`. Call it again after adding or replacing fields."""
        if self.instance.pk:
            snapshot = {"version": self.instance.version, "values": self.stored_values()}
            self.fields["opened"] = forms.CharField(widget=forms.HiddenInput, required=False)
            self.initial["opened"] = signing.dumps(snapshot, salt="opened", compress=True)

    def own_field_names(self) -> list[str]:
        """Return the names of the fields without the internal ones."""
        return [name for name in self.fields if name not in INTERNAL_FIELDS]

    def stored_values(self) -> dict[str, str]:
        """Return the record's stored values by field name, as raw values of this form's inputs."""
        return {
            name: normalize_value(field.prepare_value(self.get_initial_for_field(field, name)))
            for name, field in self.fields.items()
            if name not in INTERNAL_FIELDS
        }

    def submitted_values(self) -> dict[str, str]:
        """Return the submitted raw values by field name, valid or not."""
        return {name: normalize_value(self[name].data) for name in self.own_field_names()}

    def memory(self) -> dict[str, Any] | None:
        """Return {"version": …, "values": …} as the form was opened with; None if missing or forged."""
        try:
            return signing.loads(self.data.get("opened", ""), salt="opened")
        except signing.BadSignature:
            return None

    def words(self, name: str, value: str) -> str:
        """Return a raw value as shown on screen."""
        return describe_raw_value(self.fields[name], value)


def refuse_far_date(day: date) -> None:
    """Validate that a day is not years ahead; for years outside DATE_LIMITS their own messages suffice."""
    if 1900 <= day.year <= 2999:
        refuse_far_day(day)


def apply_field_defaults(field: forms.Field, unit: str = "") -> forms.Field:
    """Add the text gate, date limits, Chinese messages and CSS classes to a field, and return it."""
    apply_messages(field)
    apply_text_gate(field)
    if isinstance(field, forms.CharField):
        field.validators = [*field.validators, refuse_control_characters]
        count_like_browser(field)
    if isinstance(field, forms.DateField):
        field.validators = [*field.validators, *DATE_LIMITS]
        field.widget = forms.DateInput(format="%Y-%m-%d", attrs={**field.widget.attrs, "type": "date"})
        field.error_messages["invalid"] = "请填写日期，例如 2025-11-24。"
    if type(field) is forms.ModelMultipleChoiceField:
        field.__class__ = ManyRecordsField
    name_empty_choice(field)
    if field.error_messages["required"] == forms.Field.default_error_messages["required"]:
        field.error_messages["required"] = "请选择。" if isinstance(field, forms.ChoiceField) else "请填写。"
    if not isinstance(field.widget, forms.RadioSelect | forms.CheckboxInput):
        field.widget.attrs.setdefault("class", "inp")
    field.unit = unit  # type: ignore[attr-defined]
    return field


def name_empty_choice(field: forms.Field) -> None:
    """Say what choosing nothing means: 请选择 where something must be chosen, else 不填."""
    words = "请选择" if field.required else "不填"
    if isinstance(field, forms.ModelChoiceField):
        if field.empty_label == BLANK_WORDS:
            field.empty_label = words
    elif isinstance(field, forms.TypedChoiceField):  # that of a model's choices
        choices: Any = field.choices
        field.choices = [(key, words if label == BLANK_WORDS else label) for key, label in choices]


class RecordForm(CrmForm, forms.ModelForm):
    """A ModelForm with optimistic locking. A subclass declares Meta, and what CrmForm reads."""

    versioned = True


class TransitionForm(CrmForm, forms.Form):
    """A form of a transition that changes stored values: shows those of its fields' names, with optimistic locking."""

    versioned = True

    def __init__(self, *args: Any, instance: models.Model, **kwargs: Any) -> None:
        self.instance = instance
        current_values = {name: getattr(instance, name) for name in self.base_fields if hasattr(instance, name)}
        super().__init__(*args, **{"initial": current_values, **kwargs})


class ConfirmForm(CrmForm, forms.Form):
    """A form without fields, for actions that only need confirming."""
