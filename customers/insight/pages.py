"""Actions on the card 可以谈什么: 不再提示 and 恢复."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404

from basedata.models import Product
from customers.records.pages import CRUMBS
from customers.records.part_pages import PartPage, get_customer
from kit.domain.verdict import Verdict

from .hint_models import HintPause


class PauseHint(PartPage):
    """A button of the card posts here; without a script or by hand the page asks first."""

    do, title, question = HintPause.create, "不再提示", "不再提示这个产品？"
    crumbs, help = CRUMBS, "hints"
    submit_label, message = "确定", "以后不再提示这个产品"

    def get_record(self) -> HintPause:
        product = get_object_or_404(Product, pk=self.kwargs["product"])
        return HintPause(customer=get_customer(self.request, self.kwargs["pk"]), product=product)

    def verdict(self, record: HintPause) -> Verdict:
        return record.customer.can_contribute(self.request.user)

    def context(self, record: HintPause, form: Any) -> dict[str, str]:
        consequence = "只影响这家客户，可以在同一张卡片里恢复。"
        return {"named": str(record.product), "details": record.customer.name, "consequence": consequence}

    def carry_out(self, record: HintPause, form: Any) -> HintPause:
        return HintPause.create(by=self.request.user, customer=record.customer, product=record.product)


class ResumeHint(PartPage):
    do, title, question = HintPause.resume, "恢复提示", "恢复提示这个产品？"
    crumbs, help, select_related = CRUMBS, "hints", ("customer", "customer__manager", "product")
    submit_label, message = "确定", "以后会再提示这个产品"

    def context(self, record: HintPause, form: Any) -> dict[str, str]:
        return {"named": str(record.product), "details": record.customer.name}

    def success_url(self, record: HintPause, result: Any) -> str:
        return record.customer.get_absolute_url()
