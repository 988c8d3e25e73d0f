"""Pages of the assignee: wait, resume, handle, feedback, rating link, drafts."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import cached_property
from django.views import View

from kit.pages.form_page import FormPage

from ..drafts import DRAFTS, delete_draft, find_draft, save_draft
from ..forms import FeedbackForm, HandleForm, OutcomeForm, ResumeForm, WaitForm
from ..links import qr_code, rating_url
from ..models import Draft, ServiceRequest
from .requests import CRUMBS, RELATED, RequestAction, request_context


class WaitForCustomer(RequestAction):
    do, form, title, submit_label = ServiceRequest.wait, WaitForm, "等待客户回复", "开始等待"
    message = "已暂停计时，客户回复后请恢复处理。"


class ResumeHandling(RequestAction):
    do, form, title, submit_label = ServiceRequest.resume, ResumeForm, "恢复处理", "恢复处理"
    message = "已恢复处理，继续计时。"


class WorkPage(FormPage):
    """A form inside the request's page whose input is saved as a draft while typing. after: what saving leads to."""

    select_related, crumbs, help = RELATED, CRUMBS, "services"
    template_name = "services/request_work.html"
    draft: str
    after: str

    @cached_property
    def restored(self) -> Draft | None:
        """Return the draft that the form opens with; a sent form has its own values."""
        if self.request.method != "GET":
            return None
        return find_draft(self.request.user, self.kwargs["pk"], self.draft)

    def form_options(self, record: ServiceRequest) -> dict[str, Any]:
        return {"initial": self.restored.values} if self.restored else {}

    def context(self, record: ServiceRequest, form: Any) -> dict[str, Any]:
        draft_url = reverse(f"services:draft_{self.draft}", args=[record.pk])
        draft_of = self.restored.saved_at if self.restored else None
        context = request_context(record, self.request.user)
        return {**context, "draft_url": draft_url, "draft_of": draft_of, "head": []}

    def carry_out(self, record: ServiceRequest, form: Any) -> None:
        super().carry_out(record, form)
        delete_draft(self.request.user, record, self.draft)


class HandleRequest(WorkPage):
    do, form, title, draft = ServiceRequest.handle, HandleForm, "服务处理", "handle"
    submit_label, message = "保存", "保存成功，请向客户了解满意度后反馈。"
    after = "保存后进入「已处理」，待反馈"


class FeedBack(WorkPage):
    do, form, title, draft = ServiceRequest.feedback, FeedbackForm, "服务反馈", "feedback"
    template_name = "services/feedback.html"
    after = "3 星以上归档，低于 3 星退回重新处理"

    def form_options(self, record: ServiceRequest) -> dict[str, Any]:
        return outcome_options(record, **super().form_options(record))

    def context(self, record: ServiceRequest, form: Any) -> dict[str, Any]:
        invite_url = reverse("services:request_invite", args=[record.pk])
        return {**super().context(record, form), **rating_context(record, self.request), "invite_url": invite_url}

    def carry_out(self, record: ServiceRequest, form: Any) -> None:
        super().carry_out(record, form)
        is_returned = record.status == ServiceRequest.Status.ASSIGNED
        self.message = "满意度低于 3 星，已退回重新处理，主管会收到通知。" if is_returned else "反馈成功，已归档。"


class InviteCustomer(WorkPage):
    """Save 处理结果 and make the rating link for the customer."""

    do, form, title, draft = ServiceRequest.invite, OutcomeForm, "请客户评价", "feedback"
    template_name = "services/feedback.html"
    submit_label, message = "保存并生成评价链接", "处理结果已保存。请把链接或二维码交给客户。"
    after = "保存处理结果后生成链接和二维码"

    def form_options(self, record: ServiceRequest) -> dict[str, Any]:
        return outcome_options(record, **super().form_options(record))

    def context(self, record: ServiceRequest, form: Any) -> dict[str, Any]:
        return {**super().context(record, form), **rating_context(record, self.request)}

    def success_url(self, record: ServiceRequest, result: Any) -> str:
        return reverse("services:request_feedback", args=[record.pk]) + "#rating"


def outcome_options(record: ServiceRequest, initial: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the options of an OutcomeForm: what is stored of the outcome, overlaid with a draft's values."""
    current = record.rounds.filter(closed_at=None).first()
    stored: dict[str, Any] = {name: getattr(record, name) for name in ("cause", "improvement", "reply")}
    if record.is_adopted is not None:
        stored["is_adopted"] = "1" if record.is_adopted else "0"
    stored["result"] = current.result if current else ""
    return {"initial": {**stored, **(initial or {})}, "request": record}


def rating_context(record: ServiceRequest, request: HttpRequest) -> dict[str, Any]:
    """Return the open round's link for the customer and until when it is valid; empty without one."""
    current = record.rounds.filter(closed_at=None).first()
    url = rating_url(current, request) if current else ""
    return {"rating_url": url, "rating_until": current and current.rating_until}


class SaveDraft(View):
    """Save the form's input as a draft; answers 204."""

    form = ""
    request: Any

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        user = self.request.user
        record = get_object_or_404(ServiceRequest.objects.visible_to(user).select_related("assignee"), pk=pk)
        DRAFTS[self.form].guard.verdict(record, user).enforce()
        save_draft(user, record, self.form, request.POST)
        return HttpResponse(status=204)


class RatingPicture(View):
    """The QR code of the open round's rating link, for the assignee."""

    request: Any

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        user = self.request.user
        record = get_object_or_404(ServiceRequest.objects.visible_to(user).select_related("assignee"), pk=pk)
        record.can_feedback(user).enforce()
        current = get_object_or_404(record.rounds, closed_at=None)
        url = rating_url(current, request)
        if not url:
            raise Http404
        return HttpResponse(qr_code(url), content_type="image/svg+xml")
