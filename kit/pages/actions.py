"""Actions on a record: one declaration draws the button and its reason, one view performs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import models
from django.http import HttpRequest, HttpResponse

from kit.domain.actor import Actor
from kit.domain.urls import record_url
from kit.domain.verdict import Verdict

from .forms import ConfirmForm
from .records import FormView


@dataclass(frozen=True)
class Action:
    """A button for one verb of a model; the record's can_<verb>(user) shows, disables or hides it."""

    verb: str
    label: str
    icon: str
    url_name: str  # of the ActionView; the record's key is its only argument
    style: str = ""  # CSS class of the button
    dialog: bool = False  # whether htmx opens the page in the dialog

    def verdict(self, record: models.Model, user: Actor) -> Verdict:
        return getattr(record, f"can_{self.verb}")(user)

    def url(self, record: models.Model) -> str:
        return record_url(self.url_name, record.pk)


class Control(NamedTuple):
    """An action as shown to one user for one record."""

    action: Action
    url: str
    allowed: bool
    reason: str  # why it is disabled; empty when allowed


def controls(actions: tuple[Action, ...], record: models.Model, user: Actor) -> list[Control]:
    """Return the controls to show: without the permission none, otherwise enabled or disabled with the reason."""
    visible = []
    for action in actions:
        verdict = action.verdict(record, user)
        if not verdict.hidden:
            visible.append(Control(action, action.url(record), bool(verdict), verdict.reason))
    return visible


class ActionView(FormView):
    """Validate the form, call record.<action>(by=user, **values) and redirect; errors show the form again.

    A subclass declares action, and form_class unless the action only needs confirming; besides what FormView reads.
    With a question the page is a dialog: the question, the record, the consequence, 取消 and 确定.
    """

    action: str  # method of the model; its guard is can_<action>
    form_class: Any = ConfirmForm
    question: str = ""  # text of the confirmation dialog
    danger: bool = False  # whether the button is red

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        record = self.get_record()
        self.verdict(record).enforce()
        return self.show(record, self.make_form(record))

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        record = self.get_record()
        form = self.make_form(record, request.POST)
        return self.send(record, form) if form.is_valid() else self.invalid(record, form)

    def invalid(self, record: Any, form: Any) -> HttpResponse:
        self.verdict(record).enforce()
        return self.show(record, form)

    def verdict(self, record: Any) -> Verdict:
        return getattr(record, f"can_{self.action}")(self.request.user)

    def perform(self, record: Any, form: Any) -> Any:
        return getattr(record, self.action)(by=self.request.user, **form.values())

    def check_still_visible(self, result: Any) -> None:
        """Allow it: a transition such as 改派 may move the record out of the user's view."""
