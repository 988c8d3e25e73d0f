"""指派 and 分配 of many rows, each to its own person: proposed by a rule, chosen row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from django import forms
from django.core import signing
from django.utils.functional import cached_property

from kit.bulk.page import BulkPage
from kit.lists.filter_drawing import OPTION, SELECTED_OPTION
from kit.pages.forms import CrmForm
from kit.pages.html import format_html_fast, join_html
from kit.sql.row_locks import lock_in_order

from .models import User

SALT = "people proposed"
MAX_CHOICES = 200  # rows for which somebody is chosen one by one
SUGGESTED, OWN, ONE = "suggested", "own", "one"
CELL = (
    '<td class="m-full" data-l="{}"><select class="inp" name="to_{}" aria-label="{}">'
    '<option value="">{}</option>{}</select> <small class="sm">{}</small></td>'
)


class Fit(NamedTuple):
    """How well a person fits a row: a higher rank is better; why is shown beside the name."""

    rank: int = 0
    why: str = ""


class Proposal(NamedTuple):
    user: User
    why: str


def spread(
    rows: Iterable[Any], people: Iterable[User], loads: Mapping[int, int], fit: Callable[[Any, User], Fit]
) -> dict[int, Proposal]:
    """Propose for each row whoever fits best, then the least loaded: what is proposed before counts as load.

    The present assignee of a row is not proposed again.
    """
    loads, people, proposals = Counter(loads), list(people), dict[int, Proposal]()
    for row in rows:
        others = [person for person in people if person.pk != row.assignee_id]
        ranked = [(-fit(row, one).rank, loads[one.pk], one.name, one.pk, one) for one in others]
        if not ranked:
            continue
        best = min(ranked, key=lambda entry: entry[:4])[-1]
        proposals[row.pk] = Proposal(best, fit(row, best).why)
        loads[best.pk] += 1
    return proposals


class AssignEachForm(CrmForm, forms.Form):
    """Who gets which row: what was proposed, signed in `plan`, and over it the choices to_<key> of the rows shown."""

    plan = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, people: Mapping[int, User], proposed: Mapping[int, Proposal], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people, self.proposed = people, proposed
        planned = {str(key): proposal.user.pk for key, proposal in proposed.items()}
        self.initial["plan"] = signing.dumps(planned, salt=SALT, compress=True)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        foreign = {key for key in self.given.values() if key not in self.people}
        if foreign:
            self.add_error(None, "请选择您范围内在职的客户经理。")
        return data

    @cached_property
    def given(self) -> dict[int, int]:
        """Return {row key: user key} as sent; rows for which nobody is chosen are left out."""
        try:
            given = {int(key): person for key, person in signing.loads(self.data.get("plan", ""), salt=SALT).items()}
        except signing.BadSignature:
            given = {}
        for name, value in self.data.items():
            key = name.removeprefix("to_")
            if name.startswith("to_") and is_key(key):
                given.pop(int(key), None)
                if value:
                    given[int(key)] = int(value) if is_key(str(value)) else -1
        return given

    def chosen_for(self, key: int) -> int | None:
        """Return who is chosen for a row, as proposed or as sent."""
        if self.is_bound:
            return self.given.get(key)
        proposal = self.proposed.get(key)
        return proposal.user.pk if proposal else None

    def values(self) -> dict[str, Any]:
        return {name: value for name, value in super().values().items() if name != "plan"}


class ReassignEachForm(AssignEachForm):
    reason = forms.CharField(label="改派原因", max_length=200, widget=forms.Textarea(attrs={"rows": 2}))


def is_key(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19


class PersonPerRow:
    """Who gets which row. A subclass says how people fit, and whose each row is."""

    rule_text: str = ""  # 按建议: by what

    def __init__(self, page: BulkPage) -> None:
        self.page, self.parameters = page, page.request.GET

    def suggest(self, rows: list[Any], people: list[User]) -> dict[int, Proposal]:
        raise NotImplementedError

    def own_person(self, row: Any) -> int | None:
        """Return the key of the 客户经理 whose customer the row is about."""
        raise NotImplementedError

    @cached_property
    def people(self) -> dict[int, User]:
        candidates = self.page.model.candidates(self.page.request.user)  # type: ignore[attr-defined]
        rows = candidates.prefetch_related("regions", "industries").order_by("name", "pk")
        return {person.pk: person for person in rows}

    @property
    def mode(self) -> str:
        mode = self.parameters.get("mode", SUGGESTED)
        return mode if mode in (OWN, ONE) else SUGGESTED

    @property
    def one_person(self) -> User | None:
        key = self.parameters.get("to", "")
        return self.people.get(int(key)) if is_key(key) else None

    def propose(self, rows: list[Any]) -> dict[int, Proposal]:
        if self.mode == ONE and self.one_person:
            return {row.pk: Proposal(self.one_person, "") for row in rows}
        if self.mode == OWN:
            owners = {row.pk: self.people.get(self.own_person(row) or 0) for row in rows}
            return {key: Proposal(owner, "客户的客户经理") for key, owner in owners.items() if owner}
        return self.suggest(rows, list(self.people.values()))

    def form_options(self, rows: list[Any]) -> dict[str, Any]:
        return {"people": self.people, "proposed": self.propose(rows)}

    def context(self, rows: list[Any], form: AssignEachForm) -> dict[str, Any]:
        numbers = Counter(form.chosen_for(row.pk) for row in rows)
        modes = [(SUGGESTED, "按建议"), (OWN, "各归各的客户经理")]
        return {
            "modes": [(label, self.mode_url(mode), mode == self.mode) for mode, label in modes],
            "shares": [(person, numbers[key]) for key, person in self.people.items() if numbers[key]],
            "nobody": numbers[None],
            "people": list(self.people.values()),
            "to_one": self.one_person if self.mode == ONE else None,
            "rule_text": self.rule_text,
        }

    def mode_url(self, mode: str) -> str:
        query = self.parameters.copy()
        query["mode"] = mode
        return f"?{query.urlencode()}"

    def cell(self, row: Any, form: AssignEachForm) -> str:
        """Return the cell in which somebody is chosen; the present assignee is not offered."""
        chosen, proposal, verb = form.chosen_for(row.pk), form.proposed.get(row.pk), self.page.verb
        options = join_html(
            format_html_fast(SELECTED_OPTION if key == chosen else OPTION, key, person.name)
            for key, person in self.people.items()
            if key != row.assignee_id
        )
        why = proposal.why if proposal and proposal.user.pk == chosen else ""
        return format_html_fast(CELL, f"{verb}给", row.pk, f"{verb}给：{row}", f"暂不{verb}", options, why)

    def lock(self, rows: list[Any], form: AssignEachForm) -> None:
        given = {form.given[row.pk] for row in rows if row.pk in form.given}
        lock_in_order(*(self.people[key] for key in given))

    def arguments(self, row: Any, form: AssignEachForm) -> dict[str, Any] | None:
        person = form.given.get(row.pk)
        return None if person is None else {"to": self.people[person], **form.values()}
