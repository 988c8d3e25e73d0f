"""Duplicate check for new opportunities: similar customers and open opportunities."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q

from accounts.models import User
from customers.records.duplicates import (
    BEYOND,
    MAX_SIMILAR,
    Match,
    SearchTerms,
    customer_matches,
    full_numbers,
    match_reason,
    number_condition,
    same_name_condition,
    similar_name_condition,
)

from .models import Opportunity

IN_VIEW = "请在这个机会里继续，不用再建。"


def opportunity_matches(sought: SearchTerms, by: User, *, but: int | None = None) -> list[Match]:
    """Return open opportunities of the same name or number, and those in the user's view of a similar name.

    but: key of the opportunity that is edited.
    """
    rows = Opportunity.objects.open().exclude(pk=but)
    rows = rows.select_related("assignee", "created_by").order_by("pk")
    in_view, opportunities = Q(pk__in=Opportunity.objects.visible_to(by).order_by().values("pk")), list[Opportunity]()
    for condition in _conditions(sought, in_view):
        opportunities += rows.filter(condition).exclude(pk__in=[one.pk for one in opportunities])[:MAX_SIMILAR]
    keys = [one.pk for one in opportunities]
    visible_keys = set(Opportunity.objects.visible_to(by).filter(pk__in=keys).values_list("pk", flat=True))
    detailed_keys = set(Opportunity.objects.detailed_for(by).filter(pk__in=keys).values_list("pk", flat=True))
    return [
        _match(one, sought, is_visible=one.pk in visible_keys, shows_details=one.pk in detailed_keys)
        for one in opportunities
    ]


def _conditions(sought: SearchTerms, in_view: Q) -> Iterator[Q]:
    if sought.name:
        yield same_name_condition(sought.name)
    if phones := full_numbers(sought.phones):
        yield number_condition("contact_phone", phones)
    if sought.name:
        yield similar_name_condition(sought.name) & in_view


def _match(one: Opportunity, sought: SearchTerms, *, is_visible: bool, shows_details: bool) -> Match:
    reason = match_reason(sought, one)
    return Match(
        one,
        one.customer_name,
        str(one.assignee or one.created_by),
        one.assigned_at or one.created_at,
        reason,
        one.get_absolute_url() if is_visible else "",
        not is_visible or (reason == "电话相同" and not shows_details),
        "客户经理" if one.assignee_id else "创建人",
        f"机会编号 {one.pk}" if is_visible else "",
        IN_VIEW if is_visible else BEYOND.format(one.assignee or one.created_by),
    )


def organisation_matches(sought: SearchTerms, by: User, *, but: int | None = None) -> list[Match]:
    """Return matching customers, then open opportunities. but: key of the opportunity that is edited."""
    return [*customer_matches(sought, by), *opportunity_matches(sought, by, but=but)]
