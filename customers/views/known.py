"""Pages that make a record which may be here already: the form's question is asked once more before the save."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from ..forms.known import DuplicateAppeared


class Asking:
    """Mix into a page with an AskingForm."""

    request: Any

    def perform(self, record: Any, form: Any) -> Any:
        form.check_again()
        return super().perform(record, form)  # type: ignore[misc]

    def send(self, record: Any, form: Any) -> HttpResponse:
        """Whoever was a moment too late is asked as if the other had been there before."""
        try:
            return super().send(record, form)  # type: ignore[misc]
        except DuplicateAppeared:
            again: Any = self.make_form(record, self.request.POST)  # type: ignore[attr-defined]
            if again.is_valid():
                again.add_error(None, "刚刚有人改动了相近的客户，还没有保存，请再次保存。")
            return self.show(record, again, 409)  # type: ignore[attr-defined]
