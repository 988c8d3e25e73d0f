"""Pages of 销售机会管理: list, record, create, edit, assign, close, share."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone

from accounts.contact_details.columns import DetailColumn
from accounts.contact_details.pages import ShowDetail
from accounts.models import User
from accounts.sharing.pages import ShareRecord, WithdrawShare
from accounts.users.assign_forms import AssignForm, ReassignForm
from basedata.models import DictionaryEntry
from customers.models import Customer, names_hidden_from
from customers.records.duplicate_pages import DuplicateCheckedPage
from customers.records.picker import customer_suggestions
from kit.audit.models import AuditEntry
from kit.domain.days import show_day
from kit.domain.money import format_yuan
from kit.lists.bulk import BulkAction
from kit.lists.columns import Column
from kit.lists.list_page import ListPage, NewLink
from kit.lists.list_tabs import Tabs
from kit.lists.list_views.views import View
from kit.pages.buttons import Button, controls
from kit.pages.form_page import FormPage
from kit.pages.history import HistoryPage, hide_record_names, mask_entries
from kit.pages.html import format_html_fast
from kit.pages.record_page import RecordPage
from kit.pages.templatetags.ui import chip, rate

from .candidates import Candidate, rank_candidates
from .filters import OpportunityFilter
from .forecasts import sum_forecasts
from .forms import ContactCorrectionForm, ForecastForm, LoseForm, OpportunityForm, WinForm
from .models import Opportunity
from .namesakes import SameNameExists
from .querysets import OpportunityQuerySet

LIST = ("销售机会管理", "marketing:opportunity_list")
CRUMBS = (("营销管理", ""), LIST)
ASSIGN = Button(Opportunity.assign, "user-plus", "marketing:opportunity_assign", "btn-primary")
EDIT = Button(Opportunity.edit, "edit", "marketing:opportunity_update")
REMOVE = Button(Opportunity.remove, "trash", "marketing:opportunity_delete", dialog=True)
REASSIGN = Button(Opportunity.reassign, "arrows-exchange", "marketing:opportunity_reassign")
PLAN = Button(Opportunity.can_plan, "checklist", "marketing:development_plan")
EXECUTE = Button(Opportunity.can_develop, "list-check", "marketing:development_execute", "btn-primary")
FORECAST = Button(Opportunity.update_forecast, "adjustments", "marketing:opportunity_forecast")
CONTACT = Button(Opportunity.correct_contact, "phone", "marketing:opportunity_contact")
WIN = Button(Opportunity.win, "circle-check", "marketing:opportunity_win", "btn-primary", dialog=True)
SHARE = Button(Opportunity.share, "users", "marketing:opportunity_share", label="协作人")
MAX_NEXT = 20  # waiting opportunities that are asked
WITHDRAW_SHARE = "marketing:opportunity_share_withdraw"
LOSE = Button(Opportunity.lose, "player-stop", "marketing:opportunity_lose", "btn-warn")


PEOPLE = ("assignee", "created_by", "assigned_by")
ROW_FIELDS = (
    "customer_name", "summary", "status", "success_rate", "contact_name", "contact_phone", "created_at", "assigned_at",
    "assignee__name", "created_by__name", "assigned_by__name",
)  # fmt: skip


def name_cell(opportunity: Opportunity) -> str:
    return format_html_fast(
        '<a href="{}">{}</a><small class="sm in">{}</small>',
        opportunity.get_absolute_url(),
        opportunity.customer_name,
        opportunity.summary,
    )


CONTACT_NAME = DetailColumn(
    "联系人", "contact_name", below="contact_phone", refused="refuses_contact", beside=("contact_phone",)
)
CONTACT_PHONE = DetailColumn("联系人电话", "contact_phone", export_only=True, refused="refuses_contact")


class OpportunityList(ListPage):
    model = Opportunity
    title, crumbs, help = "销售机会管理", (("营销管理", ""),), "opportunities"
    select_related, only = PEOPLE, ROW_FIELDS
    filterset_class = OpportunityFilter
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
        Column("指派给", "assignee", css="nw"),
        Column("创建人", "created_by", css="nw m-h lo"),
        Column("创建时间", "created_at", sort="created_at", css="nw m-h"),
    )
    row_buttons = (ASSIGN, EDIT, REMOVE, REASSIGN, PLAN)
    bulk_actions = (
        BulkAction("指派", "marketing:assign_many", Opportunity.assign.permission, "个"),
        BulkAction("改派", "marketing:reassign_many", Opportunity.reassign.permission, "个"),
        BulkAction("延后", "marketing:postpone_many", Opportunity.update_forecast.permission, "个"),
    )
    tabs = Tabs("status", Opportunity.Status.choices, Opportunity.Status.UNASSIGNED)
    shipped_views = (
        View("waiting", "14 天没指派", "status=unassigned&created=over-14&sort=created_at"),
        View("unplanned", "指派后没有计划", "status=assigned&unplanned=on&sort=created_at"),
    )
    new = NewLink(Opportunity.create, "marketing:opportunity_create", "新建机会")
    export_permission = "marketing.export_opportunity"
    empty_text = "还没有销售机会。新建第一个机会后，主管把它指派给客户经理开发。"

    def ordered(self, rows: OpportunityQuerySet) -> OpportunityQuerySet:
        return super().ordered(rows.with_contact_refusal())

    def summed(self) -> tuple[OpportunityQuerySet, str]:
        return cast(OpportunityQuerySet, self.shown_rows()), "expected_amount"

    def totals(self, count: int, total: Decimal | None) -> str:
        """Return the exact sums of all rows of the list; for links from reports those of the report's figures."""
        query = self.request.GET
        if not query.get("total"):
            return f"{count:,} 个机会，预计金额 {format_yuan(total)} 元" if total is not None else ""
        totals = sum_forecasts(self.shown_rows())
        as_of = "月初时" if query.get("forecast") else ""
        text = f"合计 {totals.number:,} 个机会，{as_of}预计金额 {format_yuan(totals.amount)} 元"
        if as_of or query.get("open") or self.tab in Opportunity.OPEN:  # closed ones have no chance any more
            text += f"，加权金额 {format_yuan(totals.weighted)} 元"
        return text if totals.number else ""


