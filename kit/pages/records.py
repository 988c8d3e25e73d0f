"""Pages of one record: detail, form, creation, editing."""

from __future__ import annotations

import logging
from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views import View

from kit.domain.verdict import Kind, Refused, Verdict

from .conflict import conflict_context
from .forms import CrmForm
from .lock_order import lock_before_row
from .models import Submission

logger = logging.getLogger(__name__)


class RecordView(View):
    """A page of one row the user may see, else 404. A subclass declares model, title and template_name."""

    model: type[models.Model]
    template_name: str
    select_related: tuple[str, ...] = ()
    crumbs: tuple[tuple[str, str], ...] = ()  # (label, URL name) of the pages above
    title: str = ""
    help: str = ""  # anchor on the help page
    request: Any

    def rows(self) -> models.QuerySet:
        manager = cast(Any, self.model._default_manager)
        return manager.visible_to(self.request.user).select_related(*self.select_related)

    def get_record(self) -> Any:
        return get_object_or_404(self.rows(), pk=self.kwargs["pk"])

    def page(self, status: int = 200, template: str = "", **context: Any) -> HttpResponse:
        context = {"view": self, "title": self.title, "crumbs": self.crumbs, "help_anchor": self.help, **context}
        return render(self.request, template or self.template_name, context, status=status)


class RecordDetail(RecordView):
    """Show a record. A subclass declares what RecordView reads and overrides context()."""

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        record = self.get_record()
        return self.page(record=record, **self.context(record))

    def context(self, record: Any) -> dict[str, Any]:
        return {}


class FormView(RecordView):
    """The form of creating, editing and acting, carried out once however often it is sent.

    A subclass declares form_class, and where needed message and submit_label; it overrides perform().
    """

    form_class: type[CrmForm]
    template_name = "ui/form_page.html"
    message, submit_label = "保存成功", "保存"  # notice after saving, text of the button

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST" and (url := self.earlier_url(request.POST.get("submission"))):
            return redirect(url)
        return super().dispatch(request, *args, **kwargs)

    def form_options(self, record: Any) -> dict[str, Any]:
        return {}

    def make_form(self, record: Any, data: QueryDict | None = None) -> Any:
        options = self.form_options(record)
        if self.form_class.versioned:
            options["instance"] = record
        return self.form_class(data, **options)

    def context(self, record: Any, form: Any) -> dict[str, Any]:
        return {}

    def show(self, record: Any, form: Any, status: int = 200) -> HttpResponse:
        return self.page(status, record=record, form=form, back_url=self.back_url(record), **self.context(record, form))

    def back_url(self, record: Any) -> str:
        return record.get_absolute_url()

    def success_url(self, record: Any, result: Any) -> str:
        return (result or record).get_absolute_url()

    def carry_out(self, record: Any, form: Any) -> HttpResponse:
        """Call perform() and store the form's token in one transaction; a form sent again redirects to the same URL."""
        token = form.cleaned_data.get("submission")
        try:
            with transaction.atomic():
                if token:
                    Submission.objects.create(pk=token, user=self.request.user, url="")
                result = self.perform(record, form)
                self.check_still_visible(result)
                url = self.success_url(record, result)
                Submission.objects.filter(pk=token).update(url=url)
        except IntegrityError as error:
            if previous_url := self.earlier_url(token):
                return redirect(previous_url)
            logger.exception("a constraint refused %s", self.request.path)
            reason = "与另一条刚刚保存的记录冲突（例如编号重复），没有保存。请核对后再试。"
            raise Refused(Verdict(Kind.STATE, reason)) from error
        messages.success(self.request, self.message)
        return redirect(url)

    def earlier_url(self, token: UUID | str | None) -> str:
        """Return the URL this form redirected to when it was sent before, empty if it was not."""
        try:
            rows = Submission.objects.filter(pk=UUID(str(token)), user=self.request.user)
        except ValueError:
            return ""
        return rows.values_list("url", flat=True).first() or ""

    def perform(self, record: Any, form: Any) -> Any:
        raise NotImplementedError

    def check_still_visible(self, result: Any) -> None:
        """Raise NotVisibleAfterwards, which rolls back, if the user may not see the saved row."""
        visible_to = getattr(getattr(type(result), "objects", None), "visible_to", None)
        if visible_to and not visible_to(self.request.user).filter(pk=result.pk).exists():
            raise NotVisibleAfterwards

    def send(self, record: Any, form: Any) -> HttpResponse:
        """Carry out a valid form; if it is refused, show the form again with the reason and the input."""
        try:
            return self.carry_out(record, form)
        except NotVisibleAfterwards:
            form.add_error(None, "这样保存后您将看不到这条记录，所以没有保存。请检查归属，或请主管代为保存。")
            return self.show(record, form, 400)
        except Refused as refused:
            return self.refuse(record, form, refused.verdict)

    def refuse(self, record: Any, form: Any, verdict: Verdict) -> HttpResponse:
        """Show the form with a refusal by the record's state; raise Refused for a missing permission."""
        if verdict.kind is not Kind.STATE:
            verdict.enforce()
        form.add_error(None, verdict.reason)
        return self.show(record, form, 409)


