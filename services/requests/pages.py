"""Pages of one service request: record, create, edit, delete, assign, helpers, notes."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.users.assign_forms import AssignForm, ReassignForm
from customers.hooks import LeadForm
from customers.models import Contact, Customer, names_hidden_from
from kit.audit.models import AuditEntry
from kit.domain.days import show_day
from kit.domain.modules import lent
from kit.pages.buttons import controls
from kit.pages.form_page import FormPage
from kit.pages.history import HistoryPage, hide_record_names
from kit.pages.record_page import RecordPage

from .buttons import ASSIGN, EDIT, FEEDBACK, HANDLE, INVOLVE, KEEP, REASSIGN, REMOVE, RESUME, WAIT
from .candidates import Candidate, rank_candidates
from .forms import HelperForm, KeepForm, NoteForm, RequestForm
from .models import ServiceRequest
from .notes import ServiceHelper

CRUMBS = (("服务管理", ""), ("服务归档", "services:archive"))
MAX_NEXT = 20  # waiting requests that are asked
RELATED = (
    "kind", "customer", "customer__manager", "customer__level", "contact", "cause", "created_by", "assignee",
    "assigned_by",
)  # fmt: skip


class RequestDetail(RecordPage):
    model, select_related = ServiceRequest, RELATED
    crumbs, help = CRUMBS, "services"
    template_name = "services/request_detail.html"

    def context(self, record: ServiceRequest) -> dict[str, Any]:
        return request_context(record, self.request.user)


def request_context(record: ServiceRequest, user: User) -> dict[str, Any]:
    """Return the context that all pages of one request share."""
    main = controls((REMOVE, EDIT, ASSIGN, HANDLE, FEEDBACK), record, user)  # the next step comes last, at the right
    waiting = RESUME if record.waiting_since else WAIT
    other = controls((*((KEEP,) if record.to_decide_since else ()), REASSIGN, waiting, INVOLVE), record, user)
    customer = Customer.objects.visible_to(user).filter(pk=record.customer_id).first() if record.customer_id else None
    if customer and record.contact:
        record.contact.customer = customer
    return {
        "rounds": list(record.rounds.select_related("handled_by")),
        "notes": list(record.notes.select_related("by")),
        "note_form": NoteForm() if record.can_note(user) else None,
        "helpers": list(record.helpers.select_related("user__department")),
        "may_release": bool(record.can_release(user)),
        "customer": customer,
        "earlier": earlier(record, user) if customer else [],
        "lead_url": lead_url(record, user),
        "history": hide_record_names(AuditEntry.objects.about(record)[:8], hidden_labels(user, bool(customer))),
        "head": [control for control in main if control.allowed],
        "others": [*other, *(control for control in main if not control.allowed)],
    }


def earlier(record: ServiceRequest, user: User) -> list[ServiceRequest]:
    """Return the customer's five newest other requests that the user sees."""
    rows = ServiceRequest.objects.visible_to(user).filter(customer=record.customer_id).exclude(pk=record.pk)
    return list(rows.select_related("kind").order_by("-created_at", "-pk")[:5])


def lead_url(record: ServiceRequest, user: User) -> str:
    """Return the URL of 转销售机会, filled in, for an organisation that is no customer yet; empty without one."""
    if record.customer_id:
        return ""
    values = {
        "customer_name": record.organisation,
        "summary": record.summary[:200],
        "description": record.content[:2000],
    }
    return next((url for form in lent(LeadForm) if (url := form.url(user, values))), "")


class RequestHistory(HistoryPage):
    model, crumbs, help = ServiceRequest, CRUMBS, "services"

    def hidden_labels(self) -> tuple[str, ...]:
        user = self.request.user
        customers = Customer.objects.visible_to(user).filter(service_requests=self.kwargs["pk"])
        return hidden_labels(user, customers.exists())


def hidden_labels(user: User, sees_customer: bool) -> tuple[str, ...]:
    """Return the labels whose values the history hides: customers, and contacts of a customer out of view."""
    return (*names_hidden_from(user, "客户"), *(() if sees_customer else ("联系人",)))


class RequestFormPage(FormPage):
    """The form of create and edit, with suggestions of customers and their contacts."""

    form, template_name = RequestForm, "services/request_form.html"
    select_related, help = RELATED, "services"

    def form_options(self, record: ServiceRequest) -> dict[str, Any]:
        return {"user": self.request.user}

    def context(self, record: ServiceRequest, form: Any) -> dict[str, Any]:
        customer = record.customer if record.pk else None
        return {"contacts": contact_suggestions(self.request.user, customer.pk if customer else None)}

    def fixed(self, record: ServiceRequest) -> list[tuple[str, Any]]:
        creator, at = (record.created_by, record.created_at) if record.pk else (self.request.user, timezone.now())
        return [("编号", record.number or "自动生成"), ("创建人", creator), ("创建时间", show_day(at, "time"))]


def contact_suggestions(user: User, customer_id: int | None) -> list[Contact]:
    """Return up to 50 contacts of the customer if the user sees it."""
    customer = Customer.objects.visible_to(user).filter(pk=customer_id).first() if customer_id else None
    return list(customer.contacts.all()[:50]) if customer else []


