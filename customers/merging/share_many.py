"""共享 of customers chosen in the list with one colleague, under the rules of the single customer's page."""

from __future__ import annotations

from typing import Any

from accounts.sharing.pages import ShareForm
from accounts.sharing.records import grant_together, possible_colleagues
from customers.records.models import Customer, CustomerGrant
from customers.records.pages import MAY_EDIT
from kit.bulk.page import BulkPage, Outcome
from kit.domain.left_out import LeftOut
from kit.undo.journal import Journal

from .pages import COLUMNS, CRUMBS, LIST, RELATED, UNIT
from .undoing import SHARED, watch_grants


class ShareCustomers(BulkPage):
    do, form, title = Customer.share, ShareForm, "共享客户给同事"
    crumbs, help, unit, list_url_name = CRUMBS, "sharing", UNIT, LIST
    select_related, columns, done_also, undo = RELATED, COLUMNS, "，对方会收到通知", SHARED

    def form_options(self, record: Any) -> dict[str, Any]:
        return {"people": possible_colleagues(Customer), "may_edit": MAY_EDIT}

    def watch(self, journal: Journal, rows: list[Customer], form: ShareForm) -> None:
        watch_grants(journal, [row.pk for row in rows], form.cleaned_data["person"])

    def undo_text(self, count: int, form: ShareForm) -> str:
        return f"{super().undo_text(count, form)}给{form.cleaned_data['person']}"

    def act(self, rows: list[Customer], form: ShareForm) -> Outcome:
        data = form.cleaned_data
        person, kind, until = data["person"], data["access"], data["until"]
        former = CustomerGrant.objects.filter(content_object__in=[row.pk for row in rows], user=person, until=until)
        same = set(former.filter(permission__codename=f"{kind}_customer").values_list("content_object", flat=True))
        reasons = {row.pk: f"由{person}负责，不用共享。" for row in rows if row.manager_id == person.pk}
        reasons = {**dict.fromkeys(same, f"已经这样共享给{person}。"), **reasons}
        sharing = [row for row in rows if row.pk not in reasons]
        if sharing:
            grant_together(sharing, person, by=self.request.user, kind=kind, until=until)
        return Outcome(sharing, [LeftOut(row.name, reasons[row.pk]) for row in rows if row.pk in reasons])
