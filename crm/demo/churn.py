"""客户流失 of the demo company: losses confirmed long ago, then a real scan and the handling of its warnings."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise

from django.contrib.contenttypes.models import ContentType
from django.utils import timezone

from accounts.models import User
from customers.churn.tasks import scan_now
from customers.models import ChurnCase, Customer, Order, TimelineEntry
from kit.audit.models import AuditEntry
from kit.domain.days import add_months, midnight

from .names import SHOWN_ACCOUNTS
from .past import SATURDAY
from .people import Lexicon
from .texts import CHURN_REASONS, NEVER_BOUGHT

KINDS = dict(zip(CHURN_REASONS, ("需求消失", "其他", "价格"), strict=True))
EASED = 4  # customers whose earlier warning ended by an order
MEASURES = (
    ("拜访", "与设备部负责人面谈：现用库存还够两个月，约好下月初带样机再谈一次。"),
    ("优惠", "寄出年度价目和老客户服务包（免费校验一次），等采购部答复。"),
    ("技术支持", "工程师远程排查了三号线的报警，客户认可；请他们把备件清单发来报价。"),
    ("高层沟通", "请主管约对方分管副总，谈明年框架协议。"),
)
REVIEWS = (14, 0, 45, 30)  # days ahead, per measure; one is due today
LOSS = ("转向竞争对手", "进口品牌", "今年全部改用集团指定的进口品牌，至少两年内不再向我们采购。")
NEVER_BEGUN = ("需求消失", "", NEVER_BOUGHT)
RETURN = "换了设备主管，看过样机后同意恢复采购，先下一批备件。"


def play_churn(cast: dict[str, User], lexicon: Lexicon) -> int:
    """Create the cases, after customers and orders; return how many there are."""
    _past_losses(lexicon)
    _past_warnings()
    scan_now()
    for person in (cast[username] for username in SHOWN_ACCOUNTS):
        if person.has_perm("customers.handle_churncase"):
            _handle(person, lexicon)
    return ChurnCase.objects.count()


def _past_losses(lexicon: Lexicon) -> None:
    """Create the cases of customers that are lost already, from their audit log."""
    customers = Customer.objects.filter(status=Customer.Status.LOST, churn_cases=None).in_bulk()
    entries = AuditEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(Customer), object_id__in=customers, verb="确认流失"
    )
    cases = [_lost_case(customers[entry.object_id or 0], entry, lexicon) for entry in entries]
    ChurnCase.objects.bulk_create(cases)
    TimelineEntry.objects.bulk_create(
        TimelineEntry(
            customer=case.customer,
            at=case.confirmed_at or case.opened_at,
            kind=TimelineEntry.Kind.CHURN,
            text=f"确认流失（{case.lost_kind}）：{case.lost_reason}",
            url=f"{case.get_absolute_url()}#confirmed",
        )
        for case in cases
    )


def _lost_case(customer: Customer, entry: AuditEntry, lexicon: Lexicon) -> ChurnCase:
    reason = str(entry.changes["流失原因"][1])
    kind = KINDS.get(reason, "其他")
    bought = customer.last_purchase_on
    return ChurnCase(
        customer=customer,
        status=ChurnCase.Status.CONFIRMED,
        opened_at=_saturday_before(entry.at, customer.created_at),
        last_purchase_on=bought if bought and bought < timezone.localdate(entry.at) else None,
        confirmed_at=entry.at,
        manager_then_id=entry.actor_id,
        lost_reason=reason,
        lost_kind=lexicon.entry("流失原因", kind),
        competitor=lexicon.entry("竞争对手", "本地供应商") if kind == "价格" else None,
    )


def _past_warnings() -> None:
    """Create the cases that an order ended, from pauses of more than six months between two orders."""
    cases: dict[int, ChurnCase] = {}
    orders = Order.objects.purchases().filter(customer__status=Customer.Status.NORMAL)
    for before, after in pairwise(orders.select_related("customer").order_by("customer", "ordered_at")):
        warned_at = _saturday_after(add_months(timezone.localdate(before.ordered_at), 6))
        if before.customer_id == after.customer_id and warned_at < after.ordered_at and len(cases) < EASED:
            cases[before.customer_id] = ChurnCase(
                customer=before.customer,
                status=ChurnCase.Status.RESOLVED,
                opened_at=warned_at,
                last_purchase_on=timezone.localdate(before.ordered_at),
                closed_at=after.ordered_at,
            )
    ChurnCase.objects.bulk_create(cases.values())
    TimelineEntry.objects.bulk_create(
        TimelineEntry(
            customer=case.customer,
            at=case.closed_at or case.opened_at,
            kind=TimelineEntry.Kind.CHURN,
            text="恢复下单，流失预警已解除",
            url=f"{case.get_absolute_url()}#closed",
        )
        for case in cases.values()
    )


def _saturday_after(day: date) -> datetime:
    """Return 02:00 of the Saturday on or after a day, when the weekly scan runs."""
    return midnight(day + timedelta(days=(SATURDAY - day.weekday()) % 7)) + timedelta(hours=2)


def _saturday_before(at: datetime, earliest: datetime) -> datetime:
    """Return 02:00 of the last Saturday, but not before the customer was created."""
    local = timezone.localtime(at)
    saturday = local - timedelta(days=(local.weekday() - 5) % 7 or 7)
    return max(saturday.replace(hour=2, minute=0), min(earliest, at))


def _handle(person: User, lexicon: Lexicon) -> None:
    """Handle some warnings of a 客户经理: two lost, one of them won back, of the others up to four deferred."""
    own = ChurnCase.objects.open().of_manager(person)
    cases = list(own.select_related("customer__manager").order_by("pk")[:7])
    today = timezone.localdate()
    for case, (kind, text), days in zip(cases[:-2], MEASURES, REVIEWS, strict=False):
        entry = lexicon.entry("暂缓措施", kind)
        case.defer(by=person, kind=entry, text=text, review_on=today + timedelta(days=days))
    for number, case in enumerate(cases[-2:]):
        kind, rival, reason = LOSS if case.last_purchase_on else NEVER_BEGUN
        entry, competitor = lexicon.entry("流失原因", kind), lexicon.entry("竞争对手", rival) if rival else None
        case.confirm(by=person, reason=reason, kind=entry, competitor=competitor)
        if number:
            case.win_back(by=person, note=RETURN)
