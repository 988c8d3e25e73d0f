"""客户流失: the scan, every state × action, and what purchases resolve."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Notification, User
from customers.churn.rule import churn_cutoff, silence_start
from customers.churn.scan import resolve_by_purchases, scan_churn
from customers.models import ChurnCase, Customer, TimelineEntry
from kit.audit.models import AuditEntry
from kit.domain.days import add_months
from kit.domain.verdict import Kind, Refused
from kit.jobs.management.commands.run_due import run_once
from kit.jobs.models import DueRun, Job
from kit.jobs.tasks import run_job
from tests import factories

pytestmark = pytest.mark.django_db
Status = ChurnCase.Status
TODAY = timezone.localdate()
LONG_AGO = add_months(TODAY, -9)


def again(record):
    return type(record).objects.get(pk=record.pk)


def created_on(customer, day, hour=12):
    """Dates a customer's creation, in Shanghai."""
    at = timezone.make_aware(datetime(day.year, day.month, day.day, hour))
    Customer.objects.filter(pk=customer.pk).update(created_at=at)
    return customer


def bought(customer, day):
    """What the sync does when an order arrives."""
    Customer.objects.filter(pk=customer.pk).update(last_purchase_on=day)


def warned():
    return set(ChurnCase.objects.open().values_list("customer", flat=True))


# The scan


def test_the_scan_warns_of_exactly_the_customers_whose_six_months_are_over(company):
    manager, last = company.manager, churn_cutoff(TODAY)
    due = [
        factories.CustomerFactory(manager=manager, last_purchase_on=last),
        factories.CustomerFactory(manager=manager, last_purchase_on=last, won_back_on=last),
        factories.CustomerFactory(manager=manager, cooperation_since=last),
        created_on(factories.CustomerFactory(manager=manager), last, hour=23),
        created_on(factories.CustomerFactory(manager=manager, cooperation_since=TODAY), last, hour=0),
    ]
    fresh = last + timedelta(days=1)
    factories.CustomerFactory(manager=manager, last_purchase_on=fresh, cooperation_since=LONG_AGO)
    factories.CustomerFactory(manager=manager, last_purchase_on=LONG_AGO, won_back_on=fresh)
    factories.CustomerFactory(manager=manager, cooperation_since=LONG_AGO, won_back_on=fresh)
    factories.CustomerFactory(manager=manager, cooperation_since=fresh)
    created_on(factories.CustomerFactory(manager=manager), fresh, hour=0)
    factories.CustomerFactory(manager=manager, last_purchase_on=LONG_AGO, status="lost")
    factories.CustomerFactory(manager=manager, last_purchase_on=LONG_AGO, deleted_at=timezone.now())
    assert scan_churn().opened == len(due)
    assert warned() == {customer.pk for customer in due}
    for customer in Customer.objects.filter(status="normal", deleted_at=None):
        made = timezone.localdate(customer.created_at)
        since = silence_start(customer.last_purchase_on, customer.won_back_on, made, customer.cooperation_since)
        assert (customer.pk in warned()) == (add_months(since, 6) <= TODAY)


def test_a_new_case_carries_purchase_audit_row_timeline_and_number(company):
    case = factories.churn_case(company.manager, last_purchase_on=date(2025, 3, 31))
    assert (case.status, case.last_purchase_on, case.version) == (Status.WARNING, date(2025, 3, 31), 0)
    entry = AuditEntry.objects.about(case).get()
    assert (entry.actor_name, entry.actor_id, entry.verb) == ("系统", None, "流失预警")
    assert (entry.object_text, entry.changes) == (str(case), {"状态": ["", "预警"]})
    told = TimelineEntry.objects.get(customer=case.customer, kind="churn")
    assert (told.kind, told.url) == ("churn", case.get_absolute_url())
    assert told.text == "流失预警：上次下单 2025-03-31，已满六个月"
    assert told.at == case.opened_at == entry.at or abs(told.at - entry.at) < timedelta(seconds=5)


