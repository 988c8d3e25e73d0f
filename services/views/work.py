"""Pages of the assignee: wait, resume, handle, feedback, rating link, drafts."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views import View

from .. import drafts
from ..forms import FeedbackForm, HandleForm, OutcomeForm, ResumeForm, WaitForm
from ..links import qr_code, rating_url
from ..models import ServiceRequest
from .requests import RequestAction, request_context


class WaitForCustomer(RequestAction):
    action, title, submit_label, form_class = "wait", "等待客户回复", "开始等待", WaitForm
    message = "已暂停计时，客户回复后请恢复处理。"


class ResumeHandling(RequestAction):
    action, title, submit_label, form_class = "resume", "恢复处理", "恢复处理", ResumeForm
    message = "已恢复处理，继续计时。"


class WithDraft(RequestAction):
    """A form inside the request's page whose input is saved as a draft while typing."""

    template_name = "services/request_work.html"
    draft: str

    def form_options(self, record: ServiceRequest) -> dict[str, Any]:
        draft = drafts.find_draft(self.request.user, record, self.draft) if self.request.method == "GET" else None
        self.draft_of = draft.saved_at if draft else None
        return {"initial": draft.values} if draft else {}

    def context(self, record: ServiceRequest, form: Any) -> dict[str, Any]:
        context = request_context(record, self.request.user)
        draft_url = reverse(f"services:draft_{self.draft}", args=[record.pk])
        return {**context, "draft_url": draft_url, "draft_of": getattr(self, "draft_of", None), "head": []}

    def perform(self, record: ServiceRequest, form: Any) -> Any:
        super().perform(record, form)
        drafts.delete_draft(self.request.user, record, self.draft)

    def success_url(self, record: ServiceRequest, result: Any) -> str:
        return record.get_absolute_url()


class HandleRequest(WithDraft):
    action, title, form_class, draft = "handle", "服务处理", HandleForm, "handle"
    submit_label, message = "保存", "保存成功，请向客户了解满意度后反馈。"
    after = "保存后进入「已处理」，待反馈"


class FeedBack(WithDraft):
    action, title, form_class, draft = "feedback", "服务反馈", FeedbackForm, "feedback"
    template_name = "services/feedback.html"
    after = "3 星以上归档，低于 3 星退回重新处理"

    def form_options(self, record: ServiceRequest) -> dict[str, Any]:
        options, current = super().form_options(record), record.rounds.filter(closed_at=None).first()
        initial: dict[str, Any] = {name: getattr(record, name) for name in ("cause", "improvement", "reply")}
        if record.is_adopted is not None:
            initial["is_adopted"] = "1" if record.is_adopted else "0"
        initial["result"] = current.result if current else ""
        return {"initial": {**initial, **options.get("initial", {})}, "request": record}

    def context(self, record: ServiceRequest, form: Any) -> dict[str, Any]:
        current = record.rounds.filter(closed_at=None).first()
        url = rating_url(current, self.request) if current else ""
        return {**super().context(record, form), "rating_url": url, "rating_until": current and current.rating_until}

    def perform(self, record: ServiceRequest, form: Any) -> Any:
        super().perform(record, form)
        is_returned = record.status == ServiceRequest.Status.ASSIGNED
        self.message = "满意度低于 3 星，已退回重新处理，主管会收到通知。" if is_returned else "反馈成功，已归档。"


class InviteCustomer(FeedBack):
    """Save 处理结果 and make the rating link for the customer."""

    action, title, form_class = "invite", "请客户评价", OutcomeForm
    submit_label, message = "保存并生成评价链接", "处理结果已保存。请把链接或二维码交给客户。"
    after = "保存处理结果后生成链接和二维码"

    def perform(self, record: ServiceRequest, form: Any) -> Any:
        WithDraft.perform(self, record, form)

    def success_url(self, record: ServiceRequest, result: Any) -> str:
        return reverse("services:request_feedback", args=[record.pk]) + "#rating"


class SaveDraft(View):
    """Save the form's input as a draft; answers 204."""

    form = ""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        record = get_object_or_404(ServiceRequest.objects.visible_to(request.user).select_related("assignee"), pk=pk)
        getattr(record, drafts.FORMS[self.form][1])(request.user).enforce()
        drafts.save_draft(request.user, record, self.form, request.POST)
        return HttpResponse(status=204)


class RatingPicture(View):
    """The QR code of the open round's rating link, for the assignee."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        record = get_object_or_404(ServiceRequest.objects.visible_to(request.user).select_related("assignee"), pk=pk)
        record.can_feedback(request.user).enforce()
        current = get_object_or_404(record.rounds, closed_at=None)
        url = rating_url(current, request)
        if not url:
            raise Http404
        return HttpResponse(qr_code(url), content_type="image/svg+xml")
