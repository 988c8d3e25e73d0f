"""Pages to add, download and remove files of an interaction; files are never shown inline."""

from __future__ import annotations

from typing import Any, cast

from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, QueryDict
from django.shortcuts import get_object_or_404
from django.views import View

from accounts.models import User
from customers.records.pages import CRUMBS
from customers.records.part_pages import PartPage
from kit.pages.form_page import FormPage

from .attachment_forms import AttachForm
from .models import Attachment, Interaction
from .pages import RELATED, renames_in


class AttachFiles(PartPage):
    do, form, title, submit_label = Interaction.attach, AttachForm, "上传附件", "上传"
    select_related, crumbs, help = RELATED, CRUMBS, "interactions"
    message = "上传成功"

    def make_form(self, record: Interaction, data: QueryDict | None = None) -> AttachForm:
        return AttachForm(data, None if data is None else self.request.FILES)

    def carry_out(self, record: Interaction, form: AttachForm) -> Any:
        self.message = renames_in(self.message, form)
        return super().carry_out(record, form)


def visible_attachments(user: User, customer: int) -> QuerySet[Attachment]:
    rows = Attachment.objects.visible_to(user).filter(interaction__customer=customer)
    return rows.select_related("interaction", "interaction__customer", "interaction__customer__manager")


class AttachmentFile(View):
    """Download one file; the browser must neither guess its type nor run it."""

    def get(self, request: HttpRequest, customer: int, pk: int) -> FileResponse:
        attachment = get_object_or_404(visible_attachments(cast(User, request.user), customer), pk=pk)
        try:
            content = attachment.file.open("rb")
        except FileNotFoundError as error:
            raise Http404 from error
        response = FileResponse(
            content, as_attachment=True, filename=attachment.name, content_type=attachment.content_type
        )
        response["X-Content-Type-Options"] = "nosniff"
        response["Content-Security-Policy"] = "default-src 'none'; sandbox"
        return response


class RemoveAttachment(FormPage):
    do, title, question = Attachment.remove, "删除附件", "确认删除？"
    danger, submit_label, message = True, "确定", "删除成功"
    crumbs, help = CRUMBS, "interactions"

    def rows(self) -> QuerySet[Attachment]:
        return visible_attachments(self.request.user, self.kwargs["customer"])

    def context(self, record: Attachment, form: Any) -> dict[str, Any]:
        details = str(record.interaction)[:60]
        return {"named": f"附件：{record.name}", "details": details, "consequence": "删除后不能恢复。"}

    def back_url(self, record: Attachment) -> str:
        return record.interaction.get_absolute_url()

    def success_url(self, record: Attachment, result: Any) -> str:
        return self.back_url(record)
