"""Pages to add, download and remove files of an interaction; files are never shown inline."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, QueryDict
from django.shortcuts import get_object_or_404
from django.views import View

from accounts.models import User
from kit.pages.actions import ActionView

from ..attachments import describe_renames
from ..forms import AttachForm
from ..models import Attachment, Interaction
from .interactions import CRUMBS, InteractionPage


class AttachFiles(InteractionPage, ActionView):
    action, title, submit_label, message = "attach", "上传附件", "上传", "上传成功"
    form_class = AttachForm

    def make_form(self, record: Interaction, data: QueryDict | None = None) -> AttachForm:
        return AttachForm(data, None if data is None else self.request.FILES)

    def perform(self, record: Interaction, form: AttachForm) -> Any:
        self.message = (
            f"{self.message}。{words}" if (words := describe_renames(form.cleaned_data["files"])) else self.message
        )
        return super().perform(record, form)


def visible_attachments(user: User, customer: int) -> QuerySet[Attachment]:
    rows = Attachment.objects.visible_to(user).filter(interaction__customer=customer)
    return rows.select_related("interaction", "interaction__customer", "interaction__customer__manager")


class AttachmentFile(View):
    """Download one file; the browser must neither guess its type nor run it."""

    def get(self, request: HttpRequest, customer: int, pk: int) -> FileResponse:
        attachment = get_object_or_404(visible_attachments(request.user, customer), pk=pk)
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


class RemoveAttachment(ActionView):
    model = Attachment
    action, title, question = "remove", "删除附件", "确认删除？"
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
