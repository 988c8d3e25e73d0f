"""One opportunity's history, built step by step as its transitions would have left it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.contenttypes.models import ContentType

from accounts.models import Notification, User
from basedata.models import DictionaryEntry
from customers.models import Contact
from marketing.models import ForecastChange, Opportunity, PlanItem

from .clients import Client
from .past import Journal

NEWS_DAYS = 14  # older notifications are left out


class Story:
    """Collects an unsaved opportunity, its items, its events and its notifications.

    The steps mirror the methods of Opportunity and PlanItem: same fields, same verbs, same facts. A test compares them.
    """

    def __init__(self, opportunity: Opportunity) -> None:
        self.opportunity = opportunity
        self.items: list[PlanItem] = []
        self.forecasts: list[ForecastChange] = []
        self.events: list[tuple[datetime, User, str, dict[str, Any]]] = []
        self.notices: list[tuple[datetime, User, str]] = []
        self.client: Client | None = None  # created by 开发成功

    def create(self, *, by: User, at: datetime) -> Story:
        record = self.opportunity
        record.created_by, record.created_at = by, at
        self._log(at, by, "新建", 客户名称=record.customer_name, 成功机率=f"{record.success_rate}%")
        return self

    def assign(self, to: User, *, by: User, at: datetime) -> Story:
        self._hand_to(to, by, at)
        self.opportunity.status = Opportunity.Status.ASSIGNED
        self._log(at, by, "指派", 指派给=to)
        self.notices.append((at, to, f"{by} 将机会「{self.opportunity.summary}」指派给您"))
        return self

    def reassign(self, to: User, *, by: User, at: datetime, reason: str) -> Story:
        former, summary = self.opportunity.assignee, self.opportunity.summary
        assert former is not None
        self._hand_to(to, by, at)
        self._log(at, by, "改派", 指派给=(former, to), 原因=reason)
        self.notices.append((at, former, f"{by} 将机会「{summary}」改派给 {to}：{reason}"))
        self.notices.append((at, to, f"{by} 将机会「{summary}」改派给您：{reason}"))
        return self

    def plan(self, on: date, text: str, *, at: datetime) -> PlanItem:
        item = PlanItem(opportunity=self.opportunity, on=on, text=text)
        self.items.append(item)
        self._log(at, self.assignee, "制定计划", 计划项=item.dated_text())
        return item

    def execute(self, item: PlanItem, result: str, *, at: datetime) -> Story:
        item.result, item.executed_at, item.executed_by, item.version = result, at, self.assignee, 1
        self._log(at, self.assignee, "填写执行效果", 计划项=item.text, 执行效果=("", result))
        return self

    def forecast(self, success_rate: int, expected_amount: Decimal, *, at: datetime, reason: str) -> Story:
        record, by = self.opportunity, self.assignee
        former_rate, former_amount, on = record.success_rate, record.expected_amount, record.expected_on
        record.success_rate, record.expected_amount = success_rate, expected_amount
        record.version += 1
        self.forecasts.append(
            ForecastChange(
                opportunity=record, at=at, by=by, reason=reason,
                former_success_rate=former_rate, success_rate=success_rate,
                former_expected_amount=former_amount, expected_amount=expected_amount,
                former_expected_on=on, expected_on=on,
            )
        )  # fmt: skip
        changes = {"成功机率": (former_rate, success_rate), "预计金额": (former_amount, expected_amount)}
        changes = {label: pair for label, pair in changes.items() if pair[0] != pair[1]}
        self._log(at, by, "更新预测", changes={**changes, "原因": reason})
        return self

    def win(self, client: Client, *, at: datetime, reason: str = "") -> Story:
        """client: the customer it became, to be saved before the opportunity."""
        record = self.opportunity
        if record.contact_name:
            client.contacts.append(
                Contact(
                    customer=client.customer,
                    name=record.contact_name,
                    office_phone=record.contact_phone,
                    is_primary=True,
                )
            )
        self.client, record.customer, record.win_reason = client, client.customer, reason
        self._close(Opportunity.Status.WON, at)
        facts = {"客户": client.customer, "成功说明": reason}
        self._log(at, self.assignee, "开发成功", changes={label: fact for label, fact in facts.items() if fact})
        return self

    def lose(self, *, at: datetime, reason: str, competitor: DictionaryEntry | None) -> Story:
        self.opportunity.lost_reason, self.opportunity.competitor = reason, competitor
        self._close(Opportunity.Status.LOST, at)
        facts = {"竞争对手": competitor} if competitor else {}
        self._log(at, self.assignee, "终止开发", 失败原因=reason, **facts)
        return self

    @property
    def assignee(self) -> User:
        assert self.opportunity.assignee is not None
        return self.opportunity.assignee

    def _hand_to(self, to: User, by: User, at: datetime) -> None:
        record = self.opportunity
        record.assignee, record.assigned_at, record.assigned_by = to, at, by
        record.version += 1

    def _close(self, status: str, at: datetime) -> None:
        self.opportunity.status, self.opportunity.closed_at = status, at
        self.opportunity.version += 1

    def _log(self, at: datetime, by: User, verb: str, **facts: Any) -> None:
        self.events.append((at, by, verb, facts))


def save_stories(stories: list[Story], journal: Journal, now: datetime) -> None:
    """Insert the opportunities with items, forecasts and events; their customers are saved already."""
    stories.sort(key=lambda story: story.opportunity.created_at)
    Opportunity.objects.bulk_create(story.opportunity for story in stories)
    PlanItem.objects.bulk_create(item for story in stories for item in story.items)
    ForecastChange.objects.bulk_create(change for story in stories for change in story.forecasts)
    for story in stories:
        for at, by, verb, facts in story.events:
            journal.note(at, by, verb, story.opportunity, **facts)
    _notify(stories, now)


def _notify(stories: list[Story], now: datetime) -> None:
    """Insert recent notifications; those older than a few days are read."""
    content_type = ContentType.objects.get_for_model(Opportunity)
    news = sorted(
        ((at, person, text, story) for story in stories for at, person, text in story.notices if _recent(at, now)),
        key=lambda entry: entry[0],
    )
    Notification.objects.bulk_create(
        Notification(
            recipient=person,
            text=text[:300],
            content_type=content_type,
            object_id=story.opportunity.pk,
            created_at=at,
            read_at=at + timedelta(hours=2) if now - at > timedelta(days=4) else None,
        )
        for at, person, text, story in news
    )


def _recent(at: datetime, now: datetime) -> bool:
    return now - at < timedelta(days=NEWS_DAYS)
