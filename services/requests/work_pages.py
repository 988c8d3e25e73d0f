"""Pages of the assignee: wait, resume, handle, feedback, rating link, drafts."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import cached_property
from django.views import View

from kit.pages.form_page import FormPage

from .drafts import DRAFTS, delete_draft, find_draft, save_draft
from .forms import HandleForm, ResumeForm, WaitForm
from .models import ServiceRequest
from .notes import Draft
from .pages import CRUMBS, RELATED, RequestAction, request_context


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
    after = ""

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
        *earlier, last = context["rounds"] or [None]
        rounds = {"earlier_rounds": earlier, "last_round": last}
        return {**context, **rounds, "draft_url": draft_url, "draft_of": draft_of, "head": []}

    def carry_out(self, record: ServiceRequest, form: Any) -> None:
        super().carry_out(record, form)
        delete_draft(self.request.user, record, self.draft)


class HandleRequest(WorkPage):
    do, form, title, draft = ServiceRequest.handle, HandleForm, "服务处理", "handle"
    submit_label, message = "保存", "保存成功，请向客户了解满意度后反馈。"
    after = "保存后进入「已处理」，待反馈"


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