class OpportunityDetail(RecordPage):
    model = Opportunity
    template_name = "marketing/opportunity_detail.html"
    crumbs, help = CRUMBS, "opportunities"
    select_related = (*PEOPLE, "region", "industry", "competitor")

    def rows(self) -> OpportunityQuerySet:
        return super().rows().with_contact_refusal()

    def context(self, record: Opportunity) -> dict[str, Any]:
        items = list(record.items.select_related("executed_by"))
        user = self.request.user
        main = controls((REMOVE, EDIT, ASSIGN, PLAN, EXECUTE), record, user)  # the next step comes last, at the right
        other = controls((REASSIGN, FORECAST, CONTACT, SHARE), record, user)
        hidden = names_hidden_from(self.request.user, "老客户介绍")
        return {
            "items": items,
            "done": sum(item.is_done for item in items),
            "pending_count": sum(not item.is_done for item in items),
            **facts_context(record, user),
            "history": hide_record_names(mask_entries(record, AuditEntry.objects.about(record)[:8], user), hidden),
            "head": [control for control in main if control.allowed],
            "others": [*other, *(control for control in main if not control.allowed)],
            "results": controls((WIN, LOSE), record, user),
            "grants": record.grants.select_related("user", "permission"),
            "withdraw_url": WITHDRAW_SHARE if record.is_closed and record.can_withdraw_share(user) else "",
        }


def facts_context(record: Opportunity, user: User) -> dict[str, Any]:
    """Return the context of marketing/facts.html besides record: the customers it names, where the user sees them."""
    linked = [pk for pk in (record.customer_id, record.introduced_by_id) if pk]
    visible = Customer.objects.visible_to(user).in_bulk(linked) if linked else {}
    customer = visible.get(record.customer_id)
    return {
        "customer": customer,
        "customer_deleted": not customer and record.customer is not None and record.customer.deleted_at is not None,
        "introducer": visible.get(record.introduced_by_id),
    }