class NotVisibleAfterwards(Exception):
    """The user may not see the row after saving it."""


class RecordCreate(FormView):
    """Call model.create(by=user, **values). A subclass declares permission besides what FormView reads."""

    permission: str

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.has_perm(self.permission):
            raise PermissionDenied(f"您的角色不能{self.title}。")
        return super().dispatch(request, *args, **kwargs)

    def new_record(self) -> Any:
        return self.model()

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        record = self.new_record()
        return self.show(record, self.make_form(record))

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        record = self.new_record()
        form = self.make_form(record, request.POST)
        return self.send(record, form) if form.is_valid() else self.show(record, form)

    def perform(self, record: Any, form: Any) -> Any:
        return cast(Any, self.model).create(by=self.request.user, **form.values())


class RecordUpdate(FormView):
    """Call record.<verb>(by=user, **values), guarded by can_<verb>(); over a newer version show the conflict."""

    verb: str = "edit"  # a subclass may declare another, besides what FormView reads

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        record = self.get_record()
        getattr(record, f"can_{self.verb}")(request.user).enforce()
        return self.show(record, self.make_form(record))

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        with transaction.atomic():  # the version is compared and the row saved under one lock
            lock_before_row(self)
            locked = get_object_or_404(self.rows().select_for_update(of=("self",)), pk=self.kwargs["pk"])
            form = self.make_form(locked, request.POST)
            record = self.get_record()  # untouched by the form
            verdict = getattr(record, f"can_{self.verb}")(request.user)
            if verdict.kind in (Kind.NO_PERMISSION, Kind.NOT_YOURS):
                verdict.enforce()
            if not form.is_valid():
                return self.show(record, form)
            return self.save_if_unchanged(record, form) if verdict else self.refuse(record, form, verdict)

    def save_if_unchanged(self, record: Any, form: Any) -> HttpResponse:
        """Save over the opened version; a newer one shows the conflict page, a missing one the form again."""
        snapshot, stored_form = form.memory(), self.make_form(record)
        if snapshot is None:
            form.add_error(None, "页面已过期。您填写的内容还在，请核对后再次保存。")
            form.data = {**form.data.dict(), "opened": stored_form.initial["opened"]}
            return self.show(record, form, 400)
        if snapshot["version"] != record.version:
            context = conflict_context(record, form, stored_form, snapshot["values"])
            return self.page(409, "ui/conflict.html", record=record, back_url=self.back_url(record), **context)
        return self.send(record, form)

    def perform(self, record: Any, form: Any) -> Any:
        getattr(record, self.verb)(by=self.request.user, **form.values())
        return record
