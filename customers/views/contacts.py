"""Contacts inside the customer."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404

from crm.ui.actions import ActionView
from crm.ui.records import RecordCreate, RecordUpdate

from ..forms import ContactForm
from ..models import Contact, Customer
from .customers import LIST


class ContactPage:
    """Contacts of one customer only: a contact asked for under another customer's address is 404."""

    model, form_class = Contact, ContactForm
    select_related = ("customer", "customer__manager")
    crumbs, help = (("客户管理", ""), LIST), "customers"
    kwargs: dict[str, Any]

    def rows(self) -> Any:
        return super().rows().filter(customer=self.kwargs["customer"])  # type: ignore[misc]


class ContactCreate(RecordCreate):
    model, form_class, permission = Contact, ContactForm, "customers.change_customer"
    title, crumbs, help = "新建联系人", (("客户管理", ""), LIST), "customers"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        rows = Customer.objects.visible_to(request.user).select_related("manager")
        self.customer = get_object_or_404(rows, pk=kwargs["pk"])
        self.customer.can_contribute(request.user).enforce()
        return super().dispatch(request, *args, **kwargs)

    def new_record(self) -> Contact:
        return Contact(customer=self.customer)

    def perform(self, record: Any, form: Any) -> Contact:
        return Contact.create(by=self.request.user, customer=self.customer, **form.values())

    def back_url(self, record: Any) -> str:
        return self.customer.get_absolute_url()


class ContactUpdate(ContactPage, RecordUpdate):
    title = "编辑联系人"


class RemoveContact(ContactPage, ActionView):
    form_class = ActionView.form_class
    action, title, question = "remove", "删除联系人", "确认删除？"
    danger, submit_label, message = True, "确定", "删除成功"

    def context(self, record: Any, form: Any) -> dict[str, Any]:
        return {"named": f"联系人：{record.name}", "details": str(record.customer), "consequence": ""}
