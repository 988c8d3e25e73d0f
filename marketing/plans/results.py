"""执行计划: a result for each item, all in one form, so that saving one loses nothing typed beside the others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse

from kit.pages.buttons import controls
from kit.pages.page import render_page
from kit.pages.submission import earlier_url
from marketing.opportunities.models import Opportunity
from marketing.opportunities.pages import PLAN, OpportunityDetail

from .forms import ResultForm
from .models import PlanItem
from .pages import LIST, ItemPage

OWN_NAMES = ("result", "opened", "submission")


def name_of(field: str, item: PlanItem) -> str:
    """Return how an item's field is called on the page, which has one of each for every item."""
    return f"{field}-{item.pk}"


def own_part(data: QueryDict, item_id: int) -> QueryDict:
    """Return what was sent for one item, under the names of its form, as the page of a conflict sends it too."""
    part = QueryDict(mutable=True)
    for name in OWN_NAMES:
        value = data.get(f"{name}-{item_id}", data.get(name))
        if value is not None:
            part[name] = value
    return part


def unsaved_forms(items: Iterable[PlanItem], data: QueryDict, but: int) -> dict[int, ResultForm]:
    """Return forms with the texts that were sent beside another item's and differ from what is stored.

    Each keeps the version it was opened with, so that saving it later still notices what others saved meanwhile.
    """
    forms = {}
    for item in items:
        text = data.get(name_of("result", item))
        if item.pk == but or text is None or text.replace("\r\n", "\n").strip() == item.result.strip():
            continue
        form = ResultForm(instance=item, auto_id=item_auto_id(item))
        form.initial.update(result=text, opened=data.get(name_of("opened", item), form.initial["opened"]))
        forms[item.pk] = form
    return forms


def item_auto_id(item: PlanItem) -> str:
    """Return the auto_id of an item's form: the page has one form per item."""
    return f"%s-{item.pk}"


class ExecutePage(OpportunityDetail):
    """执行计划: opportunity and items read-only, a result for each item."""

    title, help = "执行计划", "development"
    crumbs = (("营销管理", ""), LIST)
    template_name = "marketing/execute.html"

    def get_record(self) -> Opportunity:
        record = super().get_record()
        record.can_develop(self.request.user).enforce()
        return record

    def context(self, record: Opportunity) -> dict[str, Any]:
        context = super().context(record)
        corrected = self.request.GET.get("item", "")
        forms = {item.pk: ResultForm(instance=item, auto_id=item_auto_id(item)) for item in context["items"]}
        return {
            **context,
            "forms": forms,
            "editing": {int(corrected)} if corrected.isdecimal() and len(corrected) < 19 else set(),
            "head": controls((PLAN,), record, self.request.user),
        }


class RecordResult(ItemPage):
    """Save one item's result; errors, and what was typed for others, appear on the execute page again."""

    do, title, form = PlanItem.record_result, "填写执行效果", ResultForm
    template_name = "marketing/execute.html"

    def post(self, request: Any, **kwargs: Any) -> HttpResponse:
        token = own_part(request.POST, self.kwargs["pk"]).get("submission")
        if url := earlier_url(request.user, token):
            return redirect(url)
        return super().post(request, **kwargs)

    def make_form(self, record: PlanItem, data: QueryDict | None = None) -> ResultForm:
        part = None if data is None else own_part(data, record.pk)
        return ResultForm(part, instance=record, auto_id=item_auto_id(record))

    def success_url(self, record: PlanItem, result: Any) -> str:
        return reverse("marketing:development_execute", args=[record.opportunity_id]) + f"#item-{record.pk}"

    def back_url(self, record: PlanItem) -> str:
        return reverse("marketing:development_execute", args=[record.opportunity_id])

    def send(self, record: PlanItem, form: Any) -> HttpResponse:
        """Save; with other texts still unsaved show the page with them instead of leading there."""
        answer = super().send(record, form)
        is_saved = answer.status_code == 302
        return self.draw(record, {}) if is_saved and self.unsaved(record) else answer

    def show(self, record: PlanItem, form: Any, status: int = 200) -> HttpResponse:
        return self.draw(record, {record.pk: form}, status, form=form)

    def render(self, status: int = 200, template: str = "", **context: Any) -> HttpResponse:
        """Render the page of a conflict with what was typed for other items, for the save that follows it."""
        own = f"-{self.kwargs['pk']}"  # the page of the conflict has its own values for these
        kept = {
            name: text
            for name, text in self.request.POST.items()
            if name.rpartition("-")[0] in OWN_NAMES and not name.endswith(own)
        }
        hidden_values = {**context.pop("hidden_values", {}), **kept}
        return super().render(status, template, hidden_values=hidden_values, **context)

    def unsaved(self, record: PlanItem) -> dict[int, ResultForm]:
        return unsaved_forms(record.opportunity.items.all(), self.request.POST, record.pk)

    def draw(self, record: PlanItem, own: dict[int, Any], status: int = 200, **more: Any) -> HttpResponse:
        page = ExecutePage(kwargs={"pk": record.opportunity_id}, request=self.request, args=())
        opportunity = page.rows().get(pk=record.opportunity_id)
        context, open_forms = page.context(opportunity), {**self.unsaved(record), **own}
        context.update(forms={**context["forms"], **open_forms}, editing=set(open_forms), record=opportunity, **more)
        return render_page(page, status, **context)
