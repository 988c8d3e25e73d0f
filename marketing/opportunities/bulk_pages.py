"""Actions on many opportunities: 指派 and 改派, each to its own person, and 延后."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms

from accounts.models import User
from accounts.users.assign_each import MAX_CHOICES, AssignEachForm, PersonPerRow, Proposal, ReassignEachForm
from kit.bulk.page import BulkPage, Outcome
from kit.domain.left_out import LeftOut
from kit.lists.columns import Column
from kit.pages.forms import Block, CrmForm
from kit.undo.journal import Journal

from .candidates import suggest_people
from .models import Opportunity
from .pages import CRUMBS, PEOPLE, name_cell
from .undoing import ASSIGNED, POSTPONED, REASSIGNED, watch_assignees, watch_forecast

LIST = "marketing:opportunity_list"
RELATED = (*PEOPLE, "region", "industry", "introduced_by")
NAME = Column("客户名称 / 概要", "customer_name", html=name_cell, css="m-t")


class PersonPerOpportunity(PersonPerRow):
    rule_text = "按建议：分区与行业适合者优先，其次是进行中的机会最少者。"

    def suggest(self, rows: list[Opportunity], people: list[User]) -> dict[int, Proposal]:
        return suggest_people(rows, people)

    def own_person(self, row: Opportunity) -> int | None:
        """Return the 客户经理 of the customer who introduced it, else who found it."""
        return row.introduced_by.manager_id if row.introduced_by else row.created_by_id


def watch_assignee(page: BulkPage, journal: Journal, rows: list[Opportunity], form: AssignEachForm) -> None:
    watch_assignees(journal, [row.pk for row in rows])


class AssignOpportunities(BulkPage):
    do, form, choice = Opportunity.assign, AssignEachForm, PersonPerOpportunity
    title, unit, done_also, max_shown = "指派机会", "个机会", "，对方会收到通知", MAX_CHOICES
    crumbs, help, list_url_name = CRUMBS, "opportunities", LIST
    template_name, select_related = "accounts/assign_each.html", RELATED
    columns = (NAME, Column("地区", "region"), Column("行业", "industry"), Column("创建人", "created_by", css="nw"))
    undo, watch = ASSIGNED, watch_assignee


class ReassignOpportunities(BulkPage):
    do, form, choice = Opportunity.reassign, ReassignEachForm, PersonPerOpportunity
    title, unit, done_also, max_shown = "改派机会", "个机会", "，双方会收到通知", MAX_CHOICES
    crumbs, help, list_url_name = CRUMBS, "opportunities", LIST
    template_name, select_related = "accounts/assign_each.html", RELATED
    columns = (NAME, Column("地区", "region"), Column("行业", "industry"), Column("现在指派给", "assignee", css="nw"))
    undo, watch = REASSIGNED, watch_assignee


class PostponeForm(CrmForm, forms.Form):
    expected_on = forms.DateField(label="新的预计成交日期")
    reason = forms.CharField(label="更新原因", max_length=200, widget=forms.Textarea(attrs={"rows": 2}))

    blocks = (
        Block("延后到", "成功机率和预计金额不变。每次更新都会留下原值、新值和原因。", (("expected_on", 2), "reason")),
    )


class PostponeOpportunities(BulkPage):
    """Move 预计成交日期 of one's own opportunities: each by 更新预测."""

    do, form, title, verb = Opportunity.update_forecast, PostponeForm, "延后预计成交日期", "延后"
    unit, undo = "个机会", POSTPONED
    crumbs, help, list_url_name, select_related = CRUMBS, "opportunities", LIST, PEOPLE
    columns = (NAME, Column("成功机率", "success_rate", css="num"), Column("预计成交日期", "expected_on", css="nw"))

    def watch(self, journal: Journal, rows: list[Opportunity], form: PostponeForm) -> None:
        watch_forecast(journal, [row.pk for row in rows])

    def undo_text(self, count: int, form: PostponeForm) -> str:
        return f"{super().undo_text(count, form)}到 {form.cleaned_data['expected_on']:%Y-%m-%d}"

    def act(self, rows: list[Opportunity], form: PostponeForm) -> Outcome:
        day: date = form.cleaned_data["expected_on"]
        late = [row for row in rows if row.expected_on and row.expected_on >= day]
        outcome = super().act([row for row in rows if row not in late], form)
        outcome.left_out += [LeftOut(row.summary, "预计成交日期已经不早于这一天。") for row in late]
        return outcome

    def arguments(self, row: Opportunity, form: PostponeForm) -> dict[str, Any]:
        kept = {"success_rate": row.success_rate, "expected_amount": row.expected_amount}
        return {**kept, **form.values()}
