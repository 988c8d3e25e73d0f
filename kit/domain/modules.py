"""A module of the product says once what it is; the roof lists the modules, and all others read them here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from django.db import models

from .actor import Actor
from .search_words import SearchQuery

Person = TypeVar("Person", bound=Actor)  # the product's users; the floor does not know their class
Person_contra = TypeVar("Person_contra", bound=Actor, contravariant=True)
Hook = TypeVar("Hook")


@dataclass(frozen=True)
class MenuItem:
    """One line of the menu.

    counter: the name of the number beside it in Waiting.counts; urgent: that number is always red, else only while
    there is a number of the name <counter>_due. section: the module under whose name the line stands, if not under
    its own; after: the URL name of the line it follows there, else it stands last. needs: a permission without which
    the page opens and is always empty.
    """

    label: str
    url_name: str
    permission: str
    counter: str = ""
    urgent: bool = False
    section: str = ""
    after: str = ""
    needs: str = ""

    @property
    def permissions(self) -> set[str]:
        return {self.permission, self.needs} - {""}


@dataclass(frozen=True)
class PagePermission:
    """A page whose permission is asked inside it, so that its class does not tell.

    permission: several are parted by |, any one of them is enough. for_writers: a role that edits nobody's records
    reads only, whatever permission it holds.
    """

    title: str
    permission: str
    for_writers: bool = False


@dataclass(frozen=True)
class Chapter:
    """A part of the help page. order: its place among those of all modules."""

    template: str
    order: int


@dataclass(frozen=True)
class Waiting(Generic[Person]):
    """Work that waits for a user, as querysets to be counted.

    counts: the numbers of the menu, {counter: rows}; depends_on: the scopes which decide them, so that a statement can
    be kept; todo and late: everything the home page lists, and what of it is late.
    """

    counts: Callable[[Person], Mapping[str, models.QuerySet[models.Model]]]
    depends_on: Callable[[Person], Sequence[tuple[models.Q, ...] | None]]
    todo: Callable[[Person], Sequence[models.QuerySet[models.Model]]]
    late: Callable[[Person], Sequence[models.QuerySet[models.Model]]]


@dataclass(frozen=True)
class Step:
    """Something to do next with a record: a page to open."""

    label: str
    url: str
    icon: str


@dataclass(frozen=True)
class Hit:
    """A record that a search found. title, why: HTML, the words marked in it; steps: for the best hit."""

    record: models.Model
    title: str
    why: str
    steps: tuple[Step, ...] = ()

    @property
    def address(self) -> str:
        return self.record.get_absolute_url()  # type: ignore[attr-defined]  # of every record that is found


@dataclass(frozen=True)
class HitGroup:
    """Records of one kind, best first.

    group: the heading they share with other kinds, if not their own title; narrow: to their list, filtered alike.
    """

    title: str
    icon: str
    hits: Sequence[Hit]
    group: str = ""
    has_more: bool = False
    narrow: Step | None = None

    @property
    def heading(self) -> str:
        return self.group or self.title


@dataclass(frozen=True)
class Action:
    """Something that can be begun from anywhere: the form it opens."""

    label: str
    url_name: str
    permission: str
    icon: str = "plus"


@dataclass(frozen=True)
class Search(Generic[Person]):
    """The module's share of the global search.

    find: what in view the words find, at most so many of each kind; find_pages: (words, URL) of lists that the text
    names.
    """

    find: Callable[[Person, SearchQuery, int], Sequence[HitGroup]]
    find_pages: Callable[[Person, str], Sequence[tuple[str, str]]] | None = None


class MoveWork(Protocol[Person_contra]):
    """Move a user's work to another; return how many records moved. Call in a transaction."""

    def __call__(self, person: Person_contra, to: Person_contra, *, by: Person_contra, reason: str) -> int: ...


@dataclass(frozen=True)
class Leaving(Generic[Person]):
    """Work that a user who leaves hands over. left_by: figures of it, of which the first is what move() moves."""

    name: str
    label: str
    left_by: Callable[[Person], Sequence[tuple[str, int]]]
    move: MoveWork[Person]

    def in_hand(self, person: Person) -> int:
        """Return how many records wait for a successor."""
        return self.left_by(person)[0][1]


class PersonalTexts(Protocol):
    """A personal.py: which texts of the module may name a contact, and which never do."""

    @property
    def PARTS(self) -> tuple[object, ...]: ...

    @property
    def IMPERSONAL(self) -> Mapping[type[models.Model], tuple[str, ...]]: ...


@dataclass(frozen=True)
class Module(Generic[Person]):
    """An app as its users know it. name: its label in Django, with which its permissions begin.

    order: its place in the menu and among permissions, where those of administration stand behind the others.
    notified: models that notifications are about. other_labels: further apps whose permissions stand under its name.
    subjects: {model: name} for permissions that a model declares for want of a better place.
    pages: {URL name: permission} where the page itself asks. record_pages: {URL name of a list: that of the page of a
    record} where the page does not stand below the list. lends: named hooks for modules below, see lent().
    imports: kinds of records that sheets bring in, see kit/imports/kinds.py.
    """

    name: str
    label: str
    icon: str = ""
    order: int = 0
    menu: tuple[MenuItem, ...] = ()
    waiting: Waiting[Person] | None = None
    notified: tuple[type[models.Model], ...] = ()
    search: Search[Person] | None = None
    personal: PersonalTexts | None = None
    leaving: Leaving[Person] | None = None
    actions: tuple[Action, ...] = ()
    help: tuple[Chapter, ...] = ()
    administration: bool = False
    other_labels: tuple[str, ...] = ()
    subjects: Mapping[str, str] = field(default_factory=dict)
    pages: Mapping[str, PagePermission] = field(default_factory=dict)
    record_pages: Mapping[str, str] = field(default_factory=dict)
    lends: tuple[object, ...] = ()
    imports: tuple[object, ...] = ()


class ModulesNotReady(RuntimeError):
    """Somebody asked for the modules before the roof had handed them over."""


_modules: list[Module[Any]] = []


def set_modules(every: Iterable[Module[Any]]) -> None:
    """Take over the modules of the product, from low to high: once in a process, by crm/apps.py."""
    if _modules:
        raise RuntimeError("The modules are set already.")
    _modules.extend(every)


def modules() -> tuple[Module[Any], ...]:
    """Return the modules, from low to high."""
    if not _modules:
        raise ModulesNotReady("The modules are known after django.setup(): crm/apps.py sets them in ready().")
    return tuple(_modules)


def lent(kind: type[Hook]) -> list[Hook]:
    """Return the hooks of one kind that modules lend to a lower one, which declares the kind and calls them."""
    return [hook for module in modules() for hook in module.lends if isinstance(hook, kind)]