class OpportunityHistory(HistoryPage):
    model = Opportunity
    crumbs = CRUMBS

    def hidden_labels(self) -> tuple[str, ...]:
        return names_hidden_from(self.request.user, "老客户介绍")


def suggestions(user: User) -> dict[str, Any]:
    """Return the context that completes the free-text source and the introducing customer."""
    sources = [entry.item for entry in DictionaryEntry.objects.of("机会来源")]
    return {"datalists": {"sources": sources, "customers": customer_suggestions(user)}}


def automatic_facts(record: Opportunity | None, user: User) -> list[tuple[str, Any]]:
    """Return what the system fills in, for the form that does not ask for it. record: None before it is created."""
    if record is None:
        return [("编号", "自动生成"), ("创建人", user), ("创建时间", show_day(timezone.now(), "time"))]
    return [("编号", record.pk), ("创建人", record.created_by), ("创建时间", show_day(record.created_at, "time"))]


class OpportunityCreate(DuplicateCheckedPage):
    do, form, template_name = Opportunity.create, OpportunityForm, "customers/customer_form.html"
    title, crumbs, help = "新建机会", CRUMBS, "opportunities"

    def form_options(self, record: Opportunity) -> dict[str, Any]:
        """Fill in the values of the URL: 转销售机会 of a service request leads here with them."""
        names = ("customer_name", "summary", "description")
        initial = {name: self.request.GET[name] for name in names if name in self.request.GET}
        return {"user": self.request.user, "initial": initial}

    def context(self, record: Opportunity, form: Any) -> dict[str, Any]:
        return suggestions(self.request.user)

    def fixed(self, record: Opportunity) -> list[tuple[str, Any]]:
        return automatic_facts(None, self.request.user)

    def back_url(self, record: Opportunity) -> str:
        return reverse("marketing:opportunity_list")


class OpportunityUpdate(DuplicateCheckedPage):
    do, form, template_name = Opportunity.edit, OpportunityForm, "customers/customer_form.html"
    title, crumbs, help = "编辑机会", CRUMBS, "opportunities"
    locked_first = ("introduced_by",)

    def fixed(self, record: Opportunity) -> list[tuple[str, Any]]:
        return automatic_facts(record, self.request.user)

    def form_options(self, record: Opportunity) -> dict[str, Any]:
        return {"user": self.request.user}

    def context(self, record: Opportunity, form: Any) -> dict[str, Any]:
        return suggestions(self.request.user)


class RemoveOpportunity(FormPage):
    do, title, question = Opportunity.remove, "删除机会", "确认删除？"
    crumbs, help = CRUMBS, "opportunities"
    danger, submit_label, message = True, "确定", "删除成功"

    def context(self, record: Opportunity, form: Any) -> dict[str, Any]:
        return {
            "named": f"销售机会：{record.summary}",
            "details": f"{record.customer_name}，编号 {record.pk}",
            "consequence": "删除后不再出现在列表与统计中；变更历史会保留删除人和时间。",
        }

    def success_url(self, record: Opportunity, result: Any) -> str:
        return reverse("marketing:opportunity_list")


class AssignmentPage(FormPage):
    """The form that chooses the account manager, beside the candidates and why each would fit."""

    crumbs, help = CRUMBS, "opportunities"
    template_name = "marketing/assign.html"

    def form_options(self, record: Opportunity) -> dict[str, Any]:
        return {"candidates": Opportunity.candidates(self.request.user)}

    def context(self, record: Opportunity, form: Any) -> dict[str, Any]:
        is_taken = self.do == Opportunity.assign and record.assignee_id is not None
        return {"candidates": self.ranked(record), "is_taken": is_taken, **facts_context(record, self.request.user)}

    def ranked(self, record: Opportunity) -> list[Candidate]:
        people = Opportunity.candidates(self.request.user).prefetch_related("regions", "industries")
        return rank_candidates(record, people)


