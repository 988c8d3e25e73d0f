"""docs/architecture.md says through which functions a list passes: each is called, for the first time in that order."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from django.urls import reverse

from tests import factories

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parent.parent
ROW = re.compile(r"^\| \d+ \| `([\w.]+)`.*? \| `([\w/.]+)` \|", re.MULTILINE)


def rows_of(heading: str) -> list[tuple[str, str]]:
    """Return (file, function) of the table under a heading."""
    _, _, below = (ROOT / "docs/architecture.md").read_text(encoding="utf-8").partition(f"### {heading} ")
    return [(file, function) for function, file in ROW.findall(below.partition("\n#")[0])]


def called_by(act: Callable[[], Any]) -> list[tuple[str, str]]:
    """Return (file, function) of the product's functions in the order of their first calls."""
    seen: dict[tuple[str, str], None] = {}

    def note(frame: FrameType, event: str, _: Any) -> None:
        path = frame.f_code.co_filename
        if event == "call" and path.startswith(f"{ROOT}/") and "/.venv/" not in path:
            seen.setdefault((path[len(f"{ROOT}/") :], frame.f_code.co_qualname))

    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(None)
    return list(seen)


@pytest.mark.parametrize(
    ("heading", "page"), [("机会", "marketing:opportunity_list"), ("客户", "customers:customer_list")]
)
def test_a_list_passes_through_the_functions_of_its_table_in_their_order(heading, page, company, sign_in):
    factories.opportunity(company.manager, region=factories.entry("地区", "东北"))
    factories.CustomerFactory(manager=company.manager)
    client = sign_in(company.supervisor)
    client.get(reverse(page))  # what is compiled or cached once
    called = called_by(lambda: client.get(reverse(page)))
    table = rows_of(heading)
    assert 30 <= len(table) <= 40
    assert [row for row in table if row not in called] == []
    assert sorted(table, key=called.index) == table
