"""Pages whose form checks for duplicates: the check is repeated under lock before saving."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from kit.pages.form_page import FormPage
from kit.pages.records import FormView

from ..forms.known import DuplicateAppeared


class DuplicateCheckedPage(FormPage):
    """A page whose form checks for duplicates, in a transition or a creation."""

    def carry_out(self, record: Any, form: Any) -> Any:
        form.check_again()
        return super().carry_out(record, form)

    def send(self, record: Any, form: Any) -> HttpResponse:
        """Report a duplicate that appeared during the save like one that was there before."""
        try:
            return super().send(record, form)
        except DuplicateAppeared:
            new_form = self.make_form(record, self.request.POST)
            if new_form.is_valid():
                new_form.add_error(None, "刚刚有人改动了相近的客户，还没有保存，请再次保存。")
            return self.show(record, new_form, 409)


class DuplicateCheckPage(FormView):
    """Mix into a FormView whose form checks for duplicates."""

    def perform(self, record: Any, form: Any) -> Any:
        form.check_again()
        return super().perform(record, form)

    def send(self, record: Any, form: Any) -> HttpResponse:
        """Report a duplicate that appeared during the save like one that was there before."""
        try:
            return super().send(record, form)
        except DuplicateAppeared:
            new_form = self.make_form(record, self.request.POST)
            if new_form.is_valid():
                new_form.add_error(None, "刚刚有人改动了相近的客户，还没有保存，请再次保存。")
            return self.show(record, new_form, 409)
