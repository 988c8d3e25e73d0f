"""Pages of 个人信息: everything stored about one contact, exported as a file, erased after asking twice."""

from __future__ import annotations

import io
import json
from typing import Any, cast

from django import forms
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils import timezone

from customers.contacts.pages import EDIT_CONTACT, WITH_CUSTOMER
from customers.models import Contact
from customers.records.pages import CRUMBS
from customers.records.part_pages import PartButton, PartPage, rows_of_customer
from kit.audit.log import log_event
from kit.domain.verdict import Kind
from kit.exchange.export_question import ExportQuestion
from kit.exchange.exports import CONTENT_TYPES, file_response
from kit.exchange.writers import write_workbook
from kit.pages.buttons import controls
from kit.pages.export_requests import effect_refusal, requested_format
from kit.pages.forms import Block, CrmForm
from kit.pages.record_page import RecordPage

from .privacy import Sheet, collect_sheets, erase_contact


class ContactPersonal(RecordPage):
    """Everything stored about one contact, with the ways to export it, correct it, erase it."""

    model, select_related = Contact, WITH_CUSTOMER
    title, crumbs, help = "个人信息", CRUMBS, "personal"
    template_name = "customers/personal.html"

    def rows(self) -> Any:
        return rows_of_customer(self)

    def get_record(self) -> Contact:
        contact: Contact = super().get_record()
        verdict = contact.can_erase(self.request.user)
        if verdict.kind is not Kind.STATE:  # after the erasure the page says so
            verdict.enforce()
        return contact

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        file_format = requested_format(request)
        if file_format is None:
            return super().get(request, **kwargs)
        return effect_refusal(request) or self.export(self.get_record(), file_format)

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Send the file that GET asked about."""
        if requested_format(request) is None:
            return self.http_method_not_allowed(request)
        return self.get(request, **kwargs)

    def context(self, record: Contact) -> dict[str, Any]:
        user = self.request.user
        actions = controls((EDIT_CONTACT, ERASE), record, user)
        return {"sheets": collect_sheets(record, user), "actions": actions, "back_url": back_to(record)}

    def export(self, contact: Contact, file_format: str) -> HttpResponse:
        if file_format not in WRITERS:
            raise BadRequest
        sheets = collect_sheets(contact, self.request.user)
        count = sum(len(sheet.rows) for sheet in sheets)
        if self.request.method != "POST":
            facts = (("联系人", contact.name), ("客户", str(contact.customer)), ("行数", f"将导出 {count} 行"))
            question = ExportQuestion("导出个人信息", facts, self.request.path, (file_format,), help_anchor=self.help)
            return question.ask(self.request)
        log_event(self.request.user, "导出个人信息", contact, 格式=file_format, 行数=count)
        name = f"个人信息-{contact.pk}-{timezone.localtime():%Y%m%d-%H%M}.{file_format}"
        return file_response(WRITERS[file_format](sheets), name, TYPES[file_format])


def as_workbook(sheets: list[Sheet]) -> bytes:
    buffer = io.BytesIO()
    write_workbook(buffer, [(sheet.title, sheet.headers, sheet.rows) for sheet in sheets])
    return buffer.getvalue()


def as_json(sheets: list[Sheet]) -> bytes:
    content = {sheet.title: [dict(zip(sheet.headers, row, strict=True)) for row in sheet.rows] for sheet in sheets}
    return json.dumps(content, ensure_ascii=False, indent=2).encode()


ERASE = PartButton(Contact.erase, "trash", "contact_erase", "btn-warn")
WRITERS = {"xlsx": as_workbook, "json": as_json}
TYPES = {"xlsx": CONTENT_TYPES["xlsx"], "json": "application/json"}


def back_to(contact: Contact) -> str:
    return reverse("customers:contact_list", args=[contact.customer_id])


class EraseForm(CrmForm, forms.Form):
    """Asks twice: the name typed in, and once more after the first sending."""

    reason = forms.CharField(
        label="依据", max_length=200, help_text="谁在什么时候提出的要求，例如：本人 11 月 25 日来电要求删除"
    )
    name = forms.CharField(label="联系人姓名", max_length=50, help_text="照原样再写一遍，以免弄错人")
    with_files = forms.BooleanField(label="同时删除与这位联系人交往记录中的附件", required=False)
    confirmed = forms.CharField(required=False, widget=forms.HiddenInput)

    blocks = (
        Block(
            "抹去个人信息",
            "姓名、号码等从联系人、交往记录、机会、动态、通知和审计记录的文字中抹去，后台导出的文件一并删除，任何人都不能恢复。",
            ("reason", "name", "with_files"),
        ),
    )

    def __init__(self, *args: Any, contact: Contact, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.contact = contact

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        if name.strip() != self.contact.name:
            raise forms.ValidationError("与这位联系人的姓名不一致，请核对。")
        return name

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not self.errors and data.get("confirmed") != "yes":
            self.add_error(
                None, "请再确认一次：抹去之后不能撤销，也不能从备份以外的任何地方找回。确定的话，请再次点「抹去」。"
            )
            self.data = {**cast(QueryDict, self.data).dict(), "confirmed": "yes"}
        return data


class EraseContact(PartPage):
    do, title, form = Contact.erase, "抹去个人信息", EraseForm
    crumbs, help = CRUMBS, "personal"
    submit_label, danger, message = "抹去", True, "个人信息已抹去。"

    def form_options(self, record: Any) -> dict[str, Any]:
        return {"contact": record}

    def carry_out(self, record: Any, form: Any) -> None:
        data = form.cleaned_data
        erase_contact(record, by=self.request.user, reason=data["reason"], with_files=data["with_files"])

    def back_url(self, record: Any) -> str:
        return reverse("contact_personal", args=[record.customer_id, record.pk])

    def success_url(self, record: Any, result: Any) -> str:
        return back_to(record)
