"""Customers of the demo company with their contacts."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.models import User
from basedata.models import reserve_numbers
from customers.contacts.search_text import write_contact_texts
from customers.imports.importing import with_derived_names
from customers.models import NUMBER_PREFIX, Contact, Customer, Ownership
from customers.names import normalize, pinyin
from customers.records.search_text import write_customer_texts
from customers.validators import code_check_character
from kit.audit.log import display_value, list_differences

from . import names
from .past import Journal, past_datetime
from .people import Lexicon
from .texts import CHURN_REASONS, NEVER_BOUGHT

CUSTOMERS = 186  # besides those created by 开发成功
INCOMPLETE = range(0, 186, 23)  # indexes of those without required data
LOST = range(5, 186, 17)
GROUPS = 6  # how many have branches
LEVELS = {"普通客户": 46, "重点开发客户": 26, "大客户": 16, "合作伙伴": 8, "战略合作伙伴": 4}


@dataclass
class Place:
    """An organisation's name, place and industry."""

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
    loss: tuple[datetime, str] | None = None  # when and why its loss was confirmed, as far as it bought anything


class Directory:
    """Invents organisations and persons, never the same organisation twice."""

    def __init__(self, rng: random.Random) -> None:
        self.rng, self.used_names = rng, set[str]()

    def organisation(self, regions: Iterable[str], industries: Iterable[str] = ()) -> Place:
        rng, allowed = self.rng, set(industries)
        while True:
            region = rng.choice(list(regions))
            city, area_code, postcode = rng.choice(names.CITIES[region])
            trade, industry = rng.choice([pair for pair in names.TRADES if not allowed or pair[1] in allowed])
            name = f"{city}{rng.choice(names.BRANDS)}{trade}有限公司"
            if normalize(name) not in self.used_names:
                self.used_names.add(normalize(name))
                return Place(name, city, area_code, postcode, region, trade, industry)

    def phone(self, place: Place) -> str:
        """Return a number of a block that is not assigned."""
        block = "5555" if len(place.area_code) == 3 else "555"
        return f"{place.area_code}-{block} {self.rng.randrange(10_000):04d}"

    def person(self) -> tuple[str, str]:
        """Return (name, gender)."""
        gender = self.rng.choice((Contact.Gender.MALE, Contact.Gender.MALE, Contact.Gender.FEMALE))
        given_names = names.MALE if gender == Contact.Gender.MALE else names.FEMALE
        return self.rng.choice(names.SURNAMES) + self.rng.choice(given_names), gender

    def contacts(self, client: Client, count: int) -> Iterator[Contact]:
        rng, used_names = self.rng, {contact.name for contact in client.contacts}
        while count:
            name, gender = self.person()
            if name in used_names:
                continue
            used_names.add(name)
            count -= 1
            contact = Contact(
                customer=client.customer,
                name=name,
                gender=gender,
                position=rng.choice(names.POSITIONS),
                office_phone=self.phone(client.place),
                mobile=f"120555{rng.randrange(100_000):05d}" if rng.random() < 0.8 else "",
                email=f"{pinyin(name)[0]}@{_host(client.customer)}" if rng.random() < 0.5 else "",
                preferred_channel=rng.choice(("", *Contact.Channel.values[:3])),
                note=rng.choice(names.CONTACT_NOTES) if rng.random() < 0.2 else "",
                is_primary=not client.contacts and len(used_names) == 1,
            )
            _say_how_known(contact)
            yield contact


def _say_how_known(contact: Contact) -> None:
    """Add 角色 and 微信号; some people are known by their 微信号 alone, as after a first talk."""
    rng = random.Random(f"{contact.customer.name} {contact.name}")  # noqa: S311 - invented data, as it always was
    contact.role = names.ROLES.get(contact.position, "")
    if rng.random() < 0.6 or contact.preferred_channel == Contact.Channel.WECHAT:
        contact.wechat = f"yanshi_{pinyin(contact.name)[0]}"
    if contact.wechat and not contact.is_primary and rng.random() < 0.15:
        contact.position = contact.office_phone = contact.mobile = contact.email = ""
        contact.role, contact.preferred_channel = "", Contact.Channel.WECHAT


def _host(customer: Customer) -> str:
    return f"{customer.name_initials[:12]}.example"


