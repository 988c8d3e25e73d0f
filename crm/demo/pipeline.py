"""Opportunities of the demo company in every state."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal

from accounts.models import User
from customers.models import Customer
from marketing.models import Opportunity

from . import names, texts
from .clients import Client, Directory, Place, describe, new_client
from .past import past_datetime, workday
from .people import Lexicon
from .stories import Story

UNASSIGNED = 18
# Per opportunity under way, the days of its plan relative to today; those in the first list have a result.
PLANS: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((-12, -5), (0, 6)), ((-9,), (-3, 4, 11)), ((), (1, 5, 9)), ((), ()),  # 周晓明: due today, overdue, coming, no plan
    ((), (0, 4, 9)), ((-16, -8), (-2, 5)), ((-30, -21, -12, -4), ()), ((-6,), (0, 10)),
    ((), ()), ((), (2, 6, 13)), ((-20, -11), (-6, -1)), ((-14, -7), (2, 8)),
    ((-25, -17, -9), ()), ((-5,), (-1, 3)), ((), (1, 8)), ((-18, -10), (4,)),
    ((-11,), (-4, 7)), ((), ()), ((-22, -15, -6), (0, 5)), ((-9, -3), (6, 12)),
    ((), (3, 7, 14)), ((-28, -19, -13, -5), ()),
)  # fmt: skip
ASSIGNEES = (
    "xiaoming", "xiaoming", "xiaoming", "xiaoming", "xiaogang", "xiaogang", "xiaogang", "xiaohong", "xiaohong",
    "xiaohong", "xiaohong", "lisiyuan", "zhanglina", "liuhongwei", "xujing", "xujing", "wuhaitao", "wuhaitao",
    "zhengjiayi", "sunliqun", "lisiyuan", "sunliqun",
)  # fmt: skip
WON_DAYS_AGO = (2, 5, 9, 16, 24, 33, 47, 60, 78, 95, 124, 160, 210, 300)
LOST_DAYS_AGO = (3, 8, 20, 34, 58, 88, 140, 230)
CLOSERS = (
    "xiaoming", "xiaohong", "xiaogang", "xujing", "lisiyuan", "wuhaitao", "zhanglina", "sunliqun", "liuhongwei",
    "zhengjiayi",
)  # fmt: skip
REASSIGNED = {5: "liuhongwei", 12: "xiaogang", 16: "zhengjiayi"}  # opportunity under way: who had it before
# Two opportunities bear the name of a customer: the form says 已是客户, and 开发成功 asks what to do.
KNOWN, KNOWN_CLIENT = 7, 40
NAMESAKE, NAMESAKE_CLIENT = 6, 61


class Pipeline:
    """Builds the unsaved stories of all opportunities."""

    def __init__(self, cast: dict[str, User], lexicon: Lexicon, directory: Directory, clients: list[Client]) -> None:
        self.cast, self.lexicon, self.directory, self.clients = cast, lexicon, directory, clients
        self.rng: random.Random = directory.rng
        self.profile = {person.username: person for person in names.PEOPLE}
        self.used_needs: set[str] = set()

    def stories(self) -> list[Story]:
        return [
            *(self.unassigned(index) for index in range(UNASSIGNED)),
            *(self.under_way(index) for index in range(len(PLANS))),
            *(self.won(index, days_ago) for index, days_ago in enumerate(WON_DAYS_AGO)),
            *(self.lost(index, days_ago) for index, days_ago in enumerate(LOST_DAYS_AGO)),
        ]

    def unassigned(self, index: int) -> Story:
        managers = [person.username for person in names.PEOPLE if person.regions]
        creator = "zhuguan" if index % 6 == 5 else managers[index * 3 % len(managers)]
        organisation = self.clients[KNOWN_CLIENT].place if index == KNOWN else None
        story, _ = self._draft(creator if creator != "zhuguan" else managers[index % len(managers)], organisation)
        story.opportunity.expected_on = workday(self.rng.randint(40, 150))
        days_ago = 1 + index if index < 9 else 2 * index - 6
        return story.create(by=self.cast[creator], at=past_datetime(days_ago, 9 + index % 8, self.rng.randrange(60)))

    def under_way(self, index: int) -> Story:
        done_days, open_days = PLANS[index]
        username = ASSIGNEES[index]
        first = min((*done_days, *open_days, -1))
        story, _ = self._draft(username, self.clients[NAMESAKE_CLIENT].place if index == NAMESAKE else None)
        planned = (1 if first == -1 else -first + 2) if done_days or open_days else 0
        self._open(story, username, planned + index % 3 if planned else index % 2, REASSIGNED.get(index))
        self._plan(story, planned, done_days, open_days)
        if len(done_days) > 1:
            self._reforecast(story, -done_days[-1])
        return story

    def won(self, index: int, days_ago: int) -> Story:
        username = CLOSERS[index % len(CLOSERS)]
        story, place = self._draft(username)
        story.opportunity.success_rate = (60, 70, 80)[index % 3]
        quick = index == 4
        done_days = () if quick else tuple(-days_ago - gap for gap in (31, 22, 13, 5)[index % 2 :])
        self._open(story, username, days_ago + (6 if quick else 40))
        self._plan(story, days_ago + 38, done_days, ())
        if not quick:
            self._reforecast(story, days_ago + 4)
        closed_at = past_datetime(days_ago, 17, self.rng.randrange(50))
        client = new_client(place, self.cast[username], self.lexicon, closed_at)
        if days_ago > 20:
            client.details = describe(client, self.lexicon, self.directory)
            client.details.pop("cooperation_since", None)  # only existing customers have one
            client.completed_at = past_datetime(days_ago - 3, 10, self.rng.randrange(60))
        reason = "客户看过老客户的样板后直接下单，没有经过正式计划。" if quick else ""
        return story.win(client, at=closed_at, reason=reason)

    def lost(self, index: int, days_ago: int) -> Story:
        username = CLOSERS[(index * 3 + 1) % len(CLOSERS)]
        story, _ = self._draft(username)
        self._open(story, username, days_ago + 30)
        self._plan(story, days_ago + 28, (-days_ago - 20, -days_ago - 9), (-days_ago + 2,) if index % 2 else ())
        reason, competitor = texts.LOST_REASONS[index]
        entry = self.lexicon.entry("竞争对手", competitor) if competitor else None
        return story.lose(at=past_datetime(days_ago, 17, self.rng.randrange(50)), reason=reason, competitor=entry)

    def _draft(self, username: str, organisation: Place | None = None) -> tuple[Story, Place]:
        """Return an opportunity that suits this 客户经理, at this organisation or a new one."""
        rng, profile = self.rng, self.profile[username]
        industries = profile.industries if rng.random() < 0.7 else ()
        place = organisation or self.directory.organisation(profile.regions, industries)
        summary, description = self._need(place)
        introducer = self._introducer(username) if rng.random() < 0.15 else None
        sources = ("展会", "网上询价", "电话咨询", "主动拜访", "招标公告")
        amount = Decimal(rng.randint(6, 180)) * 5000
        record = Opportunity(
            source="老客户介绍" if introducer else rng.choice(sources),
            customer_name=place.name,
            success_rate=rng.choice((20, 30, 40, 50, 60, 70, 80)),
            summary=summary,
            contact_name=self.directory.person()[0],
            contact_phone=self.directory.phone(place),
            description=description,
            region=self.lexicon.entry("地区", place.region),
            industry=self.lexicon.entry("行业", place.industry),
            introduced_by=introducer,
            expected_amount=amount if rng.random() < 0.85 else None,
        )
        return Story(record), place

    def _need(self, place: Place) -> tuple[str, str]:
        """Return a need of the trade or else the industry, an unused one as long as there are any."""
        needs = texts.NEEDS.get(place.trade) or texts.NEEDS[place.industry]
        fresh = [need for need in needs if need[0] not in self.used_needs] or list(needs)
        summary, description = self.rng.choice(fresh)
        self.used_needs.add(summary)
        return summary, description.format(n=self.rng.choice((2, 3, 4, 6, 8, 12, 16, 24)))

    def _introducer(self, username: str) -> Customer:
        own = [client.customer for client in self.clients if client.customer.manager == self.cast[username]]
        return self.rng.choice(own)

    def _open(self, story: Story, username: str, days_ago: int, former: str | None = None) -> None:
        """Create, assign two days later, and reassign if there was a former assignee."""
        to = self.cast[username]
        eastern = self.profile[username].department == "华东组"
        supervisor = self.cast["zhaorui" if eastern and self.rng.random() < 0.5 else "zhuguan"]
        creator = supervisor if self.rng.random() < 0.3 else to
        story.opportunity.expected_on = self._expected_on(days_ago)
        story.create(by=creator, at=past_datetime(days_ago + 3, 9, self.rng.randrange(60)))
        assigned_at = past_datetime(days_ago + 1, 11, self.rng.randrange(40))
        if former is None:
            story.assign(to, by=supervisor, at=assigned_at)
            return
        story.assign(self.cast[former], by=self.cast["zhuguan"], at=assigned_at)
        reason = self.rng.choice(texts.REASSIGN_REASONS)
        story.reassign(
            to, by=self.cast["zhuguan"], at=past_datetime(days_ago, 13, self.rng.randrange(40)), reason=reason
        )

    def _expected_on(self, days_ago: int) -> date:
        """Return a day a few weeks from now for recent ones, soon after creation for those closed long ago."""
        return workday(self.rng.randint(8, 70) if days_ago < 45 else self.rng.randint(40, 60) - days_ago)

    def _plan(self, story: Story, days_ago: int, done_days: tuple[int, ...], open_days: tuple[int, ...]) -> None:
        """Add items on these days, in the order of a sale; created days_ago days before today."""
        days = (*done_days, *open_days)
        skipped = self.rng.choice((0, 1)) if len(days) < len(texts.STEPS) - 1 else 0
        for index, day in enumerate(days):
            text, results = texts.STEPS[min(index * 2, index + 3) + skipped]
            text = text.format(who=story.opportunity.contact_name)
            item = story.plan(workday(day), text, at=past_datetime(days_ago, 14, 5 + 3 * index))
            if day in done_days:
                story.execute(item, self.rng.choice(results), at=past_datetime(-day, 16, self.rng.randrange(55)))

    def _reforecast(self, story: Story, days_ago: int) -> None:
        record, rng = story.opportunity, self.rng
        if record.expected_amount is None:
            return
        rate = max(10, min(95, record.success_rate + rng.choice((-10, 10, 15, 20))))
        amount = (
            (record.expected_amount * rng.choice((90, 100, 100, 115)) / 100)
            .quantize(Decimal("1E3"))
            .quantize(Decimal("0.01"))
        )
        at = past_datetime(days_ago, 16, 56) + timedelta(minutes=rng.randrange(3))
        story.forecast(rate, amount, at=at, reason=rng.choice(texts.FORECAST_REASONS))