class RequestCreate(RequestFormPage):
    do, title = ServiceRequest.create, "服务创建"
    crumbs = (("服务管理", ""),)

    def form_options(self, record: ServiceRequest) -> dict[str, Any]:
        names = ("customer", "contact", "organisation", "summary")
        initial = {name: self.request.GET[name] for name in names if name in self.request.GET}
        return {**super().form_options(record), "initial": initial}

    def back_url(self, record: ServiceRequest) -> str:
        return reverse("services:archive") + "?status=all"


class RequestUpdate(RequestFormPage):
    do, title, crumbs = ServiceRequest.edit, "编辑服务请求", CRUMBS
    locked_first = ("customer",)


class RequestAction(FormPage):
    """What somebody does to a request."""

    select_related, crumbs, help = RELATED, CRUMBS, "services"


class RemoveRequest(RequestAction):
    do, title, question = ServiceRequest.remove, "删除服务请求", "确认删除？"
    danger, submit_label, message = True, "确定", "删除成功"

    def context(self, record: ServiceRequest, form: Any) -> dict[str, Any]:
        return {
            "named": f"服务请求：{record.summary}",
            "details": f"{record.party}，{record.number}",
            "consequence": "删除后不再出现在列表与统计中；变更历史会保留删除人和时间。",
        }

    def success_url(self, record: ServiceRequest, result: Any) -> str:
        return reverse("services:dispatch")


def ranked_candidates(records: list[ServiceRequest], user: User) -> list[Candidate]:
    """Return the account managers to whom the user may assign, with why each fits these requests."""
    return rank_candidates(records, ServiceRequest.candidates(user).prefetch_related("regions"))


class AssignmentPage(FormPage):
    """The form that chooses the account manager, beside the candidates and why each would fit."""

    select_related, crumbs, help = RELATED, CRUMBS, "services"
    template_name = "services/assign.html"

    def form_options(self, record: ServiceRequest) -> dict[str, Any]:
        return {"candidates": ServiceRequest.candidates(self.request.user)}

    def context(self, record: ServiceRequest, form: Any) -> dict[str, Any]:
        return {"candidates": ranked_candidates([record], self.request.user)}


class AssignRequest(AssignmentPage):
    """分配, with the best candidate chosen; afterwards the list again, or the next request to assign."""

    do, form, title, submit_label = ServiceRequest.assign, AssignForm, "分配服务请求", "分配"
    message, offers_next = "已分配，对方会收到通知。", True

    def form_options(self, record: ServiceRequest) -> dict[str, Any]:
        best = ranked_candidates([record], self.request.user)[:1] if self.request.method == "GET" else []
        return {**super().form_options(record), **({"best": best[0].user} if best else {})}

    def back_url(self, record: ServiceRequest) -> str:
        return reverse("services:dispatch")

    def success_url(self, record: ServiceRequest, result: Any) -> str:
        return self.next_url() if "next" in self.request.POST else self.back_url(record)

    def next_url(self) -> str:
        """Return the page of the oldest request the user may assign; the list, where there is none."""
        waiting = ServiceRequest.objects.editable_by(self.request.user).filter(status=ServiceRequest.Status.NEW)
        for one in waiting.order_by("created_at", "pk")[:MAX_NEXT]:
            if one.can_assign(self.request.user):
                return reverse("services:request_assign", args=[one.pk])
        return reverse("services:dispatch")


class ReassignRequest(AssignmentPage):
    do, form, title, submit_label = ServiceRequest.reassign, ReassignForm, "改派服务请求", "改派"
    message = "已改派，双方会收到通知。"


class KeepAssignee(RequestAction):
    do, form, title, submit_label = ServiceRequest.keep, KeepForm, "不改派", "仍由原客户经理处理"
    template_name = "services/keep.html"


class InvolveHelper(RequestAction):
    do, form, title, submit_label = ServiceRequest.involve, HelperForm, "邀请协办人", "邀请"
    message = "已邀请，对方会收到通知。"

    def form_options(self, record: ServiceRequest) -> dict[str, Any]:
        return {"request": record}


class ReleaseHelper(RequestAction):
    do, title, question = ServiceRequest.release, "移除协办人", "确认移除？"
    danger, submit_label, message = True, "确定", "已移除"

    def helper(self, record: ServiceRequest) -> ServiceHelper:
        return get_object_or_404(record.helpers.select_related("user"), pk=self.kwargs["helper"])

    def context(self, record: ServiceRequest, form: Any) -> dict[str, Any]:
        consequence = "移除后对方不能再添加备注；他写下的备注会保留。"
        return {"named": f"协办人：{self.helper(record)}", "details": record.number, "consequence": consequence}

    def carry_out(self, record: ServiceRequest, form: Any) -> None:
        record.release(self.helper(record).user, by=self.request.user)


class AddNote(RequestAction):
    """The note form is part of the record page; errors are shown there."""

    do, form, title, message = ServiceRequest.note, NoteForm, "添加备注", "备注已保存"
    template_name = "services/request_detail.html"

    def context(self, record: ServiceRequest, form: Any) -> dict[str, Any]:
        return {**request_context(record, self.request.user), "note_form": form}

    def success_url(self, record: ServiceRequest, result: Any) -> str:
        return f"{record.get_absolute_url()}#notes"