def existing_clients(cast: dict[str, User], lexicon: Lexicon, directory: Directory) -> list[Client]:
    """Return unsaved existing customers, spread over the 客户经理 by their regions."""
    rng = directory.rng
    managers = [person for person in names.PEOPLE if person.regions]
    clients = []
    for index in range(CUSTOMERS):
        manager = managers[index % len(managers)]
        place = directory.organisation(manager.regions, manager.industries if rng.random() < 0.6 else ())
        client = new_client(
            place, cast[manager.username], lexicon, past_datetime(rng.randint(4, 380), 10, rng.randrange(60))
        )
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
    """Return a customer as 开发成功 creates it: name, region, industry, 客户经理."""
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
    """Return values for the other fields of the form, some optional ones left empty."""
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
    probability = rng.choice((0.4, 0.8, 1.0))
    return {
        "level": lexicon.entry("客户等级", rng.choices(list(LEVELS), list(LEVELS.values()))[0]),
        "satisfaction": rng.choices((2, 3, 4, 5), (1, 3, 8, 5))[0],
        "credit": rng.choices((1, 2, 3, 4, 5), (1, 2, 6, 8, 4))[0],
        "address": f"{place.city}市{rng.choice(names.STREETS)} {rng.randint(1, 480)} 号",
        "phone": directory.phone(place),
        **{name: value for name, value in optional.items() if rng.random() < probability},
    }


def save_clients(clients: list[Client], journal: Journal, rng: random.Random) -> None:
    """Insert customers, first owners and contacts, and log their creation."""
    _number(clients)
    Customer.objects.bulk_create(client.customer for client in clients)
    _join_groups([client.customer for client in clients[:CUSTOMERS]], rng)
    Ownership.objects.bulk_create(
        Ownership(customer=c.customer, manager=c.customer.manager, since=c.customer.created_at) for c in clients
    )
    Contact.objects.bulk_create(contact for client in clients for contact in client.contacts)
    keys = [client.customer.pk for client in clients]
    write_customer_texts(keys)
    write_contact_texts(keys)
    for client in clients:
        _log_creation(client, journal, rng)


def _number(clients: list[Client]) -> None:
    """Number the customers by the day of their creation."""
    by_day: dict[date, list[Customer]] = {}
    for client in sorted(clients, key=lambda client: client.customer.created_at):
        by_day.setdefault(timezone.localdate(client.customer.created_at), []).append(client.customer)
    for day, customers in by_day.items():
        for customer, number in zip(customers, reserve_numbers(NUMBER_PREFIX, len(customers), on=day), strict=True):
            customer.number = number


def _join_groups(customers: list[Customer], rng: random.Random) -> None:
    """Give a few customers of one 客户经理 a common 上级单位, itself a customer."""
    for head in customers[:GROUPS]:
        others = [customer for customer in customers if customer.manager_id == head.manager_id and customer is not head]
        for branch in rng.sample(others, rng.randint(1, 3)):
            branch.parent = head
    Customer.objects.bulk_update([customer for customer in customers if customer.parent_id], ["parent"])


def _log_creation(client: Client, journal: Journal, rng: random.Random) -> None:
    customer, by, at = client.customer, client.customer.manager, client.customer.created_at
    journal.note(at, by, "新建", customer, 客户编号=customer.number, 客户经理=by)
    for position, contact in enumerate(client.contacts):
        journal.note(at + timedelta(minutes=4 * position), by, "新建", contact, 客户=customer)
    if client.completed_at:
        complete(client, journal)
    if customer.status == Customer.Status.LOST:
        age = (timezone.now() - at).days
        lost_at = past_datetime(rng.randint(2, max(age - 2, 2)), 15)
        client.loss = max(lost_at, at), rng.choice(CHURN_REASONS)


def log_losses(clients: list[Client], journal: Journal) -> None:
    """Log the losses once the orders are known: who never bought anything cannot have stopped buying."""
    for client in clients:
        if client.loss:
            at, reason = client.loss
            has_bought = client.customer.orders.exists()
            by = client.customer.manager
            journal.note(at, by, "确认流失", client.customer, 流失原因=reason if has_bought else NEVER_BOUGHT)


def complete(client: Client, journal: Journal) -> None:
    """Fill in, as the 客户经理, the fields that a customer of 开发成功 lacked."""
    customer = client.customer
    before = {name: display_value(customer, name) for name in client.details}
    for name, value in client.details.items():
        setattr(customer, name, value)
    customer.version += 1
    customer.save()
    changes = list_differences(customer, before, client.details)
    journal.note(client.completed_at or customer.created_at, customer.manager, "编辑", customer, changes=changes)