class AssignOpportunity(AssignmentPage):
    """指派, with the best candidate chosen; afterwards the list again, or the next opportunity to assign."""

    do, form, title, submit_label = Opportunity.assign, AssignForm, "指派机会", "指派"
    offers_next = True

    def form_options(self, record: Opportunity) -> dict[str, Any]:
        best = [candidate.user for candidate in self.ranked(record)[:1]] if self.request.method == "GET" else []
        return {**super().form_options(record), **({"best": best[0]} if best else {})}

    def back_url(self, record: Opportunity) -> str:
        return reverse("marketing:opportunity_list")

    def success_url(self, record: Opportunity, result: Any) -> str:
        return self.next_url() if "next" in self.request.POST else self.back_url(record)

    def next_url(self) -> str:
        """Return the page of the oldest opportunity the user may assign; the list, where there is none."""
        waiting = Opportunity.objects.editable_by(self.request.user).filter(status=Opportunity.Status.UNASSIGNED)
        for one in waiting.order_by("created_at", "pk")[:MAX_NEXT]:
            if one.can_assign(self.request.user):
                return reverse("marketing:opportunity_assign", args=[one.pk])
        return reverse("marketing:opportunity_list")


class ReassignOpportunity(AssignmentPage):
    do, form, title, submit_label = Opportunity.reassign, ReassignForm, "改派机会", "改派"


class UpdateForecast(FormPage):
    do, title, form = Opportunity.update_forecast, "更新预测", ForecastForm
    crumbs, help = CRUMBS, "opportunities"


class CorrectContact(FormPage):
    do, title, form = Opportunity.correct_contact, "更正联系方式", ContactCorrectionForm
    crumbs, help = CRUMBS, "opportunities"


class WinOpportunity(FormPage):
    do, title, question = Opportunity.win, "开发成功", "确认开发成功？"
    crumbs, help = CRUMBS, "opportunities"
    form, submit_label = WinForm, "确定"
    template_name = "marketing/win.html"
    message = "客户开发成功，已添加新客户记录。"

    def form_options(self, record: Opportunity) -> dict[str, Any]:
        return {"opportunity": record, "user": self.request.user}

    def context(self, record: Opportunity, form: Any) -> dict[str, Any]:
        visible = Customer.objects.visible_to(self.request.user).filter(pk__in=[c.pk for c in form.same_name])
        return {
            "pending": [item for item in record.items.all() if not item.is_done],
            "seen": set(visible.values_list("pk", flat=True)),
        }

    def send(self, record: Opportunity, form: Any) -> HttpResponse:
        if form.arguments()["link_to"]:
            self.message = "客户开发成功，已关联到已有客户。"
        try:
            return super().send(record, form)
        except SameNameExists:  # created by somebody else since the form was validated
            form = self.make_form(record, self.request.POST)
            form.is_valid()
            return self.show(record, form)

    def carry_out(self, record: Opportunity, form: Any) -> Any:
        customer = record.win(by=self.request.user, **form.arguments())
        if record.contact_phone_differs(customer):
            self.message += (
                f"客户的联系人「{record.contact_name}」已有别的电话，没有改动；机会上的电话留在机会页，请核对。"
            )
        return customer

    def success_url(self, record: Opportunity, result: Any) -> str:
        return record.get_absolute_url()


class LoseOpportunity(FormPage):
    do, title, form = Opportunity.lose, "终止开发", LoseForm
    crumbs, help = CRUMBS, "opportunities"
    submit_label, danger, message = "终止开发", True, "开发失败，已归档。"
    template_name = "marketing/lose.html"


class ShowOpportunityDetail(ShowDetail):
    do, select_related, crumbs = Opportunity.open_detail, PEOPLE, CRUMBS


class ShareOpportunity(ShareRecord):
    do, select_related = Opportunity.share, PEOPLE
    crumbs, help = CRUMBS, "sharing"
    withdraw_url, may_edit = WITHDRAW_SHARE, "可编辑：可以制定开发计划"


class WithdrawOpportunityShare(WithdrawShare):
    do, crumbs = Opportunity.withdraw_share, CRUMBS

    def back_url(self, record: Opportunity) -> str:
        """Return the sharing page, or for closed opportunities, which have none, the record page."""
        return (
            record.get_absolute_url() if record.is_closed else reverse("marketing:opportunity_share", args=[record.pk])
        )

    def success_url(self, record: Opportunity, result: Any) -> str:
        return self.back_url(record)
