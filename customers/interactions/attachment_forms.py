"""Form fields for files, checked by their content."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

from kit.pages.forms import Block, CrmForm

from .attachments import ACCEPTED_SUFFIXES, KINDS_TEXT, MAX_FILES, CheckedFile, check_upload, max_size


class MultipleFileInput(forms.FileInput):
    allow_multiple_selected = True

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[UploadedFile]:
        return files.getlist(name) if hasattr(files, "getlist") else []


class AttachmentsField(forms.FileField):
    """Several files; cleaned_data is a list of Checked."""

    def __init__(self, **kwargs: Any) -> None:
        widget = MultipleFileInput(attrs={"accept": ACCEPTED_SUFFIXES, "class": "inp"})
        size = max_size() // 1024 // 1024
        help_text = f"{KINDS_TEXT}；每个不超过 {size} MB，最多 {MAX_FILES} 个。"
        super().__init__(label="附件", widget=widget, help_text=help_text, **kwargs)

    def clean(self, data: list[UploadedFile] | None, initial: Any = None) -> list[CheckedFile]:
        uploads = data or []
        if not uploads and self.required:
            raise ValidationError("请选择要上传的文件。")
        if len(uploads) > MAX_FILES:
            raise ValidationError(f"一次最多上传 {MAX_FILES} 个文件。")
        checked: list[CheckedFile] = []
        errors: list[ValidationError] = []
        for upload in uploads:
            try:
                checked.append(check_upload(upload))
            except ValidationError as error:
                errors.append(error)
        if errors:
            raise ValidationError(errors)
        return checked


class AttachForm(CrmForm, forms.Form):
    blocks = (Block("", "", ("files",)),)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["files"] = AttachmentsField()
