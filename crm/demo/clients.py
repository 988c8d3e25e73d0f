"""Customers of the demo company with their contacts."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.models import User
from basedata.models import reserve_numbers
from customers.importing import with_derived_names
from customers.models import NUMBER_PREFIX, Contact, Customer, Ownership
from customers.names import normalize, pinyin
from customers.validators import code_check_character
from kit.audit.log import display_value, list_differences

from . import names
from .past import Journal, moment
from .people import Lexicon
from .texts import CHURN_REASONS

CUSTOMERS = 186  # besides those born of 开发成功
INCOMPLETE = range(0, 186, 23)  # which of them lack required data
LOST = range(5, 186, 17)
GROUPS = 6  # how many have branches
LEVELS = {"普通客户": 46, "重点开发客户": 26, "大客户": 16, "合作伙伴": 8, "战略合作伙伴": 4}


@dataclass
class Place:
    """Where an organisation sits and what it does: enough to name it and to reach it."""

    name: str
    city: str
    area_code: str
    postcode: str
    region: str
    trade: str
    industry: str


@dataclass
class Client:
    customer: Customer
    place: Place
    contacts: list[Contact] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)  # filled in later by an edit, when completed_at is set
    completed_at: datetime | None = None


class Directory:
    """Invents organisations and persons, never the same organisation twice."""

    def __init__(self, rng: random.Random) -> None:
        self.rng, self.taken = rng, set[str]()

    def organisation(self, regions: Iterable[str], industries: Iterable[str] = ()) -> Place:
        rng, wanted = self.rng, set(industries)
        while True:
            region = rng.choice(list(regions))
            city, area_code, postcode = rng.choice(names.CITIES[region])
            trade, industry = rng.choice([pair for pair in names.TRADES if not wanted or pair[1] in wanted])
            name = f"{city}{rng.choice(names.BRANDS)}{trade}有限公司"
            if normalize(name) not in self.taken:
                self.taken.add(normalize(name))
                return Place(name, city, area_code, postcode, region, trade, industry)

    def phone(self, place: Place) -> str:
        """A number of a block that is not given out."""
        block = "5555" if len(place.area_code) == 3 else "555"
        return f"{place.area_code}-{block} {self.rng.randrange(10_000):04d}"

    def person(self) -> tuple[str, str]:
        """(name, gender)."""
        gender = self.rng.choice((Contact.Gender.MALE, Contact.Gender.MALE, Contact.Gender.FEMALE))
        given = names.MALE if gender == Contact.Gender.MALE else names.FEMALE
        return self.rng.choice(names.SURNAMES) + self.rng.choice(given), gender

    def contacts(self, client: Client, count: int) -> Iterator[Contact]:
        rng, known = self.rng, {contact.name for contact in client.contacts}
        while count:
            name, gender = self.person()
            if name in known:
                continue
            known.add(name)
            count -= 1
            yield Contact(
                customer=client.customer,
                name=name,
                gender=gender,
                position=rng.choice(names.POSITIONS),
                office_phone=self.phone(client.place),
                mobile=f"120555{rng.randrange(100_000):05d}" if rng.random() < 0.8 else "",
                email=f"{pinyin(name)[0]}@{_host(client.customer)}" if rng.random() < 0.5 else "",
                preferred_channel=rng.choice(("", *Contact.Channel.values[:3])),
                note=rng.choice(names.CONTACT_NOTES) if rng.random() < 0.2 else "",
                is_primary=not client.contacts and len(known) == 1,
            )


def _host(customer: Customer) -> str:
    return f"{customer.name_initials[:12]}.example"


def existing_clients(cast: dict[str, User], lexicon: Lexicon, directory: Directory) -> list[Client]:
    """Customers the company had already, spread over the 客户经理 by their regions; not saved yet."""
    rng = directory.rng
    keepers = [person for person in names.PEOPLE if person.regions]
    clients = []
    for index in range(CUSTOMERS):
        keeper = keepers[index % len(keepers)]
        place = directory.organisation(keeper.regions, keeper.industries if rng.random() < 0.6 else ())
        client = new_client(place, cast[keeper.username], lexicon, moment(rng.randint(4, 380), 10, rng.randrange(60)))
        client.customer.external_number = f"XS{10200 + index}" if rng.random() < 0.7 else ""
        details = describe(client, lexicon, directory)
        partial = index in INCOMPLETE
        for name, value in details.items():
            if not partial or name in ("phone", "level", "legal_representative"):
                setattr(client.customer, name, value)
        client.contacts += directory.contacts(client, rng.choice((1, 1, 2, 2, 3, 4)))
        clients.append(client)
    for index in LOST:
        clients[index].customer.status = Customer.Status.LOST
    return clients


def new_client(place: Place, manager: User, lexicon: Lexicon, created_at: datetime) -> Client:
    """As 开发成功 makes it: name, region, industry, 客户经理."""
    customer = Customer(
        name=place.name,
        region=lexicon.entry("地区", place.region),
        industry=lexicon.entry("行业", place.industry),
        manager=manager,
        created_by=manager,
        created_at=created_at,
    )
    return Client(with_derived_names(customer), place)


def describe(client: Client, lexicon: Lexicon, directory: Directory) -> dict[str, Any]:
    """What a filled-in form holds besides, some of the optional fields left empty."""
    rng, customer, place = directory.rng, client.customer, client.place
    code = f"9199{rng.randrange(10**13):013d}"
    optional = {
        "postcode": place.postcode,
        "fax": directory.phone(place),
        "website": f"https://www.{_host(customer)}",
        "legal_representative": directory.person()[0],
        "bank": f"{rng.choice(names.BANKS)}{place.city}分行",
        "bank_account": f"9900{rng.randrange(10**15):015d}",
        "license_number": code + code_check_character(code),
        "registered_capital": Decimal(rng.choice((200, 500, 1000, 3000, 5000, 12000))),
        "annual_turnover": Decimal(rng.randint(8, 900)) * 100,
        "cooperation_since": timezone.localdate(customer.created_at) - timedelta(days=rng.randint(0, 2500)),
    }
    kept = rng.choice((0.4, 0.8, 1.0))
    return {
        "level": lexicon.entry("客户等级", rng.choices(list(LEVELS), list(LEVELS.values()))[0]),
        "satisfaction": rng.choices((2, 3, 4, 5), (1, 3, 8, 5))[0],
        "credit": rng.choices((1, 2, 3, 4, 5), (1, 2, 6, 8, 4))[0],
        "address": f"{place.city}市{rng.choice(names.STREETS)} {rng.randint(1, 480)} 号",
        "phone": directory.phone(place),
        **{name: value for name, value in optional.items() if rng.random() < kept},
    }


def save_clients(clients: list[Client], journal: Journal, rng: random.Random) -> None:
    """Inserts customers, first owners and contacts, and tells how they came about."""
    _number(clients)
    Customer.objects.bulk_create(client.customer for client in clients)
    _join_groups([client.customer for client in clients[:CUSTOMERS]], rng)
    Ownership.objects.bulk_create(
        Ownership(customer=c.customer, manager=c.customer.manager, since=c.customer.created_at) for c in clients
    )
    Contact.objects.bulk_create(contact for client in clients for contact in client.contacts)
    for client in clients:
        _tell(client, journal, rng)


def _number(clients: list[Client]) -> None:
    """Numbers of the day each customer was made on."""
    by_day: dict[Any, list[Customer]] = {}
    for client in sorted(clients, key=lambda one: one.customer.created_at):
        by_day.setdefault(timezone.localdate(client.customer.created_at), []).append(client.customer)
    for day, customers in by_day.items():
        for customer, number in zip(customers, reserve_numbers(NUMBER_PREFIX, len(customers), on=day), strict=True):
            customer.number = number


def _join_groups(customers: list[Customer], rng: random.Random) -> None:
    """A few customers of one 客户经理 get a common 上级单位, itself a customer."""
    for head in customers[:GROUPS]:
        others = [one for one in customers if one.manager_id == head.manager_id and one is not head]
        for branch in rng.sample(others, rng.randint(1, 3)):
            branch.parent = head
    Customer.objects.bulk_update([one for one in customers if one.parent_id], ["parent"])


def _tell(client: Client, journal: Journal, rng: random.Random) -> None:
    customer, by, at = client.customer, client.customer.manager, client.customer.created_at
    journal.note(at, by, "新建", customer, 客户编号=customer.number, 客户经理=by)
    for position, contact in enumerate(client.contacts):
        journal.note(at + timedelta(minutes=4 * position), by, "新建", contact, 客户=customer)
    if client.completed_at:
        complete(client, journal)
    if customer.status == Customer.Status.LOST:
        age = (timezone.now() - at).days
        lost_at = moment(rng.randint(2, max(age - 2, 2)), 15)
        journal.note(max(lost_at, at), by, "确认流失", customer, 流失原因=rng.choice(CHURN_REASONS))


def complete(client: Client, journal: Journal) -> None:
    """The 客户经理 fills in what a customer born of 开发成功 lacked."""
    customer = client.customer
    before = {name: display_value(customer, name) for name in client.details}
    for name, value in client.details.items():
        setattr(customer, name, value)
    customer.version += 1
    customer.save()
    found = list_differences(customer, before, client.details)
    journal.note(client.completed_at or customer.created_at, customer.manager, "编辑", customer, changes=found)
