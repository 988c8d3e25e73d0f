"""The customer's page: stars and a word, without signing in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views import View

from crm.audit.middleware import client_address
from crm.verdict import Refused

from ..forms import RatingForm
from ..links import State, read

PER_MINUTE = 60  # visits from one address: a customer needs two, but telephones share addresses
REFUSALS = {
    State.USED: (410, "这个链接已经用过", "评价已经收到，每个链接只能用一次。谢谢您。"),
    State.EXPIRED: (410, "这个链接已过期", "需要评价时，请向您的客户经理要一个新的链接。"),
    State.FORGED: (404, "链接无效", "请核对链接是否完整，或向您的客户经理要一个新的链接。"),
}
TOO_MANY = (429, "访问太频繁", "请过一分钟再试。")


@method_decorator(login_not_required, name="dispatch")
class Rate(View):
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if too_many(client_address(request) or "?"):
            return refuse(request, *TOO_MANY)
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        state, asked = read(token)
        return self.show(request, asked, RatingForm()) if asked else refuse(request, *REFUSALS[state])

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        state, asked = read(token)
        if asked is None:
            return refuse(request, *REFUSALS[state])
        form = RatingForm(request.POST)
        if not form.is_valid():
            return self.show(request, asked, form)
        data = form.cleaned_data
        try:
            asked.request.rate(asked.rating_key, by=None, satisfaction=data["satisfaction"], comment=data["comment"])
        except Refused:  # somebody was quicker
            return refuse(request, *REFUSALS[State.USED])
        return self.page(request, "services/rated.html", {"title": "谢谢您的评价"})

    def show(self, request: HttpRequest, asked: Any, form: RatingForm) -> HttpResponse:
        return self.page(request, "services/rate.html", {"title": "服务评价", "round": asked, "form": form})

    def page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        return private(render(request, template, context))


def refuse(request: HttpRequest, status: int, heading: str, words: str) -> HttpResponse:
    return private(render(request, "services/rate_refused.html", {"title": heading, "words": words}, status=status))


def private(response: HttpResponse) -> HttpResponse:
    """The address is the key: no copy of the page is kept and no search engine finds it."""
    response["Cache-Control"] = "no-store, private"
    response["X-Robots-Tag"] = "noindex"
    return response


def too_many(address: str) -> bool:
    """Counts visits per address and minute, in each web process."""
    key = f"rate:{address}"
    cache.add(key, 0, timeout=60)
    try:
        return cache.incr(key) > PER_MINUTE
    except ValueError:  # it ended between the two calls
        return False
