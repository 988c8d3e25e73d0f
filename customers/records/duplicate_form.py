"""Forms that ask for confirmation before a possible duplicate is saved."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.http import QueryDict

from kit.pages.forms import CrmForm
from kit.sql.transactions import in_transaction

from .duplicates import Match, SearchTerms, find_unconfirmed
from .lookup_limits import CheckPaused


class DuplicateAppeared(Exception):
    """Another user created a possible duplicate between check and save: the form has to ask again."""


class DuplicateCheckForm(CrmForm, forms.ModelForm):
    """A record's form that reports possible duplicates; a hidden field carries the keys of those shown."""

    versioned = True

    confirm_existing = forms.CharField(label="已知道，仍要保存", required=False, widget=forms.HiddenInput)
    answers_beyond = True  # matches may be outside the user's view, so that they are counted
    matches: list[Match]

    def __init__(self, *args: Any, user: Any = None, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)
        self.matches = []

    def own_field_names(self) -> list[str]:
        return [name for name in super().own_field_names() if name != "confirm_existing"]

    def values(self) -> dict[str, Any]:
        return {name: value for name, value in super().values().items() if name != "confirm_existing"}

    @property
    def shown_keys(self) -> set[str]:
        """Return the keys of the matches that the user was shown."""
        return set(self.cleaned_data.get("confirm_existing", "").split())

    @property
    def confirmed_keys(self) -> set[str]:
        """Return the keys of the matches beside which the user wants to save."""
        return self.shown_keys

    def fresh(self, name: str) -> str:
        """Return a valid value if it is new or changed, else an empty text."""
        is_new = self.instance.pk is None or name in self.changed_data
        return str(self.cleaned_data.get(name) or "").strip() if is_new and name not in self.errors else ""

    def sought(self) -> SearchTerms:
        """Return the new and changed values to compare."""
        raise NotImplementedError

    def find(self) -> list[Match]:
        """Return all possible duplicates."""
        raise NotImplementedError

    def look(self) -> list[Match]:
        """Return the matches to confirm before saving; add an error while the check is paused."""
        if not any(self.sought()):
            return []
        try:
            self.matches = (
                find_unconfirmed(self.user, self.find, self.confirmed_keys)
                if self.answers_beyond
                else self.unconfirmed()
            )
        except CheckPaused as paused:
            self.add_error(None, str(paused))
        if self.matches:
            keys = self.confirmed_keys | {match.key for match in self.matches}
            data = cast(QueryDict, self.data).copy()
            data["confirm_existing"] = " ".join(sorted(keys))
            self.data = data
        return self.matches

    def hold(self) -> None:
        """Lock the compared rows to the end of the transaction."""
        raise NotImplementedError

    def unconfirmed(self) -> list[Match]:
        return [match for match in self.find() if match.key not in self.confirmed_keys]

    @in_transaction
    def check_again(self) -> None:
        """Check under lock, in the transaction that saves; raise DuplicateAppeared for new matches."""
        if any(self.sought()):
            self.hold()
            if self.unconfirmed():
                raise DuplicateAppeared
