"""The page of a second save on an older version: what it shows, and what it would send."""

from __future__ import annotations

from tests.html import Source, find, find_all, form, text, values

SIDES = ("mine", "theirs")


def form_values(page: Source, *, choose: dict[str, str] | None = None) -> dict[str, str | list[str]]:
    """Return what a browser would send for the page's main form, radios picked by choose={name: "mine"|"theirs"}."""
    sent = values(page)
    for name, side in (choose or {}).items():
        pair = find_all(form(page), f'input[type=radio][name="{name}"]')
        sent[name] = dict(zip(SIDES, (radio.get("value", "") for radio in pair), strict=True))[side]
    return sent


def rows(page: Source) -> dict[str, list[str]]:
    """Return {label: [mine, stored, opened]} of what differs."""
    found = {}
    for row in find_all(page, "table.diff tbody tr"):
        label, *cells = find_all(row, "td")
        found[text(find(label, "b"))] = [text(_value(cell)) for cell in cells]
    return found


def _value(cell: Source) -> Source:
    marked = find_all(cell, "mark")  # without the words of the choice beside it
    return marked[0] if marked else cell