def test_of_a_customer_that_never_bought_the_timeline_says_so(company):
    customer = factories.CustomerFactory(manager=company.manager, cooperation_since=LONG_AGO)
    scan_churn()
    assert customer.timeline.get(kind="churn").text == "流失预警：从未下单，已满六个月"
    assert customer.churn_cases.get().last_purchase_on is None


def test_scanning_again_changes_nothing(company):
    factories.churn_case(company.manager)
    before = [list(model.objects.order_by("pk").values()) for model in (ChurnCase, TimelineEntry, Notification)]
    trail = AuditEntry.objects.count()
    assert scan_churn().opened == 0
    assert [list(model.objects.order_by("pk").values()) for model in (ChurnCase, TimelineEntry, Notification)] == before
    assert AuditEntry.objects.count() == trail


def test_a_scan_that_dies_leaves_nothing_and_is_simply_run_again(company, monkeypatch):
    factories.silent_customer(company.manager)

    def die(new):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("customers.churn.scan._notify_managers", die)
        with pytest.raises(KeyboardInterrupt):
            scan_churn()
    assert not ChurnCase.objects.exists()
    assert scan_churn().opened == 1


def test_each_manager_is_told_once_with_their_number(company):
    for _ in range(3):
        factories.silent_customer(company.manager)
    factories.silent_customer(company.eastern)
    gone = factories.person("account_manager")
    factories.silent_customer(gone)
    User.objects.filter(pk=gone.pk).update(is_active=False)
    scan_churn()
    told = dict(Notification.objects.values_list("recipient", "text"))
    assert set(told) == {company.manager.pk, company.eastern.pk}
    assert "新增 3 个预警" in told[company.manager.pk]
    assert "新增 1 个预警" in told[company.eastern.pk]


@pytest.mark.parametrize("many", [1, 40])
def test_the_number_of_statements_does_not_grow_with_the_customers(company, django_assert_num_queries, many):
    AuditEntry.objects.about(factories.churn_case(company.manager))  # content types are read once per process
    for _ in range(many):
        factories.silent_customer(company.manager)
    postgres = transaction.get_connection().vendor == "postgresql"
    # orders ahead, savepoint and its release, cases, trail, timeline, who, told
    with django_assert_num_queries(8 + 2 * postgres):
        assert scan_churn().opened == many
    Customer.objects.update(last_purchase_on=TODAY)
    with django_assert_num_queries(7 + postgres):  # savepoints, customers, update, trail, timeline, nothing won back
        assert resolve_by_purchases().resolved == many + 1


def test_at_most_one_open_case_per_customer_whoever_writes_it(company):
    case = factories.churn_case(company.manager)
    with pytest.raises(IntegrityError), transaction.atomic():
        ChurnCase.objects.create(customer=case.customer)
    case.confirm(by=company.manager, reason="停产", kind=factories.entry("流失原因", "停业"))
    case.win_back(by=company.manager, note="复工")
    Customer.objects.update(won_back_on=LONG_AGO)
    assert scan_churn().opened == 1  # closed ones do not count


def test_the_command_scans_as_of_a_day_but_never_ahead(company, capsys):
    factories.CustomerFactory(manager=company.manager, last_purchase_on=add_months(TODAY, -7))
    call_command("scan_churn", on=add_months(TODAY, -2).isoformat())
    assert "新增 0 个预警" in capsys.readouterr().out
    call_command("scan_churn")
    assert "新增 1 个预警" in capsys.readouterr().out
    with pytest.raises(CommandError, match="将来"):
        call_command("scan_churn", on=(TODAY + timedelta(days=1)).isoformat())
    with pytest.raises(CommandError, match="不是日期"):
        call_command("scan_churn", on="昨天")


# Every Saturday


def at(monkeypatch, text):
    moment = timezone.make_aware(datetime.fromisoformat(text))
    monkeypatch.setattr(timezone, "now", lambda: moment)


