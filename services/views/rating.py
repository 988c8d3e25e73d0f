"""The public rating page: stars and a comment, without signing in."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.csrf import get_token
from django.utils.decorators import method_decorator
from django.views import View

from kit.audit.middleware import client_ip_address
from kit.domain.verdict import Refused
from kit.pages import public_pages

from ..forms import RatingForm
from ..links import LinkState, form_signature, read_token, verify_form_signature
from ..models import ServiceRound

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
