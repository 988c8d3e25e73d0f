"""Account managers ranked for an opportunity: fit of region and industry, load, recent success."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from accounts.models import User
from accounts.users.assign_each import Fit, Proposal, spread

from .models import Opportunity


@dataclass(frozen=True)
class Candidate:
    user: User
    regions: list[str]
    industries: list[str]
    fits_region: bool
    fits_industry: bool
    open: int
    won: int
    lost: int

    @property
    def win_rate(self) -> str:
        """Return the share of 开发成功 among the opportunities closed in the last 12 months."""
        closed = self.won + self.lost
        return f"{100 * self.won / closed:.0f}%（{self.won}/{closed}）" if closed else "—"


def rank_candidates(opportunity: Opportunity, people: Iterable[User]) -> list[Candidate]:
    """Return people as candidates, best fit first, then the least loaded.

    people: with regions and industries prefetched.
    """
    people = list(people)
    loads = {row["assignee"]: row for row in _count_by_assignee([person.pk for person in people])}
    candidates = []
    for person in people:
        load = loads.get(person.pk, {"open": 0, "won": 0, "lost": 0})
        regions, industries = list(person.regions.all()), list(person.industries.all())
        candidates.append(
            Candidate(
                user=person,
                regions=[str(entry) for entry in regions],
                industries=[str(entry) for entry in industries],
                fits_region=opportunity.region_id in {entry.pk for entry in regions},
                fits_industry=opportunity.industry_id in {entry.pk for entry in industries},
                open=load["open"],
                won=load["won"],
                lost=load["lost"],
            )
        )
    return sorted(candidates, key=lambda c: (-(c.fits_region + c.fits_industry), c.open, c.user.name, c.user.pk))


def suggest_people(opportunities: Iterable[Opportunity], people: Iterable[User]) -> dict[int, Proposal]:
    """Propose an account manager for each opportunity: fit of region and industry, then the fewest open ones.

    people: with regions and industries prefetched.
    """
    people = list(people)
    loads = {row["assignee"]: row["open"] for row in _count_by_assignee([person.pk for person in people])}
    regions = {person.pk: {entry.pk for entry in person.regions.all()} for person in people}
    industries = {person.pk: {entry.pk for entry in person.industries.all()} for person in people}

    def fit(one: Opportunity, person: User) -> Fit:
        reasons = [
            *(["分区适合"] if one.region_id in regions[person.pk] else []),
            *(["行业适合"] if one.industry_id in industries[person.pk] else []),
        ]
        return Fit(len(reasons), "、".join(reasons) or "进行中的机会最少")

    return spread(opportunities, people, loads, fit)


def _count_by_assignee(people: list[int]) -> Iterable[Any]:
    """Return {assignee, open, won, lost} for each user id that has opportunities."""
    status, year_ago = Opportunity.Status, timezone.now() - timedelta(days=365)
    recent = Q(closed_at__gte=year_ago)
    return (
        Opportunity.objects.filter(assignee__in=people)
        .order_by()
        .values("assignee")
        .annotate(
            open=Count("pk", filter=Q(status=status.ASSIGNED)),
            won=Count("pk", filter=Q(status=status.WON) & recent),
            lost=Count("pk", filter=Q(status=status.LOST) & recent),
        )
    )
