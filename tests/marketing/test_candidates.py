"""Who could take an opportunity: fit first, then the least loaded, with the recent win rate."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from marketing.models import Opportunity
from marketing.opportunities.candidates import Candidate, rank_candidates
from tests import factories

pytestmark = pytest.mark.django_db


def ranked(record, *people):
    return rank_candidates(record, people)


def closed(company, person, *, days, outcome=factories.lost):
    record = outcome(company.colleague, company.supervisor, person, customer_name=f"{Opportunity.objects.count()}公司")
    Opportunity.objects.filter(pk=record.pk).update(closed_at=timezone.now() - timedelta(days=days))


def test_the_best_fit_comes_first_then_the_least_loaded_then_the_name(company):
    region, industry = factories.entry("地区", "东北"), factories.entry("行业", "化工")
    record = factories.opportunity(company.colleague, region=region, industry=industry)
    company.eastern.regions.add(region)
    company.eastern.industries.add(industry)
    company.colleague.industries.add(industry)
    factories.assigned(company.colleague, company.supervisor, company.manager)
    free = factories.person("account_manager", name="空闲", department=company.north)
    other = factories.person("account_manager", name="也空闲", department=company.north)
    candidates = ranked(record, company.manager, free, other, company.colleague, company.eastern)
    assert [row.user.name for row in candidates] == ["王华东", "陈同事", "也空闲", "空闲", "周经理"]
    assert [(row.fits_region, row.fits_industry) for row in candidates][:3] == [
        (True, True),
        (False, True),
        (False, False),
    ]
    assert (candidates[0].regions, candidates[0].industries) == (["东北"], ["化工"])


def test_an_opportunity_without_region_and_industry_fits_nobody(company):
    company.eastern.regions.add(factories.entry("地区", "东北"))
    (candidate,) = ranked(factories.opportunity(company.colleague), company.eastern)
    assert not candidate.fits_region
    assert not candidate.fits_industry


def test_the_load_counts_what_is_under_way_only(company):
    for made in (factories.assigned, factories.assigned, factories.lost):
        made(company.colleague, company.supervisor, company.manager)
    factories.opportunity(company.manager)
    record = factories.opportunity(company.colleague)
    manager, eastern = sorted(ranked(record, company.manager, company.eastern), key=lambda row: -row.open)
    assert (manager.open, eastern.open) == (2, 0)


def test_the_win_rate_counts_the_last_twelve_months(company):
    closed(company, company.manager, days=364, outcome=factories.won)
    closed(company, company.manager, days=10)
    closed(company, company.manager, days=20)
    closed(company, company.manager, days=366, outcome=factories.won)
    (candidate,) = ranked(factories.opportunity(company.colleague), company.manager)
    assert (candidate.won, candidate.lost, candidate.win_rate) == (1, 2, "33%（1/3）")


def test_somebody_who_closed_nothing_has_no_win_rate(company):
    (candidate,) = ranked(factories.opportunity(company.colleague), company.manager)
    assert candidate.win_rate == "—"
    only_losses = Candidate(company.manager, [], [], fits_region=False, fits_industry=False, open=0, won=0, lost=2)
    assert only_losses.win_rate == "0%（0/2）"


def test_nobody_to_ask_gives_nobody(company):
    assert ranked(factories.opportunity(company.colleague)) == []
