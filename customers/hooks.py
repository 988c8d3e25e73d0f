"""Named hooks by which modules above customers add to them; lent in their module.py, see kit/domain/modules.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from django.db import models

    from accounts.models import User
    from kit.sql.id_sets import IdSet
    from kit.undo.journal import Journal

    from .records.duplicates import Match, SearchTerms
    from .records.models import Customer


class Figure(NamedTuple):
    """A figure in the head of a customer's page. url: its rows, which add up to it; empty where there are none."""

    label: str
    value: str
    unit: str
    note: str = ""
    url: str = ""
    tone: str = ""  # of the note


class Card(NamedTuple):
    """A card on a customer's page: its template, what the template calls card, and its figure in the page's head."""

    template: str
    facts: Mapping[str, Any]
    figure: Figure | None = None


class FollowCustomers(Protocol):
    """Move a module's open work along with customers that were moved; former: customer id to its owner before.

    It runs in the transaction that moves the customers, after that has locked them.
    """

    def __call__(self, former: Mapping[int, int], to: User, *, by: User, reason: str) -> int: ...


@dataclass(frozen=True)
class RecordsOfCustomers:
    """Records of a higher module that hang on customers.

    shown_to: ids of customers that a user sees because of their work; rows: of one customer, which keep it from being
    deleted; set_owner: names the customers' owner in the rows; follow: moves open work with a transferred customer;
    watch: notes before it what that may touch, each row by its customer, so that it can be taken back.
    """

    label: str
    shown_to: Callable[[User], IdSet]
    rows: Callable[[Customer], models.QuerySet[models.Model]]
    set_owner: Callable[[Iterable[int], User], None]
    follow: FollowCustomers
    watch: Callable[[Journal, list[int], User], None]


@dataclass(frozen=True)
class WorkCard:
    """A card about work for the customer, below their orders, with its figure. draw: None without the permission."""

    draw: Callable[[Customer, User], Card | None]


@dataclass(frozen=True)
class HeadFigure:
    """A figure about open work for the customer, in the head of their page. draw: None without the permission."""

    draw: Callable[[Customer, User], Figure | None]


@dataclass(frozen=True)
class OriginCard:
    """A card about where the customer came from."""

    draw: Callable[[Customer, User], Card | None]


@dataclass(frozen=True)
class LeadForm:
    """The form that makes a lead of an organisation which is no customer yet.

    url: its URL, filled in with customer_name, summary and description; empty without the permission.
    """

    url: Callable[[User, Mapping[str, str]], str]


@dataclass(frozen=True)
class KnownLeads:
    """Open leads that an organisation being entered as a customer may be. matches: what the user may learn of them."""

    matches: Callable[[SearchTerms, User], list[Match]]


@dataclass(frozen=True)
class BulkChanges:
    """Changes of many customers that reach into subjects above the record: written in merging/, begun by Customer."""

    transfer: Callable[..., int]
    reclassify: Callable[..., int]
    merge: Callable[..., None]


class TrackRecord(NamedTuple):
    """How often alerts were right, in sentences, and the page that shows it."""

    sentences: tuple[str, ...]
    url: str


@dataclass(frozen=True)
class AlertRecord:
    """Whether past alerts were worth it. describe: None without the permission, and while nothing can be said."""

    describe: Callable[[User], TrackRecord | None]
