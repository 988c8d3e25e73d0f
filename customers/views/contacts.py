"""Pages of a customer's contacts."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.html import format_html

from accounts.detail_columns import DO_NOT_CONTACT_MARK, DetailColumn, ListWithDetails
from accounts.detail_pages import ShowDetail
from kit.pages.actions import ActionView
from kit.pages.lists import Column
from kit.pages.records import RecordCreate, RecordUpdate

from ..filters.parts import ContactFilter
from ..forms import ContactForm
from ..models import Contact
from .customers import CUSTOMER_LIST_CRUMB
from .inside import CustomerPart, InPlaceForm, InsideCustomer, PartAction, PartList
from .known import DuplicateCheckPage

EDIT_CONTACT = PartAction("edit", "编辑", "edit", "customers:contact_update")
PERSONAL_DATA = PartAction("erase", "个人信息", "shield-lock", "contact_personal")
REMOVE_CONTACT = PartAction("remove", "删除", "trash", "customers:contact_delete", dialog=True)


def name_cell(contact: Contact) -> str:
    mark = format_html(' <span class="tag">{}</span>', "主要联系人") if contact.is_primary else ""
    return format_html("<b>{}</b>{}{}", contact.name, mark, refusal_mark(contact))


def refusal_mark(contact: Contact) -> str:
    """Return the mark of a contact with 请勿联系."""
    return DO_NOT_CONTACT_MARK if contact.do_not_contact else ""


class ContactList(ListWithDetails, PartList):
    model = Contact
    title, crumbs, help = "联系人", (("客户管理", ""), CUSTOMER_LIST_CRUMB), "customers"
    part = "contacts"
    new_label, new_url = "新建联系人", "customers:contact_create"
    select_related = ("customer", "customer__manager")
    filterset_class = ContactFilter
    default_sort = "-is_primary"
    columns = (
        Column("姓名", "name", sort="name", html=name_cell, css="m-t"),
        Column("性别", "get_gender_display", css="m-h"),
        Column("职位", "position", sort="position"),
        DetailColumn("办公电话", "office_phone", css="nw", refused="do_not_contact"),
        DetailColumn("手机", "mobile", css="nw", refused="do_not_contact"),
        DetailColumn("邮箱", "email", refused="do_not_contact"),
        Column("首选联系方式", "get_preferred_channel_display"),
        Column("请勿联系", "do_not_contact", export_only=True),
    )
    row_actions = (EDIT_CONTACT, REMOVE_CONTACT, PERSONAL_DATA)
    export_permission = "customers.export_customer"
    empty_text = "这个客户还没有联系人。"


class ContactFormPage(DuplicateCheckPage):
    """A form that reports contacts of the same name or number before saving."""

    template_name = "customers/customer_form.html"

    def form_options(self, record: Contact) -> dict[str, Any]:
        return {"user": self.request.user}


class ContactPage(CustomerPart):
    model, form_class = Contact, ContactForm
    select_related = ("customer", "customer__manager")
    crumbs, help = (("客户管理", ""), CUSTOMER_LIST_CRUMB), "customers"


class ShowContactDetail(ShowDetail):
    do, select_related = Contact.open_detail, ("customer", "customer__manager")
    crumbs = (("客户管理", ""), CUSTOMER_LIST_CRUMB)

    def rows(self) -> QuerySet[Contact]:
        return super().rows().filter(customer=self.kwargs["customer"])


class ContactCreate(ContactFormPage, InPlaceForm, InsideCustomer, RecordCreate):
    model, form_class, permission = Contact, ContactForm, "customers.view_customer"
    title, crumbs, help = "新建联系人", (("客户管理", ""), CUSTOMER_LIST_CRUMB), "customers"
    card = "contacts"

    def new_record(self) -> Contact:
        self.customer.can_contribute(self.request.user).enforce()
        return Contact(customer=self.customer)

    def perform(self, record: Contact, form: ContactForm) -> Contact:
        form.check_again()
        return Contact.create(by=self.request.user, customer=self.customer, **form.values())

    def back_url(self, record: Contact) -> str:
        return self.customer.get_absolute_url()


class ContactUpdate(ContactFormPage, InPlaceForm, ContactPage, RecordUpdate):
    title, card = "编辑联系人", "contacts"


REMOVAL_CONSEQUENCE = (
    "交往记录、动态、计划和审计中仍保留他的姓名和号码，删除后不能再导出或抹去。"
    "对方要求删除个人信息时，请先由主管用「个人信息 › 抹去」，再删除。"
)


class RemoveContact(ContactPage, ActionView):
    form_class = ActionView.form_class
    action, title, question = "remove", "删除联系人", "确认删除？"
    danger, submit_label, message = True, "确定", "删除成功"

    def context(self, record: Contact, form: Any) -> dict[str, Any]:
        return {"named": f"联系人：{record.name}", "details": str(record.customer), "consequence": REMOVAL_CONSEQUENCE}
