"""Pages of 客户开发计划: the list, and 制定计划 (执行计划 in results.py)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from kit.domain.days import show_day
from kit.domain.verdict import Verdict
from kit.lists.columns import Column
from kit.lists.list_page import ListPage
from kit.lists.list_tabs import Tabs
from kit.pages.buttons import Button, Control
from kit.pages.form_page import FormPage
from kit.pages.templatetags.ui import chip, rate
from marketing.opportunities.models import Opportunity
from marketing.opportunities.pages import (
    CONTACT_NAME,
    CONTACT_PHONE,
    EXECUTE,
    PEOPLE,
    PLAN,
    ROW_FIELDS,
    WIN,
    facts_context,
    name_cell,
)
from marketing.opportunities.querysets import OpportunityQuerySet

from .filters import DevelopmentFilter
from .forms import MAX_ROWS, PlanItemForm, PlanItemsForm, typed_rows
from .models import PlanItem, PlanItemQuerySet
from .templates import SHIPPED, dated, steps_of, won_plans

LIST = ("客户开发计划", "marketing:development_list")


class DevelopmentList(ListPage):
    model = Opportunity
    title, crumbs, help = "客户开发计划", (("营销管理", ""),), "development"
    select_related, only = PEOPLE, ROW_FIELDS
    filterset_class = DevelopmentFilter
    default_sort = "-assigned_at"
    columns = (
        Column("编号", "pk", sort="id", css="m-h mute"),
        Column(
            "客户名称 / 概要", "customer_name", sort="customer_name", html=name_cell, css="m-t", beside=("summary",)
        ),
        Column("概要", "summary", export_only=True),
        Column("状态", "get_status_display", sort="status", html=chip, css="m-r"),
        Column("成功机率", "success_rate", sort="success_rate", html=lambda o: rate(o.success_rate), css="num"),
        CONTACT_NAME,
        CONTACT_PHONE,
        Column("计划", lambda o: f"{o.items_done} / {o.items_all}" if o.items_all else "未制定", css="nw"),
        Column("指派给", "assignee", css="nw"),
        Column("指派时间", "assigned_at", sort="assigned_at", css="nw m-h"),
        Column("创建时间", "created_at", sort="created_at", css="nw m-h lo"),
    )
    row_buttons = (EXECUTE, PLAN, WIN)
    tabs = Tabs(
        "status",
        [choice for choice in Opportunity.Status.choices if choice[0] != Opportunity.Status.UNASSIGNED],
        Opportunity.Status.ASSIGNED,
    )
    export_permission = "marketing.export_opportunity"
    empty_text = "还没有指派的机会。主管指派之后，机会出现在这里，由客户经理制定并执行计划。"

    def rows(self) -> OpportunityQuerySet:
        return super().rows().in_development()

    def ordered(self, rows: OpportunityQuerySet) -> OpportunityQuerySet:
        return super().ordered(rows.with_progress().with_contact_refusal())

    def row_controls(self, row: Opportunity) -> list[Control]:
        return [] if row.is_closed else super().row_controls(row)  # closed rows are only viewed


class PlanPage(FormPage):
    """制定计划: the items of an opportunity, and a form to add several, begun by hand or by another plan."""

    do, form = PlanItem.create, PlanItemsForm
    title, help = "制定计划", "development"
    crumbs = (("营销管理", ""), LIST)
    template_name = "marketing/plan.html"

    def get_record(self) -> PlanItem:
        rows = Opportunity.objects.visible_to(self.request.user).select_related(
            "assignee", "created_by", "region", "industry"
        )
        return PlanItem(opportunity=get_object_or_404(rows, pk=self.kwargs["pk"]))

    def verdict(self, record: PlanItem) -> Verdict:
        return record.opportunity.can_plan(self.request.user)

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Fill the rows of the form, below what was typed, where a plan was chosen to begin with; else save it."""
        if "fill" not in request.POST:
            return super().post(request, **kwargs)
        record = self.get_record()
        self.verdict(record).enforce()
        steps = steps_of(request.POST.get("plan", ""), self.request.user)
        typed = [row for row in typed_rows(request.POST) if any(row)]
        rows: list[tuple[date | str, str]] = [*typed, *dated(steps, timezone.localdate())]
        self.has_steps, self.beyond = bool(steps), [text for _, text in rows[MAX_ROWS:]]
        return self.show(record, PlanItemsForm(steps=rows))

    has_steps: bool | None = None  # whether the plan to begin with was found; None: nobody asked for one
    beyond: Sequence[str] = ()  # steps for which the form has no row left

    def carry_out(self, record: PlanItem, form: Any) -> PlanItem:
        planned = form.values()["planned"]
        self.message = self.message if len(planned) == 1 else f"已保存 {len(planned)} 个计划项。"
        for on, text in planned:
            item = PlanItem.create(by=self.request.user, opportunity=record.opportunity, on=on, text=text)
        return item

    def context(self, record: PlanItem, form: Any) -> dict[str, Any]:
        opportunity = record.opportunity
        items = list(opportunity.items.all())
        for item in items:
            item.opportunity = opportunity
        return {
            "opportunity": opportunity,
            "items": items,
            "item_actions": (EDIT_ITEM, REMOVE_ITEM),
            "shipped_plans": [(key, shipped.label, len(shipped.steps)) for key, shipped in SHIPPED.items()],
            "won_plans": won_plans(self.request.user),
            "has_steps": self.has_steps,
            "beyond": self.beyond,
            **facts_context(opportunity, self.request.user),
        }

    def success_url(self, record: PlanItem, result: Any) -> str:
        return reverse("marketing:development_plan", args=[record.opportunity_id])


class ItemButton(Button):
    """An action on a plan item; its URL lies below the opportunity's."""

    def url(self, record: PlanItem) -> str:
        return reverse(self.url_name, args=[record.opportunity_id, record.pk])


EDIT_ITEM = ItemButton(PlanItem.edit, "edit", "marketing:item_update")
REMOVE_ITEM = ItemButton(PlanItem.remove, "trash", "marketing:item_delete", at_once=True)


class ItemPage(FormPage):
    """Limit rows to the opportunity of the URL: another one's item is 404."""

    select_related = ("opportunity", "opportunity__assignee", "opportunity__created_by")
    crumbs, help = (("营销管理", ""), LIST), "development"

    def rows(self) -> PlanItemQuerySet:
        return super().rows().filter(opportunity=self.kwargs["opportunity"])

    def back_url(self, record: PlanItem) -> str:
        return reverse("marketing:development_plan", args=[self.kwargs["opportunity"]])

    def success_url(self, record: PlanItem, result: Any) -> str:
        return self.back_url(record)


class ItemUpdate(ItemPage):
    do, form, title = PlanItem.edit, PlanItemForm, "修改计划项"


class RemoveItem(ItemPage):
    do, title, question = PlanItem.remove, "删除计划项", "确认删除？"
    danger, submit_label, message = True, "确定", "已删除"

    def context(self, record: PlanItem, form: Any) -> dict[str, Any]:
        consequence = "24 小时内可以在「最近删除」里撤销。"
        return {"named": f"计划项：{record.text}", "details": show_day(record.on), "consequence": consequence}
