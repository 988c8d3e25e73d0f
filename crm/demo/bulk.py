"""Many opportunities and customers for benchmarks: plain rows without history, inserted in batches."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from typing import TypeVar

from django.contrib.auth.hashers import make_password
from django.db import connection, models, transaction
from django.utils import timezone

from accounts.models import Department, Role, User
from accounts.roles.shipped import ACCOUNT_MANAGER, SALES_SUPERVISOR
from basedata.models import DictionaryEntry, reserve_numbers
from customers.contacts.search_text import write_contact_texts
from customers.models import NUMBER_PREFIX, Contact, Customer, Ownership
from customers.names import normalize, other_readings, pinyin
from customers.records.search_text import write_customer_texts
from kit.audit.log import log_event
from marketing.models import Opportunity, PlanItem

from . import names, texts
from .people import shipped_roles

M = TypeVar("M", bound=models.Model)
DEPARTMENTS = 10
MANAGERS = 50
BATCH = 5000
DAYS = 1000  # how far back the oldest row lies
STATES = {"unassigned": 10, "assigned": 25, "won": 40, "lost": 25}  # percent


def generate(opportunities: int, customers: int, password: str, say: Callable[[str], None]) -> None:
    """Add so many rows in one transaction; report progress to say."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA cache_size = -400000")  # kB: the indexes stay in memory while they grow
    with transaction.atomic():
        Generator(password, say).run(opportunities, customers)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


class Generator:
    def __init__(self, password: str, say: Callable[[str], None]) -> None:
        self.rng, self.say, self.now = random.Random(1), say, timezone.now()  # noqa: S311 - no secrets
        self.supervisor, self.managers = bench_people(password)
        self.entries: dict[str, list[DictionaryEntry]] = {}
        for entry in DictionaryEntry.objects.all():
            self.entries.setdefault(entry.category, []).append(entry)
        self.customers: dict[int, list[int]] = {}  # keys by 客户经理

    def run(self, opportunities: int, customers: int) -> None:
        self._save(Customer, self._new_customers(customers), self._keep_customers)
        rows = (self._opportunity(index) for index in range(opportunities))
        self._save(Opportunity, rows, self._plan)
        log_event(None, "新建", None, text="基准数据", 销售机会=opportunities, 客户=customers)

    def _save(self, model: type[M], rows: Iterator[M], follow: Callable[[list[M]], None]) -> None:
        count = 0
        while batch := list(islice(rows, BATCH)):
            model._default_manager.bulk_create(batch)
            follow(batch)
            count += len(batch)
            self.say(f"{model._meta.verbose_name} {count}")

    def _new_customers(self, count: int) -> Iterator[Customer]:
        for number in reserve_numbers(NUMBER_PREFIX, count) if count else []:
            parts, manager = self._name(), self.rng.choice(self.managers)
            name = f"{''.join(parts)}{number[-6:]}有限公司"
            sounds = [part_pinyin(part) for part in (*parts, number[-6:], "有限公司")]
            yield Customer(
                number=number,
                external_number=f"BM{number}",
                name=name,
                region_id=self._entry("地区").pk,
                industry_id=self._entry("行业").pk,
                level_id=self._entry("客户等级").pk,
                manager_id=manager.pk,
                satisfaction=self.rng.randint(1, 5),
                credit=self.rng.randint(1, 5),
                address=f"{parts[0]}市{self.rng.choice(names.STREETS)} {self.rng.randint(1, 400)} 号",
                phone=f"010-5555 {self.rng.randrange(10_000):04d}",
                name_normalized=normalize(name),
                name_pinyin="".join(full for full, _ in sounds),
                name_initials="".join(initials for _, initials in sounds),
                name_readings=other_readings(name) or None,
                created_by_id=manager.pk,
                created_at=self._past(DAYS),
            )

    def _keep_customers(self, batch: list[Customer]) -> None:
        Ownership.objects.bulk_create(
            Ownership(customer_id=customer.pk, manager_id=customer.manager_id, since=customer.created_at)
            for customer in batch
        )
        Contact.objects.bulk_create(
            Contact(
                customer_id=customer.pk,
                name=self.rng.choice(names.SURNAMES) + self.rng.choice(names.MALE),
                position=self.rng.choice(names.POSITIONS),
                office_phone=f"010-5555 {self.rng.randrange(10_000):04d}",
                is_primary=True,
            )
            for customer in batch
        )
        keys = [customer.pk for customer in batch]
        write_customer_texts(keys)
        write_contact_texts(keys)
        for customer in batch:
            self.customers.setdefault(customer.manager_id, []).append(customer.pk)

    def _opportunity(self, index: int) -> Opportunity:
        rng = self.rng
        status = rng.choices(list(STATES), list(STATES.values()))[0]
        manager = rng.choice(self.managers)
        industry = self._entry("行业")
        summary, description = rng.choice(texts.NEEDS.get(industry.item, ALL_NEEDS))
        row = Opportunity(
            source="展会",
            customer_name=f"{''.join(self._name())}{index:06d}有限公司",
            success_rate=rng.randrange(0, 101, 5),
            summary=summary,
            description=description.format(n=rng.randint(2, 40)),
            contact_name=rng.choice(names.SURNAMES) + rng.choice(names.MALE),
            contact_phone=f"010-5555 {rng.randrange(10_000):04d}",
            region_id=self._entry("地区").pk,
            industry_id=industry.pk,
            expected_amount=Decimal(rng.randint(10, 2000) * 1000),
            created_by_id=manager.pk,
            created_at=self._past(180 if status in Opportunity.OPEN else DAYS),
        )
        self._bring_to(row, status, manager)
        return row

    def _bring_to(self, row: Opportunity, status: str, manager: User) -> None:
        """Set the status; a won one needs a customer of the 客户经理, without any it stays assigned."""
        if status == Opportunity.Status.UNASSIGNED:
            return
        row.status, row.assignee_id, row.assigned_by_id = status, manager.pk, self.supervisor.pk
        row.assigned_at = row.created_at + timedelta(days=1)
        if status == Opportunity.Status.WON and not self.customers.get(manager.pk):
            row.status = Opportunity.Status.ASSIGNED
        if row.status in Opportunity.CLOSED:
            row.closed_at = row.created_at + timedelta(days=self.rng.randint(10, 90))
        if row.status == Opportunity.Status.WON:
            row.customer_id = self.rng.choice(self.customers[manager.pk])
        elif row.status == Opportunity.Status.LOST:
            row.lost_reason = self.rng.choice(texts.LOST_REASONS)[0]

    def _plan(self, batch: list[Opportunity]) -> None:
        """Add two items to each assigned opportunity, the first one done in half of them."""
        today = timezone.localdate(self.now)
        items = []
        for row in batch:
            if row.status == Opportunity.Status.ASSIGNED:
                is_done = self.rng.random() < 0.5
                before, after = self.rng.randint(1, 20), self.rng.randint(0, 20)
                items += [
                    PlanItem(
                        opportunity_id=row.pk,
                        on=today - timedelta(days=before),
                        text=texts.STEPS[0][0].format(who=row.contact_name),
                        result=texts.STEPS[0][1][0] if is_done else "",
                        executed_at=self.now - timedelta(days=before) if is_done else None,
                        executed_by_id=row.assignee_id if is_done else None,
                    ),
                    PlanItem(opportunity_id=row.pk, on=today + timedelta(days=after), text=texts.STEPS[3][0]),
                ]
        PlanItem.objects.bulk_create(items)

    def _name(self) -> tuple[str, str, str]:
        city = self.rng.choice(CITIES)
        return city, self.rng.choice(names.BRANDS), self.rng.choice(names.TRADES)[0]

    def _entry(self, category: str) -> DictionaryEntry:
        return self.rng.choice(self.entries[category])

    def _past(self, days: int) -> datetime:
        return self.now - timedelta(minutes=self.rng.randrange(days * 24 * 60))


