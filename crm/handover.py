"""移交 and 离职交接: what must move several modules' rows at once. Each module moves its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from django import forms
from django.db import transaction
from django.urls import reverse

from accounts.administration.user import OPEN_WORK
from accounts.models import User
from accounts.user_pages import UserAction
from customers.candidates import possible_successors
from customers.models import Customer, customers_left_by, hand_over_customers, transfer_customers
from customers.views.customers import CustomerAction
from customers.views.together import BulkPage
from kit.domain.verdict import lock_in_order, refuse_if
from kit.pages.forms import Block, CrmForm, apply_field_defaults
from marketing.models import count_open_opportunities, hand_over_opportunities
from services.models import count_open_requests, hand_over_all_requests, hand_over_requests


class TransferForm(CrmForm, forms.Form):
    to = forms.ModelChoiceField(User.objects.none(), label="新的客户经理")
    reason = forms.CharField(label="移交原因", max_length=200, widget=forms.Textarea(attrs={"rows": 2}))

    blocks = (Block("移交给", "客户、未完成的跟进、未结束的流失预警和在办的服务请求一起移交。", (("to", 3), "reason")),)

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].queryset = possible_successors(by).select_related("department")  # type: ignore[attr-defined]
        self.fields["to"].label_from_instance = (  # type: ignore[attr-defined]
            lambda person: f"{person}（{person.department or '未分部门'}）"
        )


class TransferCustomer(CustomerAction):
    action, title, submit_label, form_class = "transfer", "移交客户", "移交", TransferForm
    message = "移交成功，双方会收到通知。"

    def perform(self, record: Any, form: Any) -> Any:
        data = form.cleaned_data
        with transaction.atomic():
            former = {record.pk: record.manager_id}
            record.transfer(data["to"], by=self.request.user, reason=data["reason"])
            hand_over_requests(former, data["to"], by=self.request.user, reason=data["reason"])

    def form_options(self, record: Any) -> dict[str, Any]:
        return {"by": self.request.user}

    def success_url(self, record: Any, result: Any) -> str:
        seen = Customer.objects.visible_to(self.request.user).filter(pk=record.pk).exists()
        return record.get_absolute_url() if seen else reverse("customers:customer_list")


class TransferCustomers(BulkPage):
    """Customers chosen on the list, handed over together: all or none; what is not his to transfer is left out."""

    action, verb, form_class = "transfer", "移交", TransferForm
    title, template_name = "移交客户", "customers/transfer.html"
    submit_label = "移交"

    def form_options(self, record: Any) -> dict[str, Any]:
        return {"by": self.request.user}

    def perform(self, record: Any, form: Any) -> None:
        data = form.cleaned_data
        lock_in_order(data["to"])
        customers = self.customers(lock=True)
        former = {customer.pk: customer.manager_id for customer in customers}
        moved = transfer_customers(customers, by=self.request.user, **form.values())
        hand_over_requests(former, data["to"], by=self.request.user, reason=data["reason"])
        self.message = f"已移交 {moved} 个客户，双方会收到通知。"


# A person leaves: each module moves its own, all in the transaction that disables him.

LEAVING = "离职交接"


class Part(NamedTuple):
    """One module's share of a person's open work."""

    name: str
    label: str
    left_by: Callable[[User], list[tuple[str, int]]]  # figures for the preview; the first is what move() moves
    move: Callable[..., int]  # (person, to, by=, reason=) -> how many


PARTS = (
    Part("customers", "客户", customers_left_by, hand_over_customers),
    Part("opportunities", "销售机会", count_open_opportunities, hand_over_opportunities),
    Part("requests", "服务请求", count_open_requests, hand_over_all_requests),
)


def in_hand(part: Part, person: User) -> int:
    return part.left_by(person)[0][1]


OPEN_WORK.extend(partial(in_hand, part) for part in PARTS)


def move_work(person: User, successors: dict[str, User], by: User) -> dict[str, str]:
    """Moves everything that is open; says what went to whom. Nothing may be left without a successor."""
    moved = {}
    lock_in_order(*successors.values())  # all of them before any work
    for part in PARTS:
        (_, count), *_ = part.left_by(person)
        if not count:
            continue
        to = successors.get(part.name)
        refuse_if(to is None, f"还有{part.label} {count} 个没有接手人，请选择后再试。").enforce()
        moved[f"移交{part.label}"] = f"{part.move(person, to, by=by, reason=LEAVING)} 个给 {to}"
    return moved


def with_department(person: Any) -> str:
    return f"{person}（{person.department or '未分部门'}）"


class SuccessorsForm(CrmForm, forms.Form):
    """One successor for each module's work; nothing to choose where nothing is open."""

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.left = {part: part.left_by(person) for part in PARTS}
        candidates = User.objects.account_managers().exclude(pk=person.pk).select_related("department")
        for part, figures in self.left.items():
            if figures[0][1]:
                field = forms.ModelChoiceField(candidates, label=f"{part.label}的接手人", empty_label="请选择…")
                field.label_from_instance = with_department  # type: ignore[method-assign, assignment]
                self.fields[part.name] = apply_field_defaults(field)

    @property
    def figures(self) -> list[tuple[str, int]]:
        return [figure for figures in self.left.values() for figure in figures]

    def values(self) -> dict[str, User]:
        names = {part.name for part in PARTS}
        return {name: person for name, person in super().values().items() if name in names}


class Leaving(UserAction):
    form_class = SuccessorsForm
    template_name = "accounts/leaving.html"
    danger = True

    def form_options(self, record: Any) -> dict[str, Any]:
        return {"person": record}

    def perform(self, record: Any, form: Any) -> None:
        by = self.request.user
        getattr(record, self.action)(by=by, hand_over=partial(move_work, record, form.values(), by))


class DisableUser(Leaving):
    """Disables the account and hands over all open work: both or neither."""

    action, title = "disable", "停用用户"
    submit_label, message = "停用并交接", "账号已停用，工作已交接。"


class HandOver(Leaving):
    """What reached a disabled person afterwards."""

    action, title = "hand_over", "交接工作"
    submit_label, message, danger = "交接", "工作已交接。", False
