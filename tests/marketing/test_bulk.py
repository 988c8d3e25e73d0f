"""Many opportunities at once: each to its own person, and 延后."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.users.assign_each import Fit, spread
from marketing.models import Opportunity
from tests import factories
from tests.html import errors, find_all, notices, text, texts, urls, value

pytestmark = pytest.mark.django_db

ASSIGN = "/marketing/opportunities/assign/"


def waiting(company, count, **values):
    return [factories.opportunity(company.manager, customer_name=f"第{n}号机会", **values) for n in range(count)]


def shown(page):
    """Return {name of the select: person chosen}."""
    selects = find_all(page, "td select")
    return {
        one.get("name"): text(find_all(one, "option[selected]")[0])
        for one in selects
        if find_all(one, "option[selected]")
    }


def send(client, url, chosen, **values):
    page = client.get(url, chosen)
    return client.post(
        url, {**chosen, **values, "opened": value(page, "opened"), "plan": value(page, "plan")}, follow=True
    )


class Row:
    def __init__(self, pk, wants="", assignee_id=None):
        self.pk, self.wants, self.assignee_id = pk, wants, assignee_id


class Person:
    def __init__(self, pk, name):
        self.pk, self.name = pk, name


def test_work_is_spread_by_fit_then_by_load_counting_what_was_proposed_before():
    ann, bo = Person(1, "安"), Person(2, "博")
    rows = [Row(1), Row(2), Row(3), Row(4, wants="安"), Row(5, assignee_id=2)]
    plan = spread(rows, [ann, bo], {1: 1, 2: 0}, lambda row, person: Fit(int(row.wants == person.name)))
    assert [plan[row.pk].user.name for row in rows] == ["博", "博", "安", "安", "安"]
    assert spread([Row(6, assignee_id=1)], [ann], {}, lambda row, person: Fit()) == {}


def test_each_goes_to_the_best_candidate_unless_another_is_chosen(company, sign_in):
    region = factories.entry("地区", "东北")
    company.eastern.regions.add(region)
    first, second, third = waiting(company, 3)
    Opportunity.objects.filter(pk=first.pk).update(region=region)
    client = sign_in(company.supervisor)
    chosen = {"ids": [first.pk, second.pk, third.pk], "list": "/marketing/opportunities/?success_from=1"}
    page = client.get(ASSIGN, {**chosen, "list": "/marketing/opportunities/"})
    proposed = shown(page)
    assert proposed[f"to_{first.pk}"] == "王华东"
    assert "分区适合" in text(page)
    assert len(set(proposed.values())) == 3
    chosen["list"] = "/marketing/opportunities/?status=unassigned"
    answer = send(client, ASSIGN, chosen, **{f"to_{second.pk}": company.colleague.pk, f"to_{third.pk}": ""})
    assert notices(answer) == [
        "已指派 2 个机会，对方会收到通知。另有 1 条没有指派：「" + third.summary + "」：没有选人 · 撤销"
    ]
    assert answer.redirect_chain[-1][0] == chosen["list"]
    assert [Opportunity.objects.get(pk=one.pk).assignee for one in (first, second, third)] == [
        company.eastern, company.colleague, None,
    ]  # fmt: skip


def test_each_to_its_own_manager_or_all_to_one(company, sign_in):
    customer = factories.CustomerFactory(manager=company.eastern)
    first, second = factories.opportunity(company.manager, introduced_by=customer), waiting(company, 1)[0]
    client, ids = sign_in(company.supervisor), {"ids": [first.pk, second.pk]}
    own = shown(client.get(ASSIGN, {**ids, "mode": "own"}))
    assert own == {f"to_{first.pk}": "王华东", f"to_{second.pk}": "周经理"}
    one = shown(client.get(ASSIGN, {**ids, "mode": "one", "to": company.colleague.pk}))
    assert set(one.values()) == {"陈同事"}
    for odd in ("x", "999999999999999999999", "-1", str(company.stranger.pk)):
        assert client.get(ASSIGN, {**ids, "mode": "one", "to": odd}).status_code == 200


@pytest.mark.parametrize("chosen", ["stranger", "supervisor", "nobody"])
def test_nobody_outside_the_candidates_is_chosen_by_hand(chosen, company, sign_in):
    one = waiting(company, 1)[0]
    answer = send(
        sign_in(company.supervisor), ASSIGN, {"ids": [one.pk]}, **{f"to_{one.pk}": getattr(company, chosen).pk}
    )
    assert "请选择您范围内在职的客户经理。" in errors(answer) + texts(answer, ".msg.red")[
        0:1
    ] or "请选择您范围内" in text(answer)
    assert Opportunity.objects.get(pk=one.pk).assignee is None


def test_an_opportunity_assigned_meanwhile_makes_it_ask_again(company, sign_in):
    one, other = waiting(company, 2)
    client, url = sign_in(company.supervisor), ASSIGN
    page = client.get(url, {"ids": [one.pk, other.pk]})
    one.assign(company.colleague, by=company.supervisor)
    sent = {"ids": [one.pk, other.pk], "opened": value(page, "opened"), "plan": value(page, "plan")}
    again = client.post(url, sent)
    assert again.status_code == 409
    assert "您打开时 2 条，现在 1 条" in text(again)
    assert "指派给 陈同事" in text(again)
    assert Opportunity.objects.get(pk=other.pk).assignee is None


def test_statements_grow_by_the_transitions_of_the_rows_alone(company, sign_in):
    client, numbers = sign_in(company.supervisor), []
    for count in (2, 12):
        chosen = {"ids": [one.pk for one in waiting(company, count)]}
        page = client.get(ASSIGN, chosen)
        with CaptureQueriesContext(connection) as statements:
            sent = {**chosen, "opened": value(page, "opened"), "plan": value(page, "plan")}
            assert client.post(ASSIGN, sent).status_code == 302
        numbers.append(len(statements))
    assert numbers[1] - numbers[0] <= 10 * 9


def test_preview_statements_do_not_grow(company, sign_in):
    client, numbers = sign_in(company.supervisor), []
    for count in (2, 12):
        chosen = {"ids": [one.pk for one in waiting(company, count)]}
        with CaptureQueriesContext(connection) as statements:
            assert client.get(ASSIGN, chosen).status_code == 200
        numbers.append(len(statements))
    assert numbers[1] <= numbers[0]


def test_reassigning_many_proposes_somebody_else_and_needs_a_reason(company, sign_in):
    one = factories.assigned(company.manager, company.supervisor, company.manager)
    client, url = sign_in(company.supervisor), "/marketing/opportunities/reassign/"
    page = client.get(url, {"ids": [one.pk]})
    assert shown(page)[f"to_{one.pk}"] != "周经理"
    assert "请填写" in text(send(client, url, {"ids": [one.pk]}, reason=""))
    send(client, url, {"ids": [one.pk]}, reason="换区")
    assert Opportunity.objects.get(pk=one.pk).assignee != company.manager


def test_an_assignee_moves_the_expected_day_of_several(company, sign_in):
    first = factories.assigned(company.manager, company.supervisor, company.manager)
    late = factories.assigned(company.manager, company.supervisor, company.manager, expected_on=date(2027, 5, 1))
    foreign = factories.assigned(company.manager, company.supervisor, company.colleague)
    rate = first.success_rate
    client, url = sign_in(company.manager), "/marketing/opportunities/postpone/"
    chosen = {"ids": [first.pk, late.pk, foreign.pk]}
    page = client.get(url, chosen)
    sent = {**chosen, "expected_on": "2027-03-31", "reason": "客户推迟", "opened": value(page, "opened")}
    (notice,) = notices(client.post(url, sent, follow=True))
    assert "已延后 1 个机会" in notice
    assert "预计成交日期已经不早于这一天" in notice
    first.refresh_from_db()
    assert (first.expected_on, first.success_rate) == (date(2027, 3, 31), rate)
    late.refresh_from_db()
    assert late.expected_on == date(2027, 5, 1)


def test_after_one_assignment_comes_the_list_or_the_next(company, sign_in):
    first, second = waiting(company, 2)
    client, url = sign_in(company.supervisor), reverse("marketing:opportunity_assign", args=[first.pk])
    page = client.get(url)
    assert len(find_all(page, "input[type=radio][checked]")) == 1
    answer = client.post(url, {"to": company.manager.pk, "next": "1"})
    assert answer["Location"] == reverse("marketing:opportunity_assign", args=[second.pk])
    last = client.post(answer["Location"], {"to": company.manager.pk, "next": "1"})
    assert last["Location"] == reverse("marketing:opportunity_list")
    assert urls(client.get("/marketing/opportunities/"))