def test_the_week_begins_on_saturday_at_two_in_shanghai(monkeypatch, django_capture_on_commit_callbacks):
    def due(text):
        at(monkeypatch, text)
        return run_once("churn.scan", 604800, "customers.churn.tasks.scan_weekly")

    assert due("2025-11-21 12:00")  # first start in mid-week: this week's scan
    assert not due("2025-11-22 01:59:59")
    Job.objects.update(status="done")
    assert due("2025-11-22 02:00:00")
    assert not due("2025-11-22 02:00:01")
    assert not due("2025-11-29 01:59:59")
    assert due("2025-11-29 02:00")
    assert DueRun.objects.count() == 3


def test_the_weekly_scan_is_a_job_that_says_what_it_found(company):
    factories.silent_customer(company.manager)
    call_command("run_due")
    (job,) = Job.objects.filter(function="customers.churn.tasks.run_scan")
    run_job.func(job.pk)
    job.refresh_from_db()
    assert (job.status, job.owner) == ("done", None)
    assert "新增 1 个预警" in job.result


# Every state × action

KINDS = {"defer": ("暂缓措施", "拜访"), "confirm": ("流失原因", "价格")}
ACTS = {
    "defer": lambda case, by: case.defer(by=by, kind=factories.entry(*KINDS["defer"]), text="上门拜访"),
    "confirm": lambda case, by: case.confirm(by=by, kind=factories.entry(*KINDS["confirm"]), reason="价格太高"),
    "win_back": lambda case, by: case.win_back(by=by, note="重新签约"),
}


def in_state(company, status):
    """A case brought into a state as the product does it."""
    case, manager = factories.churn_case(company.manager), company.manager
    if status == Status.DEFERRED:
        ACTS["defer"](case, manager)
    if status in (Status.CONFIRMED, Status.WON_BACK):
        ACTS["confirm"](case, manager)
    if status == Status.WON_BACK:
        ACTS["win_back"](case, manager)
    if status == Status.RESOLVED:
        bought(case.customer, TODAY)
        resolve_by_purchases()
    if status == Status.MERGED:
        case.close_by_merge(into=factories.CustomerFactory(manager=manager), by=company.supervisor)
    case = again(case)
    assert case.status == status
    return case


ALLOWED = {
    ("warning", "defer"): "deferred",
    ("warning", "confirm"): "confirmed",
    ("deferred", "defer"): "deferred",
    ("deferred", "confirm"): "confirmed",
    ("confirmed", "win_back"): "won_back",
}


@pytest.mark.parametrize("action", ACTS)
@pytest.mark.parametrize("status", Status.values)
def test_every_state_and_action(company, status, action):
    case = in_state(company, status)
    trail = AuditEntry.objects.about(case).count()
    if expected := ALLOWED.get((status, action)):
        assert getattr(case, f"can_{action}")(company.manager)
        ACTS[action](case, company.manager)
        assert again(case).status == expected
        assert AuditEntry.objects.about(case).count() == trail + 1
    else:
        with pytest.raises(Refused) as refused:
            ACTS[action](case, company.manager)
        assert refused.value.verdict.kind is Kind.STATE
        assert again(case).status == status
        assert AuditEntry.objects.about(case).count() == trail


@pytest.mark.parametrize("action", ACTS)
@pytest.mark.parametrize(
    ("who", "kind"),
    [
        ("colleague", Kind.NOT_YOURS),
        ("eastern", Kind.NOT_YOURS),
        ("supervisor", Kind.NO_PERMISSION),
        ("executive", Kind.NO_PERMISSION),
        ("administrator", Kind.NO_PERMISSION),
        ("nobody", Kind.NO_PERMISSION),
    ],
)
def test_only_the_customers_own_manager_handles_it(company, action, who, kind):
    case = in_state(company, Status.CONFIRMED if action == "win_back" else Status.WARNING)
    with pytest.raises(Refused) as refused:
        ACTS[action](case, getattr(company, who))
    assert refused.value.verdict.kind is kind


def test_a_stale_page_is_judged_by_the_row_as_it_stands(company):
    case = factories.churn_case(company.manager)
    stale = again(case)
    ACTS["confirm"](case, company.manager)
    with pytest.raises(Refused, match="确认流失"):
        ACTS["defer"](stale, company.manager)


