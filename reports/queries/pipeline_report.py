"""All that 销售漏斗 shows, put together from pipeline.py, with the names of the groups."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.db.models import F
from django.db.models.expressions import Combinable
from django.utils import timezone

from accounts.models import Department, User
from accounts.users.by_department import exact_department_choice
from customers.models import Customer
from marketing.models import Opportunity
from marketing.opportunities.querysets import OpportunityQuerySet

from ..periods import Period
from .people import EVERYBODY, ChosenPeople
from .pipeline import OWNER, STATUS, Forecast, Group, MonthLine, PipelineCriteria, cached_figures, total

BARS = 12  # groups of the chart
GroupByValue = dict[Any, Group]  # keys are those of the basis: texts, customers, people


@dataclass(frozen=True)
class Basis:
    """One 报表方式. expression: of an opportunity, the value by which opportunities are grouped; blank: the label of
    those without one."""

    label: str
    expression: Combinable
    blank: str = ""


BASES = {
    "month": Basis("按状态和月份", F("status")),
    "source": Basis("按来源", F("source"), "未填写"),
    "introducer": Basis("按介绍客户", F("introduced_by"), "没有介绍人"),
    "person": Basis("按人员", OWNER, "没有负责人"),
    "department": Basis("按部门", OWNER),
}


@dataclass(frozen=True)
class PipelineFilters:
    """by: of BASES."""

    period: Period
    by: str = "month"
    people: ChosenPeople = EVERYBODY


@dataclass(frozen=True)
class StateLine:
    """Opportunities in one state: now, or closed with it in the period. Sums only where they are open."""

    status: str
    label: str
    opportunities: int
    amount: Decimal | None
    weighted: Decimal | None


@dataclass(frozen=True)
class PipelineFigures:
    """All that the report shows: by month states, months and forecasts, else groups.

    took: the median of days by how an opportunity ended; only_own: the viewer sees their own opportunities only.
    """

    total: Group
    took: dict[str, Decimal | None]
    only_own: bool
    groups: list[Group]
    states: list[StateLine]
    months: list[MonthLine]
    forecasts: list[Forecast]

    @property
    def heaviest(self) -> list[Group]:
        """Return the groups of the chart, those with the largest weighted amount."""
        return sorted(self.groups, key=lambda group: -group.weighted)[:BARS]


def pipeline_figures(user: User, filters: PipelineFilters) -> PipelineFigures | None:
    """Return the figures of the opportunities in view, None without any."""
    rows, by_month = opportunities_in_view(user, filters.people), filters.by == "month"
    criteria = PipelineCriteria(filters.period, BASES[filters.by].expression, timezone.localdate(), monthly=by_month)
    figures = cached_figures(user, rows, criteria)
    group_by_value = {key: replace(group) for key, group in figures.groups.items()}  # they are labelled below
    sums = total(group_by_value.values())
    if not group_by_value and not rows.exists():
        return None
    return PipelineFigures(
        total=sums,
        took=figures.took,
        only_own=sees_only_own(user),
        groups=[] if by_month else label_groups(user, filters.by, group_by_value),
        states=state_lines(group_by_value) if by_month else [],
        months=figures.months,
        forecasts=figures.forecasts,
    )


def sees_only_own(user: User) -> bool:
    return not user.has_perm("reports.view_reports")


def opportunities_in_view(user: User, people: ChosenPeople) -> OpportunityQuerySet:
    rows = Opportunity.objects.visible_to(user)
    if sees_only_own(user):
        return rows.filter(rows.belonging_to(user))
    if people.chosen():
        chosen = people.filter(User.objects.all(), "pk")
        return rows.filter(rows.of_people(frozenset(chosen.values_list("pk", flat=True))))
    return rows


def state_lines(group_by_value: GroupByValue) -> list[StateLine]:
    lines = []
    for status in STATUS:
        group = group_by_value.get(status.value, Group(status.value))
        amount, weighted = (group.amount, group.weighted) if status in Opportunity.OPEN else (None, None)
        lines.append(StateLine(status.value, status.label, group.open or group.closed, amount, weighted))
    return lines


# Groups with their labels; then a group's key is what the list of opportunities is filtered by: "" for those without
# a value, None where they cannot be listed.


def label_groups(user: User, by: str, group_by_value: GroupByValue) -> list[Group]:
    """Return the groups with their labels, those with most closed and open ones first; without a value last."""
    if by == "department":
        return groups_of_departments(group_by_value)
    keys = [key for key in group_by_value if key not in (None, "")]
    names: dict[Any, str] = {key: str(key) for key in keys}
    numbers: dict[Any, str | None] = {}
    if by == "introducer":
        visible = Customer.objects.visible_to(user).filter(pk__in=keys)
        customers = {pk: (number, name) for pk, number, name in visible.values_list("pk", "number", "name")}
        names = {key: customers[key][1] if key in customers else "您查看范围以外的客户" for key in keys}
        numbers = {key: customers[key][0] if key in customers else None for key in keys}
    elif by == "person":
        names |= dict(User.objects.filter(pk__in=keys).values_list("pk", "name"))
    for key, group in group_by_value.items():
        group.label = BASES[by].blank if key in (None, "") else names[key]
    ordered = sorted(group_by_value.values(), key=lambda g: (g.key in (None, ""), -g.won, -g.closed, -g.open, g.label))
    for group in ordered:
        group.key = "" if group.key in (None, "") else numbers.get(group.key, group.key)
    return ordered


def groups_of_departments(group_by_user: GroupByValue) -> list[Group]:
    """Return the groups of people added up by their present department."""
    department_by_user = dict(User.objects.filter(pk__in=group_by_user).values_list("pk", "department"))
    departments = {department.pk: department for department in Department.objects.all()}
    parents = {department.parent_id for department in departments.values()}
    groups_by_department: dict[int | None, list[Group]] = {}
    for person, group in group_by_user.items():
        groups_by_department.setdefault(department_by_user.get(person), []).append(group)
    result = []
    for pk, groups in groups_by_department.items():
        sums = total(groups)
        sums.key, sums.label = exact_department_choice(pk, parents), departments[pk].name if pk else "没有部门"
        result.append(sums)
    return sorted(result, key=lambda group: (-group.won, -group.closed, -group.open, group.label))
