"""The page of a form: what it does is a transition, a creation or another function, declared by the object itself.

    class AssignOpportunity(FormPage):
        do, form, title = Opportunity.assign, AssignForm, "指派机会"

GET shows the form to those whom the guard lets; POST validates it and carries it out once, however often it is sent
(submission.py). A form that shows stored values compares the version it was opened with (versioned_save.py). A refusal
by the record's state shows the form again with the reason and everything typed.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.views import View

from kit.domain.verdict import Kind, Refused, Verdict
from kit.transitions import Creation, Guard

from .forms import ConfirmForm, CrmForm
from .page import render_page, visible_rows
from .submission import LEFT_VIEW, NotVisibleAfterwards, carry_out_once, earlier_url
from .versioned_save import save_version


class FormPage(View):
    """A form that creates a record, changes one or acts on one.

    A subclass declares do, title and form, where confirming is not enough; then what else differs. With a question the
    page is a dialog: the question, the record, the consequence, 取消 and 确定.
    """

    do: Any = None  # Opportunity.assign, Opportunity.create, or a guard where carry_out() is overridden
    model: type[models.Model]  # that of do, unless declared
    form: type[CrmForm] = ConfirmForm
    template_name = "ui/form_page.html"
    title: str = ""
    crumbs: tuple[tuple[str, str], ...] = ()
    help: str = ""
    select_related: tuple[str, ...] = ()
    submit_label, message = "保存", "保存成功"  # text of the button, notice afterwards
    question: str = ""
    danger: bool = False  # whether the button is red
    locked_first: tuple[str, ...] = ()  # fields that choose a customer, which is locked before the record
    request: Any

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if isinstance(cls.do, Guard) and "model" not in vars(cls):
            cls.model = cls.do.model

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        record = self.get_record()
        self.verdict(record).enforce()
        return self.show(record, self.make_form(record))

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if url := earlier_url(request.user, request.POST.get("submission")):
            return redirect(url)
        if self.form.versioned and not self.creates:
            return save_version(self)
        record = self.get_record()
        if self.creates and (verdict := self.verdict(record)).kind in (Kind.NO_PERMISSION, Kind.NOT_YOURS):
            verdict.enforce()  # before the form looks anything up
        form = self.make_form(record, request.POST)
        if form.is_valid():
            return self.send(record, form)
        return self.invalid(record, form)

    # What a page may say otherwise. Rows and records are Any here: the subclass knows its model and queryset.

    def rows(self) -> Any:
        return visible_rows(self.model, self.request.user, self.select_related)

    def get_record(self) -> Any:
        """Return the row of the URL, a new unsaved one for a creation."""
        return self.model() if self.creates else get_object_or_404(self.rows(), pk=self.kwargs["pk"])

    def verdict(self, record: Any) -> Verdict:
        return self.do.verdict(record, self.request.user)

    def form_options(self, record: Any) -> dict[str, Any]:
        return {}

    def context(self, record: Any, form: Any) -> dict[str, Any]:
        return {}

    def fixed(self, record: Any) -> list[tuple[str, Any]]:
        """Return (label, value) of what the form shows above its fields and does not ask for."""
        return []

    def carry_out(self, record: Any, form: Any) -> Any:
        """Do it with the form's values; return the record that was created or the page leads to, if another."""
        subject = () if self.creates else (record,)
        return self.do(*subject, by=self.request.user, **form.values())

    def back_url(self, record: Any) -> str:
        return record.get_absolute_url()

    def success_url(self, record: Any, result: Any) -> str:
        return (result or record).get_absolute_url()

    # The same for all

    @property
    def creates(self) -> bool:
        return isinstance(self.do, Creation)

    @property
    def may_leave_view(self) -> bool:
        """Whether the record may be out of the user's view afterwards, as 改派 moves it; not after typing it in."""
        return isinstance(self.do, Guard) and not self.creates and not self.form.versioned

    def make_form(self, record: Any, data: QueryDict | None = None) -> Any:
        instance = {"instance": record} if self.form.versioned else {}
        return self.form(data, **instance, **self.form_options(record))

    def show(self, record: Any, form: Any, status: int = 200) -> HttpResponse:
        context = {"record": record, "form": form, "back_url": self.back_url(record), "fixed": self.fixed(record)}
        return self.render(status, **context | self.context(record, form))

    def render(self, status: int = 200, template: str = "", **context: Any) -> HttpResponse:
        return render_page(self, status, template, **context)

    def send(self, record: Any, form: Any) -> HttpResponse:
        """Carry out a valid form; if it is refused, show it again with the reason and the input."""
        try:
            return carry_out_once(self, record, form)
        except NotVisibleAfterwards:
            form.add_error(None, LEFT_VIEW)
            return self.show(record, form, 400)
        except Refused as refused:
            return self.refuse(record, form, refused.verdict)

    def invalid(self, record: Any, form: Any) -> HttpResponse:
        """Show the form with what is wrong, or with why the record's state refuses."""
        verdict = self.verdict(record)
        return self.show(record, form) if verdict else self.refuse(record, form, verdict)

    def refuse(self, record: Any, form: Any, verdict: Verdict) -> HttpResponse:
        """Show the form with a refusal by the record's state; raise Refused for a missing permission."""
        if verdict.kind is not Kind.STATE:
            verdict.enforce()
        form.add_error(None, verdict.reason)
        return self.show(record, form, 409)