# What the actions keep


def test_measures_accumulate_with_author_time_and_review(company):
    case, visit = factories.churn_case(company.manager), factories.entry("暂缓措施", "拜访")
    case.defer(by=company.manager, kind=visit, text="拜访设备科")
    case.defer(by=company.manager, kind=visit, text="送样机", review_on=TODAY + timedelta(days=90))
    first, second = case.measures.all()
    assert (first.text, first.by, first.review_on) == ("拜访设备科", company.manager, TODAY + timedelta(days=30))
    assert (second.text, second.review_on) == ("送样机", TODAY + timedelta(days=90))
    assert (again(case).review_on, again(case).version) == (TODAY + timedelta(days=90), 2)
    assert case.customer.timeline.filter(kind="churn").count() == 3  # the warning and both measures
    entry = AuditEntry.objects.about(case).first()
    assert (entry.verb, entry.changes["暂缓措施"]) == ("暂缓流失", ["", "送样机"])


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"text": " "}, "暂缓措施"),
        ({"kind": ("流失原因", "价格")}, "类别"),
        ({"days": -1}, "早于今天"),
        ({"days": 91}, "最晚是 90 天后"),
    ],
)
def test_a_measure_needs_text_kind_and_a_near_day(company, values, reason):
    case = factories.churn_case(company.manager)
    kind = factories.entry(*values.get("kind", KINDS["defer"]))
    day = TODAY + timedelta(days=values.get("days", 1))
    with pytest.raises(Refused, match=reason):
        case.defer(by=company.manager, kind=kind, text=values.get("text", "拜访"), review_on=day)
    assert not case.measures.exists()


@pytest.mark.parametrize("days", [0, 90])
def test_the_nearest_and_the_furthest_review(company, days):
    case, day = factories.churn_case(company.manager), TODAY + timedelta(days=days)
    case.defer(by=company.manager, kind=factories.entry(*KINDS["defer"]), text="拜访", review_on=day)
    assert again(case).review_on == day


def test_a_confirmed_loss_loses_the_customer_and_tells_the_supervisor(company):
    case = factories.churn_case(company.manager)
    rival = factories.entry("竞争对手", "进口品牌")
    kind = factories.entry("流失原因", "转向竞争对手")
    case.confirm(by=company.manager, reason="改用进口品牌", kind=kind, competitor=rival)
    case = again(case)
    assert (case.lost_reason, case.lost_kind, case.competitor) == ("改用进口品牌", kind, rival)
    assert case.confirmed_at is not None
    assert case.closed_at is None
    assert again(case.customer).status == "lost"
    told = Notification.objects.get(recipient=company.supervisor)
    assert "改用进口品牌" in told.text
    assert told.record == case
    assert not Notification.objects.filter(recipient=company.outsider).exists()
    assert AuditEntry.objects.about(case.customer).first().changes["状态"] == ["正常", "流失"]
    assert case.customer.timeline.filter(text__contains="确认流失").count() == 1


def test_a_loss_needs_a_reason(company):
    case = factories.churn_case(company.manager)
    with pytest.raises(Refused, match="流失原因"):
        case.confirm(by=company.manager, reason="  ", kind=factories.entry("流失原因", "价格"))
    with pytest.raises(Refused, match="类别"):
        case.confirm(by=company.manager, reason="价格", kind=factories.entry("暂缓措施", "拜访"))
    assert again(case.customer).status == "normal"


def test_a_customer_won_back_is_normal_and_its_six_months_begin_today(company):
    case = in_state(company, Status.WON_BACK)
    customer = again(case.customer)
    assert (customer.status, customer.won_back_on) == ("normal", TODAY)
    assert case.win_back_note == "重新签约"
    assert scan_churn().opened == 0
    with pytest.raises(Refused, match="挽回说明"):
        in_state(company, Status.CONFIRMED).win_back(by=company.manager, note="")


# Purchases


