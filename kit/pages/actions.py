"""Actions on a record: one declaration draws the button and its reason, one view carries it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse

from kit.domain.urls import record_url
from kit.domain.verdict import Verdict

from .forms import ConfirmForm
from .records import FormView


@dataclass(frozen=True)
class Action:
    """A verb of a record: can_<verb> decides whether its control is shown, disabled with the reason, or hidden."""

    verb: str
    label: str
    icon: str
    url_name: str
    style: str = ""
    dialog: bool = False

    def verdict(self, record: Any, user: Any) -> Verdict:
        return getattr(record, f"can_{self.verb}")(user)

    def url(self, record: Any) -> str:
        return record_url(self.url_name, record.pk)


class Control(NamedTuple):
    """An action as drawn for one record and one person."""

    action: Action
    url: str
    allowed: bool
    reason: str


def controls(actions: tuple[Action, ...], record: Any, user: Any) -> list[Control]:
    """The actions to draw: those without the right are left out, those refused carry the reason."""
    visible = []
    for action in actions:
        verdict = action.verdict(record, user)
        if not verdict.hidden:
            visible.append(Control(action, action.url(record), bool(verdict), verdict.reason))
    return visible


class ActionView(FormView):
    """One POST view per action: checks the form, calls the record's method, goes back; errors redraw the form.

    Without fields it is a question: title, the named record, the consequence, 取消 and 确定.
    """

    action: str
    form_class: Any = ConfirmForm
    question: str = ""
    danger: bool = False

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
        """Transitions may move a record out of one's own view (改派): that is their purpose."""
