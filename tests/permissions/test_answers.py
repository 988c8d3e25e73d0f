"""Who gets what at every address: role × address × verb, and nothing of a hidden row in any answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from django.urls import reverse

from kit.audit.export_conditions import EXPORT_VERB
from kit.audit.models import AuditEntry
from tests import html
from tests.permissions.asking import SECRETS, ask, snapshot, url_of
from tests.permissions.tables import HEAD, ROWS, TABLES, Row, read
from tests.walks import Address, addresses

pytestmark = [pytest.mark.django_db, pytest.mark.walk]
OPEN_TO_ALL = {"login", "setup", "healthz", "readyz", "rate"}  # and static files, which have no name
# Each question leaves the world as it was, so a dozen rows share one: making it takes longer than asking.
DOZENS = [(app, rows[start : start + 12]) for app, rows in TABLES.items() for start in range(0, len(rows), 12)]
IDS = [f"{app}: {' '.join(rows[0][:3])} …" for app, rows in DOZENS]


def menus_without_home(body: str) -> list[Any]:
    """Return the menus of a page that do not lead home."""
    menus = html.find_all(body, "nav.nav") if "<html" in body else []
    return [menu for menu in menus if reverse("home") not in html.urls(menu)]


@pytest.mark.parametrize("rows", [rows for _, rows in DOZENS], ids=IDS)
def test_every_address_answers_each_role_as_its_table_says(rows, world, sign_in):
    wrong, leaks, writes, unlinked = [], [], [], []
    browsers = {person: sign_in(user).cookies if user else None for person, user in world.people.items()}
    for row in rows:
        asked = row[:3]
        for person, wanted in row.answers.items():
            answer = ask(browsers[person], world, *asked)
            if answer.status != wanted:
                wrong.append((*asked, person, f"{answer.status} instead of {wanted}"))
            if answer.status == "404":
                leaks += [(asked, person, word) for word in (*SECRETS, world.customer.number) if word in answer.body]
            if answer.wrote:
                writes.append((asked, person))
            unlinked += [(asked, person) for _ in menus_without_home(answer.body)]
    assert wrong == []
    assert unlinked == []
    assert leaks == []
    assert writes == []  # who was refused left every row identical


# The tables hold every address once


def missing(tables: dict[str, list[Row]]) -> set[str]:
    """Return the addresses outside the admin that stand in no table."""
    outside_admin = {name for name, route, _ in addresses() if not route.startswith("admin/")}
    return outside_admin - {row.name for rows in tables.values() for row in rows}


def shared(tables: dict[str, list[Row]]) -> list[str]:
    """Return the addresses that stand in two tables."""
    counted = Counter(name for rows in tables.values() for name in {row.name for row in rows})
    return [name for name, count in counted.items() if count > 1]


def app_of(address: Address) -> str:
    """Return the app whose code answers; what Django itself and the floor answer belongs to the frame."""
    module = getattr(address.callback, "view_class", address.callback).__module__
    package = module.split(".")[0]
    return "crm" if package in ("django", "kit") else package


def test_no_address_is_missing_from_all_tables():
    assert missing(TABLES) == set()


def test_no_address_stands_in_two_tables():
    assert shared(TABLES) == []


def test_no_line_of_a_table_stands_there_twice():
    assert [asked for asked, count in Counter(row[:3] for row in ROWS).items() if count > 1] == []


def test_an_address_stands_in_the_table_of_the_app_that_answers_it():
    answering = {address.name: app_of(address) for address in addresses()}
    assert [(row.name, app) for app, rows in TABLES.items() for row in rows if answering[row.name] != app] == []


def test_every_address_of_the_tables_is_tried_with_both_verbs():
    tried = {(row.name, row.verb) for row in ROWS}
    assert [row.name for row in ROWS if not {(row.name, "GET"), (row.name, "POST")} <= tried] == []


# Visitors


def test_only_the_named_addresses_are_open_without_signing_in():
    assert {row.name for row in ROWS if row.answers["anonymous"] != "in"} == OPEN_TO_ALL


def test_static_files_are_served_without_signing_in(settings, client):
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True
    response = client.get("/static/css/tokens.css")
    assert response.status_code == 200
    assert response["X-Content-Type-Options"] == "nosniff"


# Executives


def test_an_executive_writes_nothing_wherever_they_post(world, sign_in):
    client = sign_in(world.people["executive"])
    before = snapshot()
    own = {"login", "logout", "setup", "accounts:password", "accounts:theme", "accounts:density"}
    own |= {"accounts:view_create", "accounts:view_choose"}  # lists as oneself wants them; views of others stay
    own |= {"accounts:profile_edit", "accounts:session_end_others", "notifications_mail"}
    own |= {"notifications_read", "reports:monthly_review", "reports:monthly_return"}  # the only thing executives write
    for row in ROWS:
        if row.verb == "POST" and row.name not in own:
            client.post(url_of(row.name, row.record, world), world.values)
    after, taken = snapshot(), set(AuditEntry.objects.filter(verb=EXPORT_VERB).values_list("pk", flat=True))
    after["audit.AuditEntry"] = [row for row in after["audit.AuditEntry"] if row[0] not in taken]  # to take is no write
    assert after == before


# Controls: each search sees the fault it looks for


def without(tables: dict[str, list[Row]], names: Iterable[str]) -> dict[str, list[Row]]:
    return {app: [row for row in rows if row.name not in names] for app, rows in tables.items()}


def test_control_a_missing_address_and_one_in_two_tables_are_seen():
    assert missing(without(TABLES, ["home", "customers:customer_list"])) == {"home", "customers:customer_list"}
    twice = next(row for row in TABLES["customers"] if row.name == "import")
    assert shared({**TABLES, "crm": [*TABLES["crm"], twice]}) == ["import"]


@pytest.mark.parametrize(
    "table",
    [
        f"{' '.join(HEAD)}\nhome - GET in 200",
        f"{' '.join(HEAD)}\nhome - GET {'200 ' * 11}",
        f"{' '.join(HEAD[:-2])} nobo exec\nhome - GET {'200 ' * 10}",
    ],
    ids=["too few cells", "too many cells", "people in another order"],
)
def test_control_a_table_that_does_not_fit_its_head_is_refused(table):
    with pytest.raises(ValueError, match=r"argument|instead of"):
        read(table)


def test_control_a_menu_that_does_not_lead_home_is_seen(company, sign_in):
    body = sign_in(company.nobody).get(reverse("help")).content.decode()
    assert len(html.find_all(body, "nav.nav")) == 2
    assert menus_without_home(body) == []
    assert len(menus_without_home(body.replace(f'href="{reverse("home")}"', 'href="/elsewhere/"'))) == 2
