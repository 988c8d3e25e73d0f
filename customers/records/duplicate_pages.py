"""Pages whose form checks for duplicates: the check is repeated under lock before saving."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse

from kit.pages.form_page import FormPage

from .duplicate_form import DuplicateAppeared

APPEARED = "刚刚有人改动了相近的客户，还没有保存，请再次保存。"


class DuplicateCheckedPage(FormPage):
    """A page whose form checks for duplicates, in a transition or a creation."""

    def carry_out(self, record: Any, form: Any) -> Any:
        form.check_again()
        return super().carry_out(record, form)

    def send(self, record: Any, form: Any) -> HttpResponse:
        return send_or_ask_again(self, super().send, record, form)


def send_or_ask_again(page: FormPage, send: Callable[[Any, Any], HttpResponse], record: Any, form: Any) -> HttpResponse:
    """Send the form; report a duplicate that appeared meanwhile like one that was there before."""
    try:
        return send(record, form)
    except DuplicateAppeared:
        page.verdict(record).enforce()
        new_form = page.make_form(record, page.request.POST)
        if new_form.is_valid():
            new_form.add_error(None, APPEARED)
        return page.show(record, new_form, 409)
