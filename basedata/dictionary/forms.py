"""The form of 数据字典."""

from __future__ import annotations

from typing import Any

from django import forms

from kit.pages.forms import Block, RecordForm

from .models import DictionaryEntry

DUPLICATE_MESSAGES = {"item": "该类别下已有此条目。", "value": "该类别下已有此值。"}


class DictionaryEntryForm(RecordForm):
    """Ask for confirmation before 是否可编辑 is cleared: no page of the product can set it again."""

    blocks = (
        Block(
            "条目",
            "改名后，所有已选择它的记录立即显示新的名称。",
            (("category", 2), ("item", 2), ("value", 2)),
        ),
        Block(
            "保护",
            "固定条目（是否可编辑：否）不能再修改或删除。",
            ("is_editable", "confirm_fixed"),
        ),
    )
    confirm_fixed = forms.BooleanField(
        label="确认设为固定条目",
        help_text="保存后不能再编辑或删除这个条目，在页面上无法恢复。",
        error_messages={
            "required": "您取消了「是否可编辑」。保存后在页面上无法恢复；确实需要时，请勾选确认后再次保存。"
        },
    )

    class Meta:
        model = DictionaryEntry
        fields = ["category", "item", "value", "is_editable"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        category = self.fields["category"]
        category.widget.attrs["list"] = "categories"
        category.help_text = "可选已有类别，也可填写新的类别"
        self.fields["value"].help_text = "同一类别内不重复，例如顺序号"
        if not self.is_bound or self["is_editable"].data:
            del self.fields["confirm_fixed"]

    def own_field_names(self) -> list[str]:
        return [name for name in super().own_field_names() if name != "confirm_fixed"]

    def values(self) -> dict[str, Any]:
        return {name: value for name, value in super().values().items() if name != "confirm_fixed"}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        category = data.get("category")
        if category is None:
            return data
        others = DictionaryEntry.objects.filter(category=category).exclude(pk=self.instance.pk)
        for name, message in DUPLICATE_MESSAGES.items():
            if name in data and others.filter(**{name: data[name]}).exists():
                self.add_error(name, message)
        if self.instance.pk and not (verdict := self.instance.check_category(category)):
            self.add_error("category", verdict.reason)
        return data
