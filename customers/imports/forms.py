"""Forms to upload and import a table of customers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from accounts.models import User
from customers.interactions.attachments import CheckedFile, check_upload, short_name
from customers.records.candidates import possible_import_owners
from kit.pages.forms import Block, CrmForm

UNREADABLE = "「{}」的内容与扩展名不符，或编码读不出来。请另存为 xlsx，或 UTF-8、GB18030、UTF-16 编码的 csv，再上传。"


class UploadForm(CrmForm, forms.Form):
    file = forms.FileField(
        label="客户表格",
        widget=forms.FileInput(attrs={"accept": ".csv,.xlsx", "class": "inp"}),
        help_text="xlsx 或 csv，第一行是列名；只有「名称」和「客户经理」必填",
    )
    manager = forms.ModelChoiceField(
        User.objects.none(), label="默认客户经理", required=False, help_text="用于没有填写客户经理的行"
    )

    blocks = (Block("上传文件", "先检查，看过结果再导入。", ("file", ("manager", 3))),)

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        owners = possible_import_owners(by)
        self.only_manager = owners[0] if [owner.pk for owner in owners[:2]] == [by.pk] else None
        if self.only_manager:
            del self.fields["manager"]
        else:
            self.fields["manager"].queryset = owners  # type: ignore[attr-defined]

    def clean_file(self) -> CheckedFile:
        upload = self.cleaned_data["file"]
        if Path(upload.name).suffix.lower() not in (".csv", ".xlsx"):
            raise ValidationError("只能导入 .xlsx 或 .csv 文件，请另存后再上传。")
        try:
            checked = check_upload(upload)
        except ValidationError as error:
            if error.code != "content":
                raise
            raise ValidationError(UNREADABLE.format(short_name(upload.name))) from error
        if Path(checked.name).suffix.lower() not in (".csv", ".xlsx"):
            raise ValidationError(UNREADABLE.format(short_name(upload.name)))
        return checked

    def values(self) -> dict[str, Any]:
        return {"manager": self.only_manager, **super().values()}


class CarryOutForm(CrmForm, forms.Form):
    """Import all rows or none; mode good: the rows without errors."""

    mode = forms.ChoiceField(choices=[("all", "全部"), ("good", "无误的行")], required=False, widget=forms.HiddenInput)

    def values(self) -> dict[str, Any]:
        return {"partial": self.cleaned_data["mode"] == "good"}
