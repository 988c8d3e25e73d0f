"""Opening one masked contact detail: confirmed, logged, shown once. Each module names its model."""

from __future__ import annotations

from typing import Any

from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode

from kit.pages.form_page import FormPage
from kit.pages.page import render_page

from .columns import detail_link
from .masking import HasContactDetails

ANSWER_SECONDS = 300  # the answer may be opened again for so long


class ShowDetail(FormPage):
    """POST logs the event and redirects to the value; htmx puts the value in the place of the masked one."""

    do, title, question = HasContactDetails.open_detail, "查看联系方式", "查看完整内容？"
    submit_label, message, help = "查看", "", "details"

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        if kwargs["field"] not in self.model.detail_fields:  # type: ignore[attr-defined]
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        record = self.get_record()
        self.verdict(record).enforce()
        if not self.was_opened(request.GET.get("seen", ""), record):
            return super().get(request, **kwargs)
        context = {"record": record, "label": self.label, "value": detail_link(record, self.kwargs["field"])}
        if self.request.htmx:
            return render(request, "accounts/detail.html", context)
        return render_page(self, template="accounts/detail_page.html", back_url=self.back_url(record), **context)

    @property
    def label(self) -> str:
        return str(self.model._meta.get_field(self.kwargs["field"]).verbose_name)  # type: ignore[union-attr]

    def context(self, record: Any, form: Any) -> dict[str, Any]:
        consequence = "这条记录不在您直接负责的范围内：谁在什么时候查看了什么，会记入审计。"
        return {"named": f"{self.label}：{record}", "details": "", "consequence": consequence}

    def carry_out(self, record: Any, form: Any) -> None:
        record.open_detail(by=self.request.user, name=self.kwargs["field"])

    def ticket(self, record: Any) -> str:
        return f"{self.request.user.pk} {record._meta.label} {record.pk} {self.kwargs['field']}"

    def success_url(self, record: Any, result: Any) -> str:
        ticket = signing.dumps(self.ticket(record), salt="detail")
        return f"{self.request.path}?{urlencode({'seen': ticket})}"

    def was_opened(self, ticket: str, record: Any) -> bool:
        """Whether this user opened this detail just now."""
        try:
            return signing.loads(ticket, salt="detail", max_age=ANSWER_SECONDS) == self.ticket(record)
        except signing.BadSignature:
            return False