@pytest.mark.parametrize("status", [Status.WARNING, Status.DEFERRED])
def test_a_purchase_resolves_an_open_case(company, status):
    case = in_state(company, status)
    bought(case.customer, TODAY)
    result = resolve_by_purchases([case.customer_id])
    case = again(case)
    assert (result.resolved, result.won_back) == (1, 0)
    assert (case.status, case.review_on) == (Status.RESOLVED, None)
    assert case.closed_at is not None
    entry = AuditEntry.objects.about(case).first()
    assert (entry.actor_name, entry.verb) == ("系统", "解除预警")
    text = case.customer.timeline.order_by("-at").first().text
    assert text == f"流失预警解除：销售系统有新的订单（{TODAY:%Y-%m-%d}）"
    assert resolve_by_purchases().resolved == 0
    assert AuditEntry.objects.about(case).first() == entry


def test_a_late_arriving_order_counts_though_it_is_old(company):
    case = factories.churn_case(company.manager, last_purchase_on=LONG_AGO)
    bought(case.customer, LONG_AGO + timedelta(days=1))
    assert resolve_by_purchases().resolved == 1
    assert scan_churn().opened == 1  # and its six months are over as well


@pytest.mark.parametrize(("before", "after"), [(LONG_AGO, LONG_AGO), (LONG_AGO, LONG_AGO - timedelta(days=1))])
def test_an_order_that_is_no_later_resolves_nothing(company, before, after):
    case = factories.churn_case(company.manager, last_purchase_on=before)
    bought(case.customer, after)
    assert resolve_by_purchases().resolved == 0
    assert again(case).status == Status.WARNING


def test_the_first_purchase_ever_resolves_whatever_its_day(company):
    customer = factories.CustomerFactory(manager=company.manager, cooperation_since=LONG_AGO)
    scan_churn()
    bought(customer, LONG_AGO)
    assert resolve_by_purchases().resolved == 1


def test_only_the_named_customers_are_looked_at(company):
    one, other = factories.churn_case(company.manager), factories.churn_case(company.manager)
    for case in (one, other):
        bought(case.customer, TODAY)
    assert resolve_by_purchases([]).resolved == 0
    assert resolve_by_purchases({one.customer_id}).resolved == 1
    assert (again(one).status, again(other).status) == (Status.RESOLVED, Status.WARNING)


def confirmed_on(company, day, hour):
    case = in_state(company, Status.CONFIRMED)
    moment = timezone.make_aware(datetime(day.year, day.month, day.day, hour))
    ChurnCase.objects.filter(pk=case.pk).update(confirmed_at=moment)
    return case


@pytest.mark.parametrize("hour", [0, 23])  # both lie on that day in Shanghai, on different days in London
def test_a_purchase_after_the_day_of_confirmation_wins_back(company, hour):
    day = TODAY - timedelta(days=10)
    case = confirmed_on(company, day, hour)
    bought(case.customer, day)
    assert resolve_by_purchases().won_back == 0
    bought(case.customer, day + timedelta(days=1))
    assert resolve_by_purchases().won_back == 1
    case, customer = again(case), again(case.customer)
    assert (case.status, case.win_back_note) == (Status.WON_BACK, "销售系统有新的订单")
    assert (customer.status, customer.won_back_on) == ("normal", TODAY)
    assert AuditEntry.objects.about(case).first().actor_name == "系统"
    assert AuditEntry.objects.about(customer).first().changes["状态"] == ["流失", "正常"]
    assert customer.timeline.filter(text__startswith="客户已挽回").count() == 1
    assert resolve_by_purchases().won_back == 0


# Who sees what


def test_a_case_is_seen_by_whoever_sees_its_customer(company):
    case = factories.churn_case(company.manager)
    sees = {
        name
        for name in ("manager", "colleague", "supervisor", "executive", "eastern", "stranger", "outsider", "nobody")
        if ChurnCase.objects.visible_to(getattr(company, name)).filter(pk=case.pk).exists()
    }
    assert sees == {"manager", "colleague", "supervisor", "executive"}
