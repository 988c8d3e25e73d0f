"""Open opportunities that may be the one somebody is about to make, beside the customers that may be meant."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q

from accounts.models import User
from customers.likeness import SHOWN, Match, Sought, customer_matches, named_near, same_name, whole, why, with_number

from .models import Opportunity


def opportunity_matches(sought: Sought, by: User, *, but: int | None = None) -> list[Match]:
    """Open ones anywhere of the same name or number; in view those of a name like it, too."""
    rows = Opportunity.objects.open().exclude(pk=but)
    rows = rows.select_related("assignee", "created_by").order_by("pk")
    mine, found = Q(pk__in=Opportunity.objects.visible_to(by).order_by().values("pk")), list[Opportunity]()
    for condition in _conditions(sought, mine):
        found += rows.filter(condition).exclude(pk__in=[one.pk for one in found])[:SHOWN]
    keys = [one.pk for one in found]
    seen = set(Opportunity.objects.visible_to(by).filter(pk__in=keys).values_list("pk", flat=True))
    told = set(Opportunity.objects.detailed_for(by).filter(pk__in=keys).values_list("pk", flat=True))
    return [_match(one, sought, is_seen=one.pk in seen, is_told=one.pk in told) for one in found]


def _conditions(sought: Sought, mine: Q) -> Iterator[Q]:
    if sought.name:
        yield same_name(sought.name)
    if wanted := whole(sought.phones):
        yield with_number("contact_phone", wanted)
    if sought.name:
        yield named_near(sought.name) & mine


def _match(one: Opportunity, sought: Sought, *, is_seen: bool, is_told: bool) -> Match:
    reason = why(sought, one)
    return Match(
        one,
        one.customer_name,
        str(one.assignee or one.created_by),
        one.assigned_at or one.created_at,
        reason,
        one.get_absolute_url() if is_seen else "",
        not is_seen or (reason == "电话相同" and not is_told),
        "客户经理" if one.assignee_id else "创建人",
        f"机会编号 {one.pk}" if is_seen else "",
    )


def organisation_matches(sought: Sought, by: User, *, but: int | None = None) -> list[Match]:
    """Customers first, then open opportunities. but: the opportunity that is changed."""
    return [*customer_matches(sought, by), *opportunity_matches(sought, by, but=but)]
