"""All tables together: how they are read, and the world all of them stand on."""

from __future__ import annotations

from types import ModuleType
from typing import Any, NamedTuple

from tests.permissions import accounts, basedata, crm, customers, marketing, reports, services
from tests.permissions.world import PEOPLE, World

# In the order in which they add to the world: each may use what those before it made.
APPS: dict[str, ModuleType] = {
    "marketing": marketing,
    "customers": customers,
    "services": services,
    "reports": reports,
    "basedata": basedata,
    "accounts": accounts,
    "crm": crm,
}
HEAD = ["address", "record", "verb", *(person[:4] for person in PEOPLE)]


class Row(NamedTuple):
    """One line of a table: {person: answer} at one address, with one kind of record and one verb."""

    name: str
    record: str
    verb: str
    answers: dict[str, str]


def read(table: str) -> list[Row]:
    """Return the lines of a table; a head other than HEAD or a line with too few or too many cells is an error."""
    head, *lines = (line.split() for line in table.splitlines() if line)
    if head != HEAD:
        raise ValueError(f"{head} instead of {HEAD}")
    return [Row(name, record, verb, dict(zip(PEOPLE, cells, strict=True))) for name, record, verb, *cells in lines]


TABLES = {app: read(module.TABLE) for app, module in APPS.items()}
ROWS = [row for rows in TABLES.values() for row in rows]
# Answers other than 302 and 204 of requests that write.
WRITING = {pair for module in APPS.values() for pair in module.WRITING}


def make_world(company: Any) -> World:
    """Return one record of each kind, all in the manager's hands, and what to post at them."""
    world = World(company)
    for module in APPS.values():
        module.make(world)
    return world


def records_of(name: str) -> list[str]:
    """Return the kinds of records the tables try this address with."""
    return list(dict.fromkeys(row.record for row in ROWS if row.name == name))


def people_who(name: str, record: str, verb: str, *statuses: str) -> list[str]:
    """Return the people who get one of these answers there."""
    row = next((row for row in ROWS if row[:3] == (name, record, verb)), None)
    return [person for person, answer in row.answers.items() if answer in statuses] if row else []
