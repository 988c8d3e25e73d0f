"""Pages with a AskingForm: the check is repeated under lock before saving."""

from __future__ import annotations

from typing import Any

from django.db.models import Model
from django.http import HttpResponse

from ..forms.known import AskingForm, DuplicateAppeared


class Asking:
    """Mix into a FormView with an AskingForm."""

    request: Any

    def perform(self, record: Model, form: AskingForm) -> Any:
        form.check_again()
        return super().perform(record, form)  # type: ignore[misc]

    def send(self, record: Model, form: AskingForm) -> HttpResponse:
        """Report a duplicate that appeared during the save like one that was there before."""
        try:
            return super().send(record, form)  # type: ignore[misc]
        except DuplicateAppeared:
            new_form: Any = self.make_form(record, self.request.POST)  # type: ignore[attr-defined]
            if new_form.is_valid():
                new_form.add_error(None, "刚刚有人改动了相近的客户，还没有保存，请再次保存。")
            return self.show(record, new_form, 409)  # type: ignore[attr-defined]
