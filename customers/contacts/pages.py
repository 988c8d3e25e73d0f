"""Pages of a customer's contacts."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from django.http import HttpResponse
from django.utils.html import format_html

from accounts.contact_details.columns import DO_NOT_CONTACT_MARK, DetailColumn
from accounts.contact_details.pages import ShowDetail
from customers.records.duplicate_pages import send_or_ask_again
from customers.records.pages import CRUMBS
from customers.records.part_pages import InPlacePage, PartButton, PartList, PartPage, rows_of_customer
from kit.domain.verdict import Verdict
from kit.lists.bulk import BulkAction
from kit.lists.columns import Column

from .filters import ContactFilter
from .forms import ContactForm
from .models import Contact

EDIT_CONTACT = PartButton(Contact.edit, "edit", "customers:contact_update")
PERSONAL_DATA = PartButton(Contact.erase, "shield-lock", "contact_personal", label="个人信息", in_menu=True)
REMOVE_CONTACT = PartButton(Contact.remove, "trash", "customers:contact_delete", at_once=True, in_menu=True)
CARD_ACTIONS = (replace(EDIT_CONTACT, dialog=True), PERSONAL_DATA, REMOVE_CONTACT)
WITH_CUSTOMER = ("customer", "customer__manager")


def name_cell(contact: Contact) -> str:
    mark = format_html(' <span class="tag">{}</span>', "主要联系人") if contact.is_primary else ""
    return format_html("<b>{}</b>{}{}", contact.name, mark, refusal_mark(contact))


def refusal_mark(contact: Contact) -> str:
    """Return the mark of a contact with 请勿联系."""
    return DO_NOT_CONTACT_MARK if contact.do_not_contact else ""


class ContactList(PartList):
    model = Contact
    title, crumbs, help = "联系人", CRUMBS, "customers"
    part = "contacts"
    new_label, new_url = "新建联系人", "customers:contact_create"
    select_related = WITH_CUSTOMER
    filterset_class = ContactFilter
    default_sort = "-is_primary"
    columns = (
        Column("姓名", "name", sort="name", html=name_cell, css="m-t"),
        Column("职位", "position", sort="position"),
        Column("角色", "get_role_display", css="nw"),
        DetailColumn("手机", "mobile", css="nw", refused="do_not_contact"),
        DetailColumn("办公电话", "office_phone", css="nw", refused="do_not_contact"),
        DetailColumn("微信号", "wechat", refused="do_not_contact"),
        DetailColumn("邮箱", "email", refused="do_not_contact"),
        Column("首选联系方式", "get_preferred_channel_display", css="nw"),
        Column("性别", "get_gender_display", export_only=True),
        Column("请勿联系", "do_not_contact", export_only=True),
        Column("备注", "note", css="m-full"),
    )
    row_buttons = (EDIT_CONTACT, REMOVE_CONTACT, PERSONAL_DATA)
    bulk_actions = (
        BulkAction("设为请勿联系", "customers:refuse_contacts", Contact.edit.permission, "位"),
        BulkAction("删除", "customers:remove_contacts", Contact.remove.permission, "位"),
    )
    export_permission = "customers.export_customer"
    empty_text = "这个客户还没有联系人。"


class ShowContactDetail(ShowDetail):
    do, select_related, crumbs = Contact.open_detail, WITH_CUSTOMER, CRUMBS

    def rows(self) -> Any:
        return rows_of_customer(self)


# The form opens in a dialog over the customer's page, or is a page of its own.
CONTACT_FORM = ("customers/customer_form.html", "customers/contact_dialog.html")
CARD_VALUES = {"contact_actions": CARD_ACTIONS}


def give_user(page: InPlacePage, record: Contact) -> dict[str, Any]:
    return {"user": page.request.user}


def send_contact(page: InPlacePage, record: Contact, form: ContactForm) -> HttpResponse:
    return send_or_ask_again(page, partial(InPlacePage.send, page), record, form)


class ContactCreate(InPlacePage):
    do, form, title = Contact.create, ContactForm, "新建联系人"
    crumbs, help, card, card_values = CRUMBS, "customers", "contacts", CARD_VALUES
    template_name, fragment = CONTACT_FORM
    form_options, send = give_user, send_contact

    def verdict(self, record: Contact) -> Verdict:
        return record.customer.can_contribute(self.request.user)

    def carry_out(self, record: Contact, form: ContactForm) -> Contact:
        form.check_again()
        return Contact.create(by=self.request.user, customer=record.customer, **form.values())


class ContactUpdate(InPlacePage):
    do, form, title = Contact.edit, ContactForm, "编辑联系人"
    crumbs, help, card, card_values = CRUMBS, "customers", "contacts", CARD_VALUES
    template_name, fragment = CONTACT_FORM
    select_related = WITH_CUSTOMER
    form_options, send = give_user, send_contact

    def carry_out(self, record: Contact, form: ContactForm) -> Any:
        form.check_again()
        return super().carry_out(record, form)


REMOVAL_CONSEQUENCE = (
    "24 小时内可以在「最近删除」里撤销。交往记录、动态、计划和审计中仍保留他的姓名和号码，删除后不能再导出或抹去。"
    "对方要求删除个人信息时，请先由主管用「个人信息 › 抹去」，再删除。"
)


class RemoveContact(PartPage):
    do, title, question = Contact.remove, "删除联系人", "确认删除？"
    crumbs, help = CRUMBS, "customers"
    danger, submit_label, message = True, "确定", "已删除"

    def context(self, record: Contact, form: Any) -> dict[str, Any]:
        return {"named": f"联系人：{record.name}", "details": str(record.customer), "consequence": REMOVAL_CONSEQUENCE}
