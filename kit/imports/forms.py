"""The form that uploads a sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from kit.domain.actor import Actor
from kit.domain.text import refuse_control_characters
from kit.pages.forms import Block, CrmForm

from .kinds import ImportKind, kinds_for

SUFFIXES = (".xlsx", ".xls", ".csv", ".txt", ".tsv")
MEGABYTE = 1024 * 1024


class UploadSheetForm(CrmForm, forms.Form):
    kind = forms.ChoiceField(label="导入什么")
    file = forms.FileField(
        label="表格文件",
        widget=forms.FileInput(attrs={"accept": ",".join(SUFFIXES), "class": "inp"}),
        help_text="xlsx、xls 或 csv，表头在哪一行、列名叫什么都可以",
    )

    blocks = (Block("上传表格", "先对应列、修正值、看预览，最后才写入。", ("kind", ("file", 6))),)

    def __init__(self, *args: Any, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kinds = {kind.key: kind for kind in kinds_for(by)}
        self.fields["kind"].choices = [(key, kind.label) for key, kind in self.kinds.items()]  # type: ignore[attr-defined]
        if len(self.kinds) == 1:
            self.fields["kind"].initial = next(iter(self.kinds))

    def clean_kind(self) -> ImportKind:
        return self.kinds[self.cleaned_data["kind"]]

    def clean_file(self) -> Any:
        upload = self.cleaned_data["file"]
        refuse_control_characters(upload.name)
        if Path(upload.name).suffix.lower() not in SUFFIXES:
            raise ValidationError("只能读取 xlsx、xls 和 csv 表格，请在表格软件里另存为 xlsx 再上传。")
        if upload.size > settings.CRM_ATTACHMENT_MAX_MB * MEGABYTE:
            raise ValidationError(f"文件超过 {settings.CRM_ATTACHMENT_MAX_MB} MB，请分成几个文件再上传。")
        return upload
