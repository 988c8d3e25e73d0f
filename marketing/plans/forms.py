"""Forms of plan items and their results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from django import forms

from kit.pages.forms import Block, CrmForm, RecordForm, TransitionForm, apply_field_defaults, refuse_far_date

from .models import PlanItem


class PlanItemForm(RecordForm):
    blocks = (Block("", "", (("on", 2), ("text", 6))),)

    class Meta:
        model = PlanItem
        fields = ["on", "text"]
        widgets = {"text": forms.Textarea(attrs={"rows": 2})}


BLANK_ROWS = 3  # offered beside what is filled in
MAX_ROWS = 30


class PlanItemsForm(CrmForm, forms.Form):
    """Several new items, a day and a text in each row; rows left empty count for nothing.

    The names of the first row are on and text, those of the others on-2, text-2 …
    steps: (day, text) of what the rows of a form that was not sent yet hold.
    """

    def __init__(self, data: Any = None, *, steps: Sequence[tuple[date | str, str]] = (), **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        rows = list(typed_rows(data)) if data is not None else [*steps, *[("", "")] * BLANK_ROWS]
        self.names = [row_names(number) for number in range(1, min(max(len(rows), 1), MAX_ROWS) + 1)]
        needs_first = not any(any(row) for row in rows[1:])
        for place, (on, text) in enumerate(self.names):
            words, required = f"第 {place + 1} 项 · " if place else "", not place and needs_first
            self.fields[on] = day_field(f"{words}日期", required=required)
            self.fields[text] = text_field(f"{words}计划项", required=required)
            if data is None:
                self.initial.update({on: rows[place][0], text: rows[place][1]})
        self.blocks = (Block("", "", tuple(entry for on, text in self.names for entry in ((on, 2), (text, 4)))),)  # type: ignore[misc]

    def clean(self) -> dict[str, Any]:
        """A row that was begun needs both, and one row must be."""
        data = super().clean() or self.cleaned_data
        if not self.errors and not any(data.get(name) for row in self.names for name in row):
            for name in self.names[0]:
                self.add_error(name, "请填写。")
        for row in self.names:
            missing = [name for name in row if name not in self.errors and not data.get(name)]
            if len(missing) == 1:
                self.add_error(missing[0], "请填写。")
        return data

    def values(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {"planned": [(data[on], data[text]) for on, text in self.names if data[on]]}


def row_names(number: int) -> tuple[str, str]:
    """Return the names of the fields of a row, counted from 1."""
    return ("on", "text") if number == 1 else (f"on-{number}", f"text-{number}")


def typed_rows(data: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what was sent in each row, at most MAX_ROWS."""
    for number in range(1, MAX_ROWS + 1):
        on, text = row_names(number)
        if on not in data and text not in data:
            return
        yield data.get(on, "").strip(), data.get(text, "").strip()


def day_field(label: str, *, required: bool) -> forms.Field:
    return apply_field_defaults(forms.DateField(label=label, required=required, validators=[refuse_far_date]))


def text_field(label: str, *, required: bool) -> forms.Field:
    widget = forms.Textarea(attrs={"rows": 1, "class": "inp low"})
    return apply_field_defaults(forms.CharField(label=label, max_length=500, required=required, widget=widget))


class ResultForm(TransitionForm):
    result = forms.CharField(
        label="执行效果",
        max_length=500,
        widget=forms.Textarea(
            attrs={"rows": 2, "placeholder": "写清结果与下一步，例如：客户同意试装 3 台，12 月 2 日到场"}
        ),
    )
