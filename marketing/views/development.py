"""Pages of 客户开发计划: the list, 制定计划 and 执行计划."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse

from accounts.detail_columns import ListWithDetails
from kit.pages.actions import Action, ActionView, Control, controls
from kit.pages.lists import Column, RecordList
from kit.pages.records import RecordCreate, RecordUpdate
from kit.pages.templatetags.ui import chip, rate

from ..filters import DevelopmentFilter
from ..forms import PlanItemForm, ResultForm
from ..models import Opportunity, PlanItem
from ..models.plan import PlanItemQuerySet
from ..models.rows import OpportunityQuerySet
from .opportunities import (
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

LIST = ("客户开发计划", "marketing:development_list")


class DevelopmentList(ListWithDetails, RecordList):
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
    row_actions = (EXECUTE, PLAN, WIN)
    tab_field, default_tab = "status", Opportunity.Status.ASSIGNED
    tab_choices = [choice for choice in Opportunity.Status.choices if choice[0] != Opportunity.Status.UNASSIGNED]
    export_permission = "marketing.export_opportunity"
    empty_text = "还没有指派的机会。主管指派之后，机会出现在这里，由客户经理制定并执行计划。"

    def rows(self) -> OpportunityQuerySet:
        return super().rows().in_development()

    def ordered(self, rows: OpportunityQuerySet) -> OpportunityQuerySet:
        return super().ordered(rows.with_progress().with_contact_refusal())

    def row_controls(self, row: Opportunity) -> list[Control]:
        return [] if row.is_closed else super().row_controls(row)  # closed rows are only viewed


class PlanPage(RecordCreate):
    """制定计划: the items of an opportunity, and a form to add one."""

    model, form_class, permission = PlanItem, PlanItemForm, "marketing.plan_opportunity"
    title, help = "制定计划", "development"
    crumbs = (("营销管理", ""), LIST)
    template_name = "marketing/plan.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        rows = Opportunity.objects.visible_to(request.user).select_related("assignee", "created_by")
        self.opportunity = get_object_or_404(rows, pk=kwargs["pk"])
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        self.opportunity.can_plan(request.user).enforce()
        return super().get(request, **kwargs)

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Validate the form before the state, so that a refusal keeps the user's input on the page."""
        verdict = self.opportunity.can_plan(request.user)
        if verdict:
            return super().post(request, **kwargs)
        record = self.new_record()
        form = self.make_form(record, request.POST)
        form.full_clean()
        return self.refuse(record, form, verdict)

    def perform(self, record: PlanItem, form: Any) -> PlanItem:
        return PlanItem.create(by=self.request.user, opportunity=self.opportunity, **form.values())

    def context(self, record: PlanItem, form: Any) -> dict[str, Any]:
        items = list(self.opportunity.items.all())
        for item in items:
            item.opportunity = self.opportunity
        return {"opportunity": self.opportunity, "items": items, "item_actions": (EDIT_ITEM, REMOVE_ITEM)}

    def back_url(self, record: PlanItem) -> str:
        return self.opportunity.get_absolute_url()

    def success_url(self, record: PlanItem, result: Any) -> str:
        return reverse("marketing:development_plan", args=[self.opportunity.pk])


class ItemAction(Action):
    """An action on a plan item; its URL lies below the opportunity's."""

    def url(self, record: PlanItem) -> str:
        return reverse(self.url_name, args=[record.opportunity_id, record.pk])


EDIT_ITEM = ItemAction("edit", "修改", "edit", "marketing:item_update")
REMOVE_ITEM = ItemAction("remove", "删除", "trash", "marketing:item_delete", dialog=True)


class ItemPage:
    """Limit rows to the opportunity of the URL: another one's item is 404."""

    model = PlanItem
    select_related = ("opportunity", "opportunity__assignee", "opportunity__created_by")
    crumbs, help = (("营销管理", ""), LIST), "development"
    kwargs: dict[str, Any]

    def rows(self) -> PlanItemQuerySet:
        return super().rows().filter(opportunity=self.kwargs["opportunity"])  # type: ignore[misc]

    def back_url(self, record: PlanItem) -> str:
        return reverse("marketing:development_plan", args=[self.kwargs["opportunity"]])

    def success_url(self, record: PlanItem, result: Any) -> str:
        return self.back_url(record)


class LockedItemUpdate(ItemPage, RecordUpdate):
    """Lock the opportunity before its item, as the transitions do, so that two saves at once cannot deadlock."""

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        with transaction.atomic():
            Opportunity.objects.select_for_update(of=("self",)).filter(pk=kwargs["opportunity"]).first()
            return super().post(request, **kwargs)


class ItemUpdate(LockedItemUpdate):
    form_class, title = PlanItemForm, "修改计划项"


class RemoveItem(ItemPage, ActionView):
    action, title, question = "remove", "删除计划项", "确认删除？"
    danger, submit_label, message = True, "确定", "删除成功"

    def context(self, record: PlanItem, form: Any) -> dict[str, Any]:
        return {"named": f"计划项：{record.text}", "details": f"{record.on:%Y-%m-%d}", "consequence": ""}


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


class RecordResult(LockedItemUpdate):
    """Save one item's result; errors appear on the execute page beside that item, with the user's text."""

    verb, title, form_class = "record_result", "填写执行效果", ResultForm
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
        return page.page(status, **context)
