"""Departments and accounts of the demo company, and the dictionary as its other parts need it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.hashers import make_password

from accounts.models import Department, Role, User
from basedata.models import DictionaryEntry

from .names import DEPARTMENTS, PEOPLE, Person
from .past import Journal, past_datetime

FOUNDED = 420  # days before today


class Lexicon:
    """Dictionary entries by category and text; missing ones are created."""

    def __init__(self) -> None:
        self.entries = {(entry.category, entry.item): entry for entry in DictionaryEntry.objects.all()}

    def entry(self, category: str, item: str) -> DictionaryEntry:
        if (category, item) not in self.entries:
            used_values = {entry.value for (name, _), entry in self.entries.items() if name == category}
            value = next(str(number) for number in range(1, 1000) if str(number) not in used_values)
            self.entries[category, item] = DictionaryEntry.objects.create(category=category, item=item, value=value)
        return self.entries[category, item]


def create_departments(journal: Journal) -> dict[str, Department]:
    """Return departments by name; existing ones are used as they are."""
    by_name: dict[str, Department] = {}
    for name, parent_name in DEPARTMENTS.items():
        parent = by_name[parent_name] if parent_name else None
        by_name[name], is_new = Department.objects.get_or_create(name=name, parent=parent)
        if is_new:
            journal.note(past_datetime(FOUNDED, 9), None, "新建", by_name[name])
    return by_name


def create_people(password: str, lexicon: Lexicon, journal: Journal) -> dict[str, User]:
    """Create the accounts and return them by username. One password, hashed once: hashing is slow on purpose."""
    departments, hashed = create_departments(journal), make_password(password)
    User.objects.bulk_create(
        User(
            username=person.username,
            name=person.name,
            department=departments[person.department],
            mobile=f"1205550{number:04d}",
            password=hashed,
            is_demo=True,
            date_joined=past_datetime(FOUNDED, 9, 30),
        )
        for number, person in enumerate(PEOPLE, start=1)
    )
    cast = {user.username: user for user in User.objects.filter(is_demo=True).select_related("department")}
    roles = shipped_roles()
    for person in PEOPLE:
        _equip(cast[person.username], person, roles[person.role], lexicon)
        journal.note(past_datetime(FOUNDED, 9, 30), None, "新建", cast[person.username], 角色=roles[person.role].name)
    return cast


def shipped_roles() -> dict[str, Role]:
    rows: Any = Role.objects  # the stubs take a Group's child for a Group
    return rows.in_bulk(field_name="code")


def _equip(user: User, person: Person, role: Role, lexicon: Lexicon) -> None:
    user.groups.add(role)
    user.regions.set(lexicon.entry("地区", item) for item in person.regions)
    user.industries.set(lexicon.entry("行业", item) for item in person.industries)
