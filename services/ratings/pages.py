"""The public rating page: stars and a comment, without signing in."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views import View

from kit.audit.middleware import client_ip_address
from kit.domain.verdict import Refused
from kit.pages import public_pages
from services.requests.forms import FeedbackForm, OutcomeForm
from services.requests.models import ServiceRequest
from services.requests.related_models import ServiceRound
from services.requests.work_pages import WorkPage

from .forms import RatingForm
from .links import LinkState, form_signature, qr_code, rating_url, read_token, verify_form_signature

PER_MINUTE = 60  # requests from one IP address: a customer needs two, but phones share addresses
ASK_FOR_NEW_LINK = "需要评价时，请向您的客户经理要一个新的链接。"
REFUSALS = {  # nothing of the record: the holder of an old link need not be the present contact
    LinkState.USED: (410, "这个链接已经用过", "评价已经收到，每个链接只能用一次。谢谢您。"),
    LinkState.CLOSED: (
        410,
        "这次评价已经结束",
        "这次服务已经登记了结果，不需要再评价。有话要说，请直接与您的客户经理联系。",
    ),
    LinkState.REPLACED: (
        410,
        "这个链接已由新的代替",
        "请用新链接：打开您最近收到的那一个。找不到时，请向您的客户经理要。",
    ),
    LinkState.EXPIRED: (410, "这个链接已过期", ASK_FOR_NEW_LINK),
    LinkState.FORGED: (404, "", ""),
}
COOKIE_MISSING = "浏览器没有保存这次访问，刚才没有提交成功。您填写的内容都在，请再点一次「提交评价」。"
NOT_NOW = "现在不能提交，您填写的内容都在。请稍后再试；仍然不行时，请与您的客户经理联系。"
MAX_ECHO_LENGTH = 5000  # characters of the comment shown again after a refusal


@method_decorator(login_not_required, name="dispatch")
class Rate(View):
    is_ours = True  # whether the form comes from our own page

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if is_rate_limited(client_ip_address(request) or "?"):
            return public_pages.refuse_public(429, typed=typed_comment(request))
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        state, current = read_token(token)
        return self.show(current, RatingForm()) if current else refuse_link(request, state)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        state, current = read_token(token)
        if current is None:
            return refuse_link(request, state)
        form = RatingForm(request.POST)
        if not self.is_ours:
            return self.show(current, form, again=COOKIE_MISSING, status=403)
        if not form.is_valid():
            return self.show(current, form)
        data = form.cleaned_data
        try:
            current.request.rate(
                current.rating_key or "", by=None, satisfaction=data["satisfaction"], comment=data["comment"]
            )
        except Refused:  # the state changed meanwhile, or a field needed for archiving was emptied
            state, current = read_token(token)
            return self.show(current, form, again=NOT_NOW, status=409) if current else refuse_link(request, state)
        return public_pages.render_public("services/rated.html", {"title": "谢谢您的评价"})

    def show(self, current: ServiceRound, form: RatingForm, *, again: str = "", status: int = 200) -> HttpResponse:
        context = {"title": "服务评价", "round": current, "form": form, "again": again}
        context |= {"proof": form_signature(self.kwargs["token"]), "csrf_token": get_token(self.request)}
        return public_pages.render_public("services/rate.html", context, status=status)


def rate_without_cookie(request: HttpRequest, token: str) -> HttpResponse:
    """Answer a form without CSRF cookie: accept it with the page's own signature, else show it again with its input."""
    view = Rate.as_view(is_ours=verify_form_signature(request.POST.get("proof", ""), token))
    return cast(HttpResponse, view(request, token=token))  # Django types views by the base of streamed answers too


def refuse_link(request: HttpRequest, state: LinkState) -> HttpResponse:
    status, heading, words = REFUSALS[state]
    return public_pages.refuse_public(
        status, heading, words, typed="" if state is LinkState.FORGED else typed_comment(request)
    )


def typed_comment(request: HttpRequest) -> str:
    """Return the visitor's comment, for the refusal page of the same request."""
    return request.POST.get("comment", "")[:MAX_ECHO_LENGTH].strip()


def is_rate_limited(ip: str) -> bool:
    """Count a request of this IP address; return whether it is over the limit. Per minute and web process."""
    key = f"rate:{ip}"
    cache.add(key, 0, timeout=60)
    try:
        return cache.incr(key) > PER_MINUTE
    except ValueError:  # the key expired between the two calls
        return False


class FeedBack(WorkPage):
    do, form, title, draft = ServiceRequest.feedback, FeedbackForm, "服务反馈", "feedback"
    template_name = "services/feedback.html"

    def form_options(self, record: ServiceRequest) -> dict[str, Any]:
        return outcome_options(record, **super().form_options(record))

    def context(self, record: ServiceRequest, form: Any) -> dict[str, Any]:
        invite_url = reverse("services:request_invite", args=[record.pk])
        return {**super().context(record, form), **rating_context(record, self.request), "invite_url": invite_url}

    def carry_out(self, record: ServiceRequest, form: Any) -> None:
        super().carry_out(record, form)
        is_returned = record.status == ServiceRequest.Status.ASSIGNED
        self.message = "满意度 2 星及以下，已退回重新处理，主管会收到通知。" if is_returned else "反馈成功，已归档。"


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
