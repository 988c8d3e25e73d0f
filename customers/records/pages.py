"""Pages of 客户信息管理: list, forms, history, actions, and the deleted customers."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from django.urls import reverse

from accounts.contact_details.pages import ShowDetail
from accounts.models import User
from accounts.sharing.pages import ShareRecord, WithdrawShare
from customers.querysets import names_hidden_from
from kit.audit.models import AuditEntry
from kit.pages.buttons import Button
from kit.pages.form_page import FormPage
from kit.pages.history import HistoryPage

from .candidates import possible_owners
from .duplicate_pages import DuplicateCheckedPage
from .field_labels import field_label
from .forms import CustomerForm
from .models import Customer
from .picker import customer_suggestions

CUSTOMER_LIST_CRUMB = ("客户信息管理", "customers:customer_list")
CRUMBS = (("客户管理", ""), CUSTOMER_LIST_CRUMB)
EDIT = Button(Customer.edit, "edit", "customers:customer_update")
# Without counting what belongs to the customer: the confirmation page counts it.
REMOVE = Button(Customer.removable_by, "trash", "customers:customer_delete", dialog=True)
TRANSFER = Button(Customer.transfer, "arrows-exchange", "customer_transfer")
SHARE = Button(Customer.share, "users", "customers:customer_share", label="协作人")


class CustomerHistory(HistoryPage):
    model = Customer
    crumbs = CRUMBS

    def entries(self, record: Customer) -> QuerySet[AuditEntry]:
        """Include the history of customers merged into this one."""
        merged = record.merged.values_list("pk", flat=True)
        return AuditEntry.objects.about_all(record, merged) if merged else super().entries(record)

    def hidden_labels(self) -> tuple[str, ...]:
        return names_hidden_from(self.request.user, field_label("parent"))


def suggestions(user: User) -> dict[str, Any]:
    """Return the context that completes 上级单位."""
    return {"datalists": {"customers": customer_suggestions(user)}}


class CustomerCreate(DuplicateCheckedPage):
    do, form, template_name = Customer.create, CustomerForm, "customers/customer_form.html"
    title, crumbs, help = "新建客户", CRUMBS, "customers"

    def form_options(self, record: Customer) -> dict[str, Any]:
        return {"user": self.request.user, "owners": possible_owners(self.request.user)}

    def context(self, record: Customer, form: Any) -> dict[str, Any]:
        return suggestions(self.request.user)

    def back_url(self, record: Customer) -> str:
        return reverse("customers:customer_list")


class CustomerUpdate(DuplicateCheckedPage):
    do, form, template_name = Customer.edit, CustomerForm, "customers/customer_form.html"
    title, crumbs, help = "编辑客户", CRUMBS, "customers"
    locked_first = ("parent",)

    def fixed(self, record: Customer) -> list[tuple[str, Any]]:
        return [("客户编号", record.number), ("状态", record.get_status_display()), ("客户经理", record.manager)]

    def form_options(self, record: Customer) -> dict[str, Any]:
        return {"user": self.request.user}

    def context(self, record: Customer, form: Any) -> dict[str, Any]:
        return suggestions(self.request.user)


class RemoveCustomer(FormPage):
    do, title, question = Customer.remove, "删除客户", "确认删除？"
    select_related, crumbs, help = ("manager",), CRUMBS, "customers"
    danger, submit_label, message = True, "确定", "删除成功"

    def get(self, request: Any, **kwargs: Any) -> HttpResponse:
        """Say at once when something prevents removal, before the user confirms."""
        record = self.get_record()
        verdict = self.verdict(record)
        form = self.make_form(record, None if verdict else QueryDict())
        return self.show(record, form) if verdict else self.refuse(record, form, verdict)

    def context(self, record: Customer, form: Any) -> dict[str, Any]:
        return {
            "named": f"客户：{record.name}",
            "details": record.number,
            "refused": bool(form.errors),
            "consequence": "删除后不再出现在列表与统计中；系统管理员可以恢复。",
        }

    def success_url(self, record: Customer, result: Any) -> str:
        return reverse("customers:customer_list")


class ShowCustomerDetail(ShowDetail):
    do, select_related, crumbs = Customer.open_detail, ("manager",), CRUMBS


MAY_EDIT = "可编辑：可以添加和修改联系人、交往记录"


class ShareCustomer(ShareRecord):
    do, select_related = Customer.share, ("manager",)
    crumbs, help = CRUMBS, "sharing"
    withdraw_url, may_edit = "customers:customer_share_withdraw", MAY_EDIT


class WithdrawCustomerShare(WithdrawShare):
    do, crumbs = Customer.withdraw_share, CRUMBS

    def back_url(self, record: Customer) -> str:
        return reverse("customers:customer_share", args=[record.pk])

    def success_url(self, record: Customer, result: Any) -> str:
        return self.back_url(record)


class RestoreCustomer(FormPage):
    do, title, question = Customer.restore, "恢复客户", "确认恢复？"
    crumbs, help = (("客户管理", ""), ("已删除的客户", "customers:customer_deleted")), "customers"
    submit_label, message = "确定", "已恢复"

    def rows(self) -> QuerySet[Customer]:
        return Customer.objects.restorable_by(self.request.user).select_related("manager")

    def context(self, record: Customer, form: Any) -> dict[str, Any]:
        return {
            "named": f"客户：{record.name}",
            "details": record.number,
            "consequence": "恢复后重新归原来的客户经理。",
        }

    def back_url(self, record: Customer) -> str:
        return reverse("customers:customer_deleted")

    def success_url(self, record: Customer, result: Any) -> str:
        return self.back_url(record)
