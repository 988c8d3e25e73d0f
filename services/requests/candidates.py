"""Account managers ranked for requests: ownership of the customer, fit of its region, load."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from accounts.models import User
from accounts.users.assign_each import Fit, Proposal, spread

from .models import ServiceRequest


@dataclass(frozen=True)
class Candidate:
    user: User
    regions: list[str]
    fits_region: bool
    owns_customer: bool
    open: int


def rank_candidates(requests: Iterable[ServiceRequest], people: Iterable[User]) -> list[Candidate]:
    """Return people as candidates: the customer's owner first, then by region, then the least loaded.

    people: with regions prefetched. For several requests, fitting one of them is enough.
    """
    people, customers = list(people), [request.customer for request in requests if request.customer]
    loads, regions = open_requests(person.pk for person in people), {customer.region_id for customer in customers}
    candidates = [
        Candidate(
            user=person,
            regions=[str(entry) for entry in person.regions.all()],
            fits_region=bool(regions & {entry.pk for entry in person.regions.all()}),
            owns_customer=any(customer.manager_id == person.pk for customer in customers),
            open=loads.get(person.pk, 0),
        )
        for person in people
    ]
    return sorted(candidates, key=lambda c: (not c.owns_customer, not c.fits_region, c.open, c.user.name, c.user.pk))


def suggest_people(requests: Iterable[ServiceRequest], people: Iterable[User]) -> dict[int, Proposal]:
    """Propose for each request its customer's owner, else by region, then the least loaded.

    people: with regions prefetched.
    """
    people = list(people)
    regions = {person.pk: {entry.pk for entry in person.regions.all()} for person in people}

    def fit(one: ServiceRequest, person: User) -> Fit:
        if one.customer and one.customer.manager_id == person.pk:
            return Fit(2, "客户的客户经理")
        fits_region = one.customer is not None and one.customer.region_id in regions[person.pk]
        return Fit(1, "分区适合") if fits_region else Fit(0, "处理中的请求最少")

    return spread(requests, people, open_requests(person.pk for person in people), fit)


def open_requests(people: Iterable[int]) -> dict[int, int]:
    """Return {user id: number of requests in work}; users without any are left out."""
    rows: Any = ServiceRequest.objects.in_work().filter(assignee__in=list(people)).order_by().values("assignee")
    return {row["assignee"]: row["n"] for row in rows.annotate(n=Count("pk"))}