CITIES = [city for places in names.CITIES.values() for city, *_ in places]
ALL_NEEDS = [need for needs in texts.NEEDS.values() for need in needs]
part_pinyin = lru_cache(maxsize=1000)(pinyin)


def bench_people(password: str) -> tuple[User, list[User]]:
    """Return bench_supervisor over ten departments, and bench_manager_1 … 50; create missing ones."""
    top, _ = Department.objects.get_or_create(name="基准销售部", parent=None)
    teams = [
        Department.objects.get_or_create(name=f"基准{number:02d}组", parent=top)[0]
        for number in range(1, DEPARTMENTS + 1)
    ]
    supervisor = User(username="bench_supervisor", name="基准主管", department=top)
    managers = [
        User(username=f"bench_manager_{number}", name=f"基准经理{number}", department=teams[number % DEPARTMENTS])
        for number in range(1, MANAGERS + 1)
    ]
    roles, hashed = shipped_roles(), make_password(password or None)
    _save_people([supervisor], roles[SALES_SUPERVISOR], hashed)
    return (
        User.objects.get(username=supervisor.username),
        _save_people(managers, roles[ACCOUNT_MANAGER], hashed),
    )


def _save_people(people: Iterable[User], role: Role, hashed: str) -> list[User]:
    for user in people:
        user.is_demo, user.password = True, hashed
    User.objects.bulk_create(
        people, update_conflicts=True, unique_fields=["username"], update_fields=["password", "is_demo"]
    )
    users = list(User.objects.filter(username__in=[user.username for user in people]).order_by("pk"))
    role.user_set.add(*users)
    return users
