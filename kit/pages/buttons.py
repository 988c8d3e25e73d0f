"""Buttons of a record: what it calls, and whether the user may now, are the transition's or guard's own words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import models

from kit.domain.actor import Actor
from kit.domain.urls import record_url
from kit.domain.verdict import ALLOWED, Verdict
from kit.transitions import Guard


@dataclass(frozen=True)
class Button:
    """A link to the page of a transition; its verdict shows, disables or hides it.

    do: None for a page that whoever sees the record may open. label: only where it is not the transition's.
    """

    do: Guard | None  # Opportunity.assign, or a guard such as Opportunity.can_plan
    icon: str
    url_name: str  # of the page; the record's key is its only argument
    style: str = ""  # CSS class of the button
    dialog: bool = False  # whether htmx opens the page in the dialog
    label: str = ""
    in_menu: bool = False  # whether lists keep it under ⋯
    at_once: bool = False  # whether it posts without a question, as what it does can be taken back

    def __post_init__(self) -> None:
        if not self.label and self.do is not None:
            object.__setattr__(self, "label", self.do.label)

    def verdict(self, record: models.Model, user: Actor) -> Verdict:
        return self.do.verdict(record, user) if self.do is not None else ALLOWED

    def url(self, record: Any) -> str:
        return record_url(self.url_name, record.pk)


class Control(NamedTuple):
    """A button as shown to one user for one record."""

    action: Button
    url: str
    allowed: bool
    reason: str  # why it is disabled; empty when allowed


def controls(buttons: tuple[Button, ...], record: models.Model, user: Actor) -> list[Control]:
    """Return the controls to show: without the permission none, otherwise enabled or disabled with the reason."""
    visible = []
    for button in buttons:
        verdict = button.verdict(record, user)
        if not verdict.hidden:
            visible.append(Control(button, button.url(record), bool(verdict), verdict.reason))
    return visible
