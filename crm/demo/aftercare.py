"""Service requests of the demo company in every state, with rounds, waits, helpers and notes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User
from basedata.models import reserve_numbers
from customers.models import TimelineEntry
from services import clock
from services.models import NUMBER_PREFIX, GivenBy, ServiceHelper, ServiceNote, ServiceRequest, ServiceRound
from services.targets import due_time

from .clients import Client
from .complaints import COMMENTS, MATTERS, ORGANISATIONS, SECOND_TRY, SITES, UNHAPPY, Matter
from .names import SHOWN_ACCOUNTS
from .past import SATURDAY, Journal, past_datetime
from .people import Lexicon

# Per state, how many days ago each request was created. Of the shown 客户经理 every state has some.
NEW = (1, 2, 1, 3, 2, 6)
ASSIGNED = (2, 3, 1, 4, 6, 2, 5, 9, 3, 12)
HANDLED = (3, 5, 8, 4, 10)
ARCHIVED = tuple(range(16, 371, 3))  # a year of closed ones, about as many each month as this month's open ones
RETURNS = {4: 1, 7: 2, 9: 1}  # of the assigned: how often they came back
WAITING = (2, 8)  # of the assigned


@dataclass
class Case:
    """One request and its rounds, saved together."""

    request: ServiceRequest
    matter: Matter
    worker: User  # the 客户经理 it is assigned to
    rounds: list[ServiceRound] = field(default_factory=list)


def save_requests(clients: list[Client], cast: dict[str, User], lexicon: Lexicon, journal: Journal) -> int:
    """Insert all requests with their history; return how many."""
    normal = [client for client in clients if client.customer.deleted_at is None and client.customer.status == "normal"]
    clients_then = [client for client in normal if client.customer.cooperation_since]  # those that were customers then
    visible_clients = [client for client in clients_then if client.customer.manager.username in SHOWN_ACCOUNTS]
    cases: list[Case] = []
    for status, ages in (("new", NEW), ("assigned", ASSIGNED), ("handled", HANDLED), ("archived", ARCHIVED)):
        for place, age in enumerate(ages):
            candidates = visible_clients if status != "archived" and place % 3 else clients_then
            case = _build_case(len(cases), age, candidates, cast, lexicon)
            _play(case, status, place, cast["zhuguan"], lexicon)
            cases.append(case)
    _save(cases, cast, journal)
    return len(cases)


def _build_case(position: int, age: int, clients: list[Client], cast: dict[str, User], lexicon: Lexicon) -> Case:
    """Build a request 新创建 by the 客户经理 or the supervisor; a few for organisations without a customer."""
    matter, client = MATTERS[position % len(MATTERS)], clients[(position * 7) % len(clients)]
    site = SITES[position // len(MATTERS) % len(SITES)]
    stranger = ORGANISATIONS[position % len(ORGANISATIONS)] if position % 16 == 6 else ""
    manager = client.customer.manager if not stranger else cast["xiaoming"]
    creator = cast["zhuguan"] if position % 4 == 3 else manager
    request = ServiceRequest(
        kind=lexicon.entry("服务类型", matter.kind),
        summary=f"{site}{matter.summary}",
        content=matter.content,
        customer=None if stranger else client.customer,
        organisation=stranger,
        contact=client.contacts[0] if client.contacts and not stranger else None,
        created_by=creator,
        created_at=past_datetime(age, 9 + position % 8, position * 7 % 60),
        keeper=creator if stranger else manager,
    )
    request.due_at = due_time.due_at(request.kind, request.customer, request.created_at)
    return Case(request, matter, manager)


def _play(case: Case, status: str, place: int, supervisor: User, lexicon: Lexicon) -> None:
    request, returns = case.request, RETURNS.get(place, 0) if status == "assigned" else int(place % 9 == 4)
    if status == "new":
        return
    request.assignee, request.status, request.assigned_by = case.worker, status, supervisor
    request.assigned_at = min(_at_work(request.created_at + timedelta(hours=1 + place % 5)), timezone.now())
    request.minutes_to_assign = clock.minutes_between(request.created_at, request.assigned_at)
    at = request.assigned_at
    for number in range(returns):
        at = _round(case, at, number + 1)
        _score(case, at, 2, UNHAPPY[number % 2])
        request.returns, request.due_at = number + 1, due_time.due_at(request.kind, request.customer, at)
    if returns > 1:
        request.to_decide_since = at
    if status == "assigned" and place in WAITING:
        request.waiting_since = min(at + timedelta(hours=3), timezone.now())
    if status in ("handled", "archived"):
        at = _round(case, at, returns + 1)
    if status == "archived":
        _archive(case, at, place, lexicon)


def _round(case: Case, after: datetime, number: int) -> datetime:
    """Add a round some hours later; return when the customer was asked for feedback."""
    request, matter = case.request, case.matter
    at = min(_at_work(after + timedelta(hours=5 + 13 * number)), timezone.now() - timedelta(minutes=30))
    handling = matter.handling if number == 1 else SECOND_TRY.format(handling=matter.handling)
    service_round = ServiceRound(number=number, handling=handling, handled_by=request.assignee, handled_at=at)
    case.rounds.append(service_round)
    request.handled_at, request.minutes_to_handle = at, clock.minutes_between(request.created_at, at)
    return min(_at_work(at + timedelta(hours=20)), timezone.now() - timedelta(minutes=5))


def _at_work(at: datetime) -> datetime:
    """Return the next datetime in working hours; after 18:00 the next morning."""
    local = timezone.localtime(at)
    if local.hour >= 18:
        local += timedelta(days=1)
    while local.weekday() >= SATURDAY:
        local += timedelta(days=1)
    return local if 9 <= local.hour < 18 else local.replace(hour=9)


def _score(case: Case, at: datetime, stars: int, result: str, given_by: str = GivenBy.MANAGER) -> None:
    last = case.rounds[-1]
    last.result, last.satisfaction, last.satisfaction_by, last.closed_at = result, stars, given_by, at
    case.request.satisfaction, case.request.satisfaction_by = stars, given_by


def _archive(case: Case, at: datetime, place: int, lexicon: Lexicon) -> None:
    request, matter = case.request, case.matter
    given_by = GivenBy.CUSTOMER if place % 3 == 0 else GivenBy.MANAGER
    _score(case, at, (5, 4, 4, 3, 5)[place % 5], matter.result, given_by)
    if given_by == GivenBy.CUSTOMER:
        case.rounds[-1].comment = COMMENTS[place // 3 % len(COMMENTS)]
    request.archived_at, request.minutes_to_archive = at, clock.minutes_between(request.created_at, at)
    request.cause = lexicon.entry("投诉原因", matter.cause) if matter.cause else None
    request.improvement, request.is_adopted, request.reply = matter.improvement, matter.is_adopted, matter.reply


def _save(cases: list[Case], cast: dict[str, User], journal: Journal) -> None:
    by_day: dict[date, list[ServiceRequest]] = {}
    for case in sorted(cases, key=lambda case: case.request.created_at):
        by_day.setdefault(timezone.localdate(case.request.created_at), []).append(case.request)
    for day, requests in by_day.items():
        for request, number in zip(requests, reserve_numbers(NUMBER_PREFIX, len(requests), on=day), strict=True):
            request.number = number
    ServiceRequest.objects.bulk_create(case.request for case in cases)
    for case in cases:
        for service_round in case.rounds:
            service_round.request = case.request
    ServiceRound.objects.bulk_create(service_round for case in cases for service_round in case.rounds)
    _save_notes([case.request for case in cases if case.request.status == "assigned"], cast)
    TimelineEntry.objects.bulk_create(_timeline_entries([case.request for case in cases]))
    for case in cases:
        _note(case, journal)


def _save_notes(requests: list[ServiceRequest], cast: dict[str, User]) -> None:
    """Add notes for waits; to every fifth request a helper: a colleague, a technician or one of 质量部."""
    helpers, notes = [], []
    for place, request in enumerate(requests):
        worker: Any = request.assignee
        assigned_at: Any = request.assigned_at
        if request.waiting_since:
            words = "等待客户回复：请客户寄回样品和运行记录。"
            notes.append(ServiceNote(request=request, by=worker, at=request.waiting_since, text=words))
        helper = cast[("lisiyuan", "jishu", "zhiliang")[place // 5 % 3]]
        if place % 5 == 0 and helper != worker:
            helpers.append(ServiceHelper(request=request, user=helper, by=worker, at=assigned_at))
            text = "我在同类现场处理过，先看接地和屏蔽层。"
            at = min(assigned_at + timedelta(hours=2), timezone.now())
            notes.append(ServiceNote(request=request, by=helper, at=at, text=text))
    ServiceHelper.objects.bulk_create(helpers)
    ServiceNote.objects.bulk_create(notes)
    User.objects.filter(pk__in=[helper.user_id for helper in helpers]).update(receives_shares=True)


def _timeline_entries(requests: Iterable[ServiceRequest]) -> Iterable[TimelineEntry]:
    for request in requests:
        if request.customer:
            at = request.archived_at or request.handled_at or request.assigned_at or request.created_at
            kind, url = TimelineEntry.Kind.SERVICE, request.get_absolute_url()
            yield TimelineEntry(customer=request.customer, at=at, kind=kind, text=request.timeline_text, url=url)


def _note(case: Case, journal: Journal) -> None:
    """Log the events as the product itself would have."""
    request, worker = case.request, case.request.assignee
    journal.note(
        request.created_at, request.created_by, "服务创建", request,
        编号=request.number, 请求方=request.party, 服务类型=request.kind,
    )  # fmt: skip
    if request.assigned_at:
        journal.note(request.assigned_at, request.assigned_by, "分配", request, 分配给=worker)
    for service_round in case.rounds:
        journal.note(
            service_round.handled_at,
            worker,
            "处理",
            request,
            第几次=service_round.number,
            服务处理=service_round.handling,
        )
        if service_round.closed_at:
            verb = "退回重新处理" if service_round.is_returned else "反馈并归档"
            by = None if service_round.satisfaction_by == GivenBy.CUSTOMER else worker
            journal.note(
                service_round.closed_at,
                by,
                verb,
                request,
                满意度=f"{service_round.satisfaction} 星",
                处理结果=service_round.result,
            )
