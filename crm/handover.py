"""移交 and 离职交接: pages that move rows of several modules at once, each module its own."""

from __future__ import annotations

from functools import partial
from typing import Any

from django import forms
from django.urls import reverse

from accounts.models import User
from accounts.users.pages import CRUMBS as USER_CRUMBS
from customers.hooks import RecordsOfCustomers
from customers.merging.pages import COLUMNS, CRUMBS, LIST, RELATED, UNIT
from customers.merging.undoing import TRANSFERRED, watch_transfer
from customers.models import Customer, transfer_customers
from customers.records.candidates import possible_successors
from kit.bulk.page import BulkPage, Outcome
from kit.domain.left_out import LeftOut
from kit.domain.modules import Leaving, lent, modules
from kit.domain.verdict import refuse_if
from kit.pages.form_page import FormPage
from kit.pages.forms import Block, CrmForm, apply_field_defaults
from kit.sql.row_locks import lock_in_order
from kit.sql.transactions import in_transaction
from kit.undo.journal import Journal


class TransferForm(CrmForm, forms.Form):
    to = forms.ModelChoiceField(User.objects.none(), label="新的客户经理")
    reason = forms.CharField(label="移交原因", max_length=200, widget=forms.Textarea(attrs={"rows": 2}))

    blocks = (
        Block("移交给", "客户、未完成的跟进、未结束的流失预警和处理中的服务请求一起移交。", (("to", 3), "reason")),
    )

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].queryset = possible_successors(by).select_related("department")  # type: ignore[attr-defined]
        self.fields["to"].label_from_instance = (  # type: ignore[attr-defined]
            lambda person: f"{person}（{person.department or '未分部门'}）"
        )


@in_transaction
def move_along(former: dict[int, int], to: User, *, by: User, reason: str) -> None:
    """Move the open work of other modules along with transferred customers; former: customer id to owner before."""
    for records in lent(RecordsOfCustomers):
        records.follow(former, to, by=by, reason=reason)


class TransferCustomer(FormPage):
    do, title, submit_label, form = Customer.transfer, "移交客户", "移交", TransferForm
    select_related, crumbs, help = ("manager",), CRUMBS, "customers"
    message = "移交成功，双方会收到通知。"

    def carry_out(self, record: Customer, form: TransferForm) -> None:
        data = form.cleaned_data
        former = {record.pk: record.manager_id}
        record.transfer(data["to"], by=self.request.user, reason=data["reason"])
        move_along(former, data["to"], by=self.request.user, reason=data["reason"])

    def form_options(self, record: Any) -> dict[str, Any]:
        return {"by": self.request.user}

    def success_url(self, record: Customer, result: Any) -> str:
        in_view = Customer.objects.visible_to(self.request.user).filter(pk=record.pk).exists()
        return record.get_absolute_url() if in_view else reverse("customers:customer_list")


class TransferCustomers(BulkPage):
    """Customers selected on the list, handed over together."""

    do, form, title = Customer.transfer, TransferForm, "移交客户"
    crumbs, help, unit, list_url_name = CRUMBS, "customers", UNIT, LIST
    select_related, columns, done_also, undo = RELATED, COLUMNS, "，双方会收到通知", TRANSFERRED

    def form_options(self, record: Any) -> dict[str, Any]:
        return {"by": self.request.user}

    def watch(self, journal: Journal, rows: list[Customer], form: TransferForm) -> None:
        keys, to = [row.pk for row in rows], form.cleaned_data["to"]
        watch_transfer(journal, keys, to)
        for records in lent(RecordsOfCustomers):
            records.watch(journal, keys, to)

    def undo_text(self, count: int, form: TransferForm) -> str:
        return f"{super().undo_text(count, form)}给{form.cleaned_data['to']}"

    def act(self, rows: list[Customer], form: TransferForm) -> Outcome:
        to, by, reason = form.cleaned_data["to"], self.request.user, form.cleaned_data["reason"]
        moving = [row for row in rows if row.manager_id != to.pk]
        if moving:
            former = {customer.pk: customer.manager_id for customer in moving}
            transfer_customers(moving, to, by=by, reason=reason)
            move_along(former, to, by=by, reason=reason)
        theirs = [LeftOut(row.name, f"现在就由{to}负责。") for row in rows if row not in moving]
        return Outcome(moving, theirs)


# A user leaves: each module moves its own rows, all in the transaction that disables the account.

LEAVING = "离职交接"


def shares() -> list[Leaving[User]]:
    """Return each module's share of a user's open work."""
    return [module.leaving for module in modules() if module.leaving]


def move_work(person: User, successors: dict[str, User], by: User) -> dict[str, str]:
    """Move everything that is open; return what went to whom, for the log. Nothing may be left without a successor."""
    moved = {}
    lock_in_order(*successors.values())  # all of them before any work
    for share in shares():
        count = share.in_hand(person)
        if not count:
            continue
        refuse_if(share.name not in successors, f"还有{share.label} {count} 个没有接手人，请选择后再试。").enforce()
        to = successors[share.name]
        moved[f"移交{share.label}"] = f"{share.move(person, to, by=by, reason=LEAVING)} 个给 {to}"
    return moved


def with_department(person: User) -> str:
    return f"{person}（{person.department or '未分部门'}）"


class SuccessorsForm(CrmForm, forms.Form):
    """One successor for each module's work; nothing to choose where nothing is open."""

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.left = {share.name: (share, share.left_by(person)) for share in shares()}
        candidates = User.objects.account_managers().exclude(pk=person.pk).select_related("department")
        for share, figures in self.left.values():
            if figures[0][1]:
                field = forms.ModelChoiceField(candidates, label=f"{share.label}的接手人", empty_label="请选择")
                field.label_from_instance = with_department  # type: ignore[method-assign, assignment]
                self.fields[share.name] = apply_field_defaults(field)

    @property
    def figures(self) -> list[tuple[str, int]]:
        return [figure for _, figures in self.left.values() for figure in figures]

    def values(self) -> dict[str, User]:
        names = {share.name for share in shares()}
        return {name: person for name, person in super().values().items() if name in names}


class LeavingPage(FormPage):
    """The form that chooses who takes over the work of a user who leaves."""

    form, template_name = SuccessorsForm, "accounts/leaving.html"
    crumbs, help = USER_CRUMBS, "users"
    select_related = ("department",)

    def form_options(self, record: User) -> dict[str, Any]:
        return {"person": record}

    def context(self, record: User, form: SuccessorsForm) -> dict[str, Any]:
        return {"disables": self.do == User.disable}

    def carry_out(self, record: User, form: SuccessorsForm) -> None:
        by = self.request.user
        self.do(record, by=by, hand_over=partial(move_work, record, form.values(), by))


class DisableUser(LeavingPage):
    """Disable the account and hand over all open work: both or neither."""

    do, title, danger = User.disable, "停用用户", True
    submit_label, message = "停用并交接", "账号已停用，工作已交接。"


class HandOver(LeavingPage):
    """Hand over what reached a disabled account afterwards."""

    do, title = User.hand_over, "交接工作"
    submit_label, message = "交接", "工作已交接。"
