"""Forms that ask before a record is made that may be here already."""

from __future__ import annotations

from typing import Any

from django import forms

from kit.pages.forms import RecordForm

from ..beyond import CheckPaused
from ..likeness import Match, Sought, ask


class DuplicateAppeared(Exception):
    """Between the check and the save somebody made what is now the same: the form has to ask again."""


class AskingForm(RecordForm):
    """Names what is like the new record; the hidden answer says of which the sender was told."""

    confirm_existing = forms.CharField(label="已知道，仍要保存", required=False, widget=forms.HiddenInput)
    answers_beyond = True  # whether a match may lie beyond the sender's view, so that answers are counted
    matches: list[Match]

    def __init__(self, *args: Any, user: Any = None, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)
        self.matches = []

    def own_names(self) -> list[str]:
        return [name for name in super().own_names() if name != "confirm_existing"]

    def values(self) -> dict[str, Any]:
        return {name: value for name, value in super().values().items() if name != "confirm_existing"}

    @property
    def told(self) -> set[str]:
        """The keys of the matches that the sender was shown."""
        return set(self.cleaned_data.get("confirm_existing", "").split())

    @property
    def answered(self) -> set[str]:
        """The keys of the matches that the sender knows and saves beside."""
        return self.told

    def fresh(self, name: str) -> str:
        """A value that is new here: of a new record each, of another what was changed."""
        is_new = self.instance.pk is None or name in self.changed_data
        return str(self.cleaned_data.get(name) or "").strip() if is_new and name not in self.errors else ""

    def sought(self) -> Sought:
        raise NotImplementedError

    def find(self) -> list[Match]:
        raise NotImplementedError

    def look(self) -> list[Match]:
        """What the sender has to be told before it is saved; saved is nothing while the check is paused."""
        if not any(self.sought()):
            return []
        try:
            self.matches = ask(self.user, self.find, self.answered) if self.answers_beyond else self.unanswered()
        except CheckPaused as paused:
            self.add_error(None, str(paused))
        if self.matches:
            self.data = self.data.copy()
            self.data["confirm_existing"] = " ".join(sorted(self.answered | {match.key for match in self.matches}))
        return self.matches

    def hold(self) -> None:
        """Keeps what is compared as it is to the end of the transaction."""
        raise NotImplementedError

    def unanswered(self) -> list[Match]:
        return [match for match in self.find() if match.key not in self.answered]

    def check_again(self) -> None:
        """Once more, with nobody else between this and the save. Call in the transaction that saves."""
        if any(self.sought()):
            self.hold()
            if self.unanswered():
                raise DuplicateAppeared
