"""All that 客户流失分析 shows, put together from churn.py and churn_rates.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
from typing import Any

from django.utils import timezone

from accounts.models import User
from customers.models import ChurnCase, Customer
from customers.querysets import CustomerQuerySet
from customers.records.filters import name_condition
from reports.figure_cells import percent

from ..periods import Period
from .churn import (
    ChurnCriteria,
    Funnel,
    Loss,
    MeasureKind,
    Reason,
    cached_figures,
    competitors,
    entry_names,
    load_texts,
    rank_measures,
    reasons,
)
from .churn_rates import Month
from .people import EVERYBODY, ChosenPeople

STEPS = {
    "warned": "列入预警",
    "measured": "采取了暂缓措施",
    "resolved": "恢复下单（已解除）",
    "lost": "确认流失",
    "won_back": "其中已挽回",
    "open": "仍在处理",
}
SORTED_BY_TEXT = {"customer": "customer__name", "manager": "customer__manager__name", "then": "manager_then__name"}


@dataclass(frozen=True)
class ChurnFilters:
    """by_owner_then: people means the 客户经理 of the confirmation, not today's."""

    period: Period
    name: str = ""
    people: ChosenPeople = EVERYBODY
    by_owner_then: bool = False


@dataclass(frozen=True)
class FunnelStep:
    """One outcome of the warnings. name: the field of Funnel; share: of the warnings."""

    name: str
    label: str
    cases: int
    share: Decimal | None


@dataclass(frozen=True)
class ChurnFigures:
    """All that the report shows. back: won back in the period, whenever they were lost."""

    losses: list[Loss]
    months: list[Month]
    steps: list[FunnelStep]
    back: int
    reasons: list[Reason]
    competitors: list[Reason]
    measures: list[MeasureKind]

    @property
    def later_won_back(self) -> int:
        return sum(loss.status == ChurnCase.Status.WON_BACK for loss in self.losses)

    @property
    def revenue(self) -> Decimal:
        """Return the revenue of all losses, each of the 12 months before it."""
        return sum((loss.revenue for loss in self.losses), Decimal(0))

    @property
    def mean_rate(self) -> Decimal | None:
        return percent(sum(month.lost for month in self.months), sum(month.normal for month in self.months))


def churn_figures(user: User, filters: ChurnFilters) -> ChurnFigures | None:
    """Return the figures of the customers in view, None without warnings and losses."""
    owners_then = filters.people.ids() if filters.by_owner_then else None
    criteria = ChurnCriteria(filters.period, timezone.localdate(), owners_then)
    figures = cached_figures(user, customers_in_view(user, filters), criteria)
    losses = figures.losses
    if not losses and not figures.steps.warned:
        return None
    names = entry_names(figures.entries())
    return ChurnFigures(
        losses=losses,
        months=figures.months,
        steps=funnel_steps(figures.steps),
        back=figures.back,
        reasons=reasons(losses, names),
        competitors=competitors(losses, names),
        measures=rank_measures(figures.measures, names),
    )


def customers_in_view(user: User, filters: ChurnFilters) -> CustomerQuerySet:
    """Return the customers in view that match the filters."""
    customers = Customer.objects.visible_to(user)
    if filters.name:
        customers = customers.filter(name_condition(filters.name))
    return customers if filters.by_owner_then else filters.people.filter(customers, "manager")


def funnel_steps(funnel: Funnel) -> list[FunnelStep]:
    return [
        FunnelStep(name, label, getattr(funnel, name), percent(getattr(funnel, name), funnel.warned))
        for name, label in STEPS.items()
    ]


def sort_losses(losses: list[Loss], order: str) -> list[Loss]:
    """Return all losses in this order; equal ones newest first."""
    name = order.removeprefix("-")
    return sorted(losses, key=sort_key(losses, name), reverse=order.startswith("-"))


def sort_key(losses: list[Loss], name: str) -> Callable[[Loss], Any]:  # values of one type, whichever
    if name not in SORTED_BY_TEXT:
        return attrgetter({"confirmed": "day"}.get(name, name))
    texts = load_texts(losses, SORTED_BY_TEXT[name])
    return lambda loss: texts.get(loss.case, "")
