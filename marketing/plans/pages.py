"""Pages of 客户开发计划: the list, 制定计划 and 执行计划."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from kit.domain.verdict import Verdict
from kit.pages.buttons import Button, Control, controls
from kit.pages.columns import Column
from kit.pages.form_page import FormPage
from kit.pages.list_page import ListPage
from kit.pages.list_tabs import Tabs
from kit.pages.page import render_page
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
    OpportunityDetail,
    name_cell,
)
from marketing.opportunities.querysets import OpportunityQuerySet

from .filters import DevelopmentFilter
from .forms import PlanItemForm, ResultForm
from .models import PlanItem, PlanItemQuerySet

LIST = ("客户开发计划", "marketing:development_list")


class DevelopmentList(ListPage):
    model = Opportunity
    title, crumbs, help = "客户开发计划", (("营销管理", ""),), "development"
    select_related, only = PEOPLE, ROW_FIELDS
    filterset_class = DevelopmentFilter
    default_sort = "-assigned_at"
    columns = (
        Column("编号", "pk", sort="id", css="m-h mute"),
        Column("客户名称 / 概要", "customer_name", sort="customer_name", html=name_cell, css="m-t"),
        Column("概要", "summary", export_only=True),
        Column("状态", "get_status_display", sort="status", html=chip, css="m-r"),
        Column("成功机率", "success_rate", sort="success_rate", html=lambda o: rate(o.success_rate), css="num"),
        CONTACT_NAME,
        CONTACT_PHONE,
        Column("计划", lambda o: f"{o.items_done} / {o.items_all}" if o.items_all else "未制定"),
        Column("指派给", "assignee", css="nw"),
        Column("指派时间", "assigned_at", sort="assigned_at", css="nw m-h"),
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
    """制定计划: the items of an opportunity, and a form to add one."""

    do, form = PlanItem.create, PlanItemForm
    title, help = "制定计划", "development"
    crumbs = (("营销管理", ""), LIST)
    template_name = "marketing/plan.html"

    def get_record(self) -> PlanItem:
        rows = Opportunity.objects.visible_to(self.request.user).select_related("assignee", "created_by")
        return PlanItem(opportunity=get_object_or_404(rows, pk=self.kwargs["pk"]))

    def verdict(self, record: PlanItem) -> Verdict:
        return record.opportunity.can_plan(self.request.user)

    def carry_out(self, record: PlanItem, form: Any) -> PlanItem:
        return PlanItem.create(by=self.request.user, opportunity=record.opportunity, **form.values())

    def context(self, record: PlanItem, form: Any) -> dict[str, Any]:
        opportunity = record.opportunity
        items = list(opportunity.items.all())
        for item in items:
            item.opportunity = opportunity
        return {"opportunity": opportunity, "items": items, "item_actions": (EDIT_ITEM, REMOVE_ITEM)}

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
        return {
            "named": f"计划项：{record.text}",
            "details": f"{record.on:%Y-%m-%d}",
            "consequence": "24 小时内可以在「最近删除」里撤销。",
        }


def item_auto_id(item: PlanItem) -> str:
    """Return the auto_id of an item's form: the page has one form per item."""
    return f"%s-{item.pk}"


class ExecutePage(OpportunityDetail):
    """执行计划: opportunity and items read-only, a result form for each item."""

    title, help = "执行计划", "development"
    crumbs = (("营销管理", ""), LIST)
    template_name = "marketing/execute.html"

    def get_record(self) -> Opportunity:
        record = super().get_record()
        record.can_develop(self.request.user).enforce()
        return record

    def context(self, record: Opportunity) -> dict[str, Any]:
        context = super().context(record)
        editing = self.request.GET.get("item", "")
        forms = {item.pk: ResultForm(instance=item, auto_id=item_auto_id(item)) for item in context["items"]}
        return {
            **context,
            "forms": forms,
            "editing": int(editing) if editing.isdecimal() and len(editing) < 19 else None,
            "head": controls((PLAN,), record, self.request.user),
        }


class RecordResult(ItemPage):
    """Save one item's result; errors appear on the execute page beside that item, with the user's text."""

    do, title, form = PlanItem.record_result, "填写执行效果", ResultForm
    template_name = "marketing/execute.html"

    def form_options(self, record: PlanItem) -> dict[str, Any]:
        return {"auto_id": item_auto_id(record)}

    def success_url(self, record: PlanItem, result: Any) -> str:
        return reverse("marketing:development_execute", args=[record.opportunity_id]) + f"#item-{record.pk}"

    def back_url(self, record: PlanItem) -> str:
        return reverse("marketing:development_execute", args=[record.opportunity_id])

    def show(self, record: PlanItem, form: Any, status: int = 200) -> HttpResponse:
        page = ExecutePage(kwargs={"pk": record.opportunity_id}, request=self.request, args=())
        opportunity = page.rows().get(pk=record.opportunity_id)
        context = page.context(opportunity)
        context.update(forms={**context["forms"], record.pk: form}, editing=record.pk, record=opportunity, form=form)
        return render_page(page, status, **context)
