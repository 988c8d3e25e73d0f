"""Actions on several contacts of a customer: 请勿联系 and 删除."""

from __future__ import annotations

from typing import Any

from customers.records.pages import CRUMBS
from kit.bulk.page import BulkPage, Outcome
from kit.domain.left_out import LeftOut
from kit.lists.columns import Column
from kit.undo.journal import Journal

from .models import CONTACTS_REFUSED, CONTACTS_REMOVED, Contact

UNIT, LIST, RELATED = "位联系人", "customers:customer_list", ("customer", "customer__manager")
COLUMNS = (Column("姓名", "name", css="m-t"), Column("职位", "position"), Column("客户", "customer.name"))


class RefuseContacts(BulkPage):
    """Mark people who do not want to be contacted."""

    do: Any = Contact.edit
    title, verb = "设为请勿联系", "设为请勿联系"
    crumbs, help, unit, list_url_name = CRUMBS, "customers", UNIT, LIST
    select_related, columns, undo = RELATED, COLUMNS, CONTACTS_REFUSED

    def watch(self, journal: Journal, rows: list[Contact], form: Any) -> None:
        contacts = Contact.objects.filter(pk__in=[row.pk for row in rows])
        journal.watch(contacts, "do_not_contact", record="pk")

    def arguments(self, row: Contact, form: Any) -> dict[str, Any]:
        return {"do_not_contact": True}

    def act(self, rows: list[Contact], form: Any) -> Outcome:
        marked = [row for row in rows if row.do_not_contact]
        outcome = super().act([row for row in rows if row not in marked], form)
        outcome.left_out += [LeftOut(row.name, "已经是请勿联系。") for row in marked]
        return outcome


class RemoveContacts(BulkPage):
    do: Any = Contact.remove
    title, danger = "删除联系人", True
    crumbs, help, unit, list_url_name = CRUMBS, "customers", UNIT, LIST
    select_related, columns, undo = RELATED, COLUMNS, CONTACTS_REMOVED
    consequence = "删除后交往记录和动态里仍保留他们的姓名；对方要求删除个人信息时，请先由主管抹去，再删除。"

    def watch(self, journal: Journal, rows: list[Contact], form: Any) -> None:
        journal.watch_deletions(Contact.objects.filter(pk__in=[row.pk for row in rows]))

    def act(self, rows: list[Contact], form: Any) -> Outcome:
        """Delete them under one entry, not one for each."""
        for row in rows:
            row.discard(by=self.request.user)
        return Outcome(rows)
