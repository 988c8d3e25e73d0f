"""Actions on an alert of 提前预警: 暂不提醒 and 列为预警."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.http import QueryDict

from customers.churn.models import ChurnCase
from kit.domain.urls import page_url
from kit.pages.buttons import Button
from kit.pages.form_page import FormPage

from .alert_forms import PauseForm
from .models import Alert, AlertPause

MAX_QUERY = 450  # characters: a form keeps where it led to
CRUMBS = (("客户管理", ""), ("客户流失管理", "customers:churn_list"), ("提前预警", "customers:alert_list"))
LOG = Button(None, "message-circle", "customers:interaction_create", label="记交往")
PAUSE = Button(Alert.pause, "clock", "customers:alert_pause", dialog=True)
WARN = Button(Alert.list_as_warning, "alert-triangle", "customers:alert_warn", dialog=True)


class PauseAlert(FormPage):
    do, form, title, question = Alert.pause, PauseForm, "暂不提醒", "暂不提醒这个客户？"
    select_related, crumbs, help = ("customer", "customer__manager"), CRUMBS, "early"
    template_name = "customers/alert_pause.html"
    submit_label, message = "暂不提醒", "到期以前不再提醒这个客户；客户下单后自动恢复"

    def context(self, record: Alert, form: PauseForm) -> dict[str, str]:
        return {"named": record.customer.name, "details": record.sentence, "list_query": self.list_query()}

    def success_url(self, record: Alert, result: AlertPause) -> str:
        """Return the list as it was open."""
        url, query = page_url("customers:alert_list"), QueryDict(self.list_query()).urlencode()
        return f"{url}?{query}" if 0 < len(query) <= MAX_QUERY else url

    def list_query(self) -> str:
        """Return the conditions of the list from which the form was opened, empty elsewhere; the form carries them."""
        if self.request.method == "POST":
            return str(self.request.POST.get("list_query", ""))
        opened_from = urlsplit(self.request.headers.get("Referer", ""))
        return opened_from.query if opened_from.path == page_url("customers:alert_list") else ""


class ListAsWarning(FormPage):
    do, title, question = Alert.list_as_warning, "列为预警", "列为流失预警？"
    select_related, crumbs, help = ("customer", "customer__manager"), CRUMBS, "early"
    submit_label, message = "列为预警", "已列为流失预警，请写下暂缓措施"

    def context(self, record: Alert, form: Any) -> dict[str, str]:
        consequence = "客户离开提前预警，进入客户流失管理的「预警」，由您暂缓或确认流失；客户下单后自动解除。"
        return {"named": record.customer.name, "details": record.sentence, "consequence": consequence}

    def success_url(self, record: Alert, result: ChurnCase) -> str:
        return result.get_absolute_url()
