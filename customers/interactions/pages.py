"""Pages of a customer's 交往记录: list, record with attachments, forms and actions."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import Truncator

from customers.contacts.pages import refusal_mark
from customers.records.pages import CRUMBS
from customers.records.part_pages import InPlacePage, PartButton, PartList, PartPage, rows_of_customer
from kit.audit.models import AuditEntry
from kit.domain.days import show_day
from kit.domain.text import DASH
from kit.domain.verdict import Verdict
from kit.lists.columns import Column
from kit.pages.buttons import controls
from kit.pages.record_page import RecordPage

from .attachment_forms import AttachForm
from .attachments import describe_renames
from .filters import InteractionFilter
from .forms import InteractionForm
from .models import Interaction

DONE = PartButton(Interaction.finish_follow_up, "check", "customers:interaction_done", dialog=True)
EDIT = PartButton(Interaction.edit, "edit", "customers:interaction_update", "btn-primary")
CUT_AT = 40  # characters of a long text in the list
REMOVE = PartButton(Interaction.remove, "trash", "customers:interaction_delete", at_once=True)
CAN_BE_UNDONE = "24 小时内可以在「最近删除」里撤销。"
RELATED = ("customer", "customer__manager", "kind", "contact", "created_by")


def summary_cell(row: Interaction) -> str:
    place = format_html('<small class="sm in">{}</small>', row.place) if row.place else ""
    return format_html('<a href="{}">{}</a>{}', row.get_absolute_url(), row.summary, place)


def follow_up_cell(row: Interaction) -> str:
    if row.follow_up_on is None:
        return show_day(None)
    if not row.is_follow_up_open:
        return format_html('{} <span class="st green">已完成</span>', show_day(row.follow_up_on))
    label, tone = (f"逾期 {row.days_late} 天", "red") if row.days_late else ("待跟进", "hollow")
    return format_html('{} <span class="st {}">{}</span>', show_day(row.follow_up_on), tone, label)


def contact_cell(row: Interaction) -> str:
    return format_html("{}{}", row.contact, refusal_mark(row.contact)) if row.contact else DASH


def cut_cell(name: str, row: Interaction) -> str:
    """Return the beginning of a long text; the page of the row has all of it."""
    return Truncator(getattr(row, name)).chars(CUT_AT) or DASH


class InteractionList(PartList):
    model = Interaction
    title, crumbs, help = "交往记录", CRUMBS, "interactions"
    part = "interactions"
    new_label, new_url = "记交往", "customers:interaction_create"
    select_related = RELATED
    filterset_class = InteractionFilter
    default_sort = "-on"
    columns = (
        Column("时间", "on", sort="on", css="nw"),
        Column("方式", "kind", css="m-r"),
        Column("概要 / 地点", "summary", html=summary_cell, css="m-t"),
        Column("联系人", "contact", html=contact_cell),
        Column("备注", "note", html=partial(cut_cell, "note"), css="m-full"),
        Column("详细信息", "details", html=partial(cut_cell, "details"), css="m-full"),
        Column("下次跟进", "follow_up_on", sort="follow_up_on", html=follow_up_cell, css="nw"),
        Column("记录人", "created_by", css="nw m-h"),
    )
    row_buttons = (EDIT, REMOVE, DONE)
    empty_text = "还没有交往记录。拜访、电话、会议之后，用「记交往」写下谈了什么、下次何时跟进。"


class InteractionDetail(RecordPage):
    model = Interaction
    template_name = "customers/interaction_detail.html"
    select_related, crumbs, help = RELATED, CRUMBS, "interactions"

    def rows(self) -> Any:
        return rows_of_customer(self)

    def context(self, record: Interaction) -> dict[str, Any]:
        user = self.request.user
        buttons = controls((REMOVE, DONE, EDIT), record, user)
        return {
            "attachments": record.attachments.select_related("uploaded_by"),
            "may_edit": bool(record.can_edit(user)),
            "attach_form": AttachForm() if record.can_attach(user) else None,
            "head": [button for button in buttons if button.allowed or button.action is not DONE],
            "history": AuditEntry.objects.about(record)[:8],
        }


def renames_in(message: str, form: InteractionForm | AttachForm) -> str:
    """Return the notice after uploading, with the files that are stored under another name."""
    words = describe_renames(form.cleaned_data["files"])
    return f"{message}。{words}" if words else message


class InteractionCreate(InPlacePage):
    do, form = Interaction.create, InteractionForm
    template_name = "customers/interaction_form.html"
    title, crumbs, help = "记交往", CRUMBS, "interactions"
    card = "interactions"

    def verdict(self, record: Interaction) -> Verdict:
        return record.customer.can_contribute(self.request.user)

    def make_form(self, record: Interaction, data: QueryDict | None = None) -> InteractionForm:
        return InteractionForm(data, None if data is None else self.request.FILES, instance=record)

    def carry_out(self, record: Interaction, form: InteractionForm) -> Interaction:
        self.message = renames_in(self.message, form)
        return Interaction.create(by=self.request.user, customer=record.customer, **form.values())


class InteractionUpdate(InPlacePage):
    do, form, title = Interaction.edit, InteractionForm, "编辑交往记录"
    select_related, crumbs, help = RELATED, CRUMBS, "interactions"
    card = "interactions"


def describe(record: Interaction, consequence: str) -> dict[str, str]:
    """Return the context of a question about an interaction."""
    details = f"{record.customer}，{show_day(record.on)}"
    return {"named": f"交往记录：{record.summary}", "details": details, "consequence": consequence}


class RemoveInteraction(PartPage):
    do, title, question = Interaction.remove, "删除交往记录", "确认删除？"
    select_related, crumbs, help = RELATED, CRUMBS, "interactions"
    danger, submit_label, message = True, "确定", "已删除"

    def context(self, record: Interaction, form: Any) -> dict[str, Any]:
        files = record.attachments.count()
        return describe(record, f"{files} 个附件一起删除。{CAN_BE_UNDONE}" if files else CAN_BE_UNDONE)

    def success_url(self, record: Interaction, result: Any) -> str:
        return reverse("customers:interaction_list", args=[self.kwargs["customer"]])


class FinishFollowUp(PartPage):
    do, title, question = Interaction.finish_follow_up, "完成跟进", "跟进已经完成？"
    select_related, crumbs, help = RELATED, CRUMBS, "interactions"
    submit_label = "确定"

    def context(self, record: Interaction, form: Any) -> dict[str, Any]:
        return describe(record, "记下新的交往时，到期的跟进会自动完成；只有没有新内容可记时才需要在这里确认。")
