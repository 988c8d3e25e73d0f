"""移交: what must move several modules' rows at once. Each module moves its own."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import transaction
from django.urls import reverse

from accounts.models import User
from crm.ui.forms import Block, CrmForm
from customers.candidates import successors
from customers.models import Customer, transfer_customers
from customers.views.customers import CustomerAction
from customers.views.together import ChosenCustomers
from services.models import hand_over_requests


class TransferForm(CrmForm, forms.Form):
    to = forms.ModelChoiceField(User.objects.none(), label="新的客户经理")
    reason = forms.CharField(label="移交原因", max_length=200, widget=forms.Textarea(attrs={"rows": 2}))

    blocks = (Block("移交给", "客户、未完成的跟进、未结束的流失预警和在办的服务请求一起移交。", (("to", 3), "reason")),)

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].queryset = successors(by).select_related("department")  # type: ignore[attr-defined]
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


class TransferCustomers(ChosenCustomers):
    """Customers chosen on the list, handed over together: all or none; what is not his to transfer is left out."""

    action, verb, form_class = "transfer", "移交", TransferForm
    title, template_name = "移交客户", "customers/transfer.html"
    submit_label = "移交"

    def form_options(self, record: Any) -> dict[str, Any]:
        return {"by": self.request.user}

    def perform(self, record: Any, form: Any) -> None:
        customers, data = self.customers(lock=True), form.cleaned_data
        former = {customer.pk: customer.manager_id for customer in customers}
        moved = transfer_customers(customers, by=self.request.user, **form.values())
        hand_over_requests(former, data["to"], by=self.request.user, reason=data["reason"])
        self.message = f"已移交 {moved} 个客户，双方会收到通知。"
