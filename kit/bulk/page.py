"""The page of an action on many rows: preview with those left out, confirmation, and each row's own transition.

The confirmation carries what was shown, key and version of each row; when the selection differs by then, it asks again.
Up to MAX_DIRECT rows are changed at once, in one transaction; more by a job, in transactions of BATCH rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property

from kit.domain.left_out import LeftOut, describe_left_out
from kit.domain.verdict import Refused, Verdict, refuse_if
from kit.jobs.models import Job
from kit.jobs.tasks import start_job
from kit.lists.columns import Column
from kit.lists.row_html import plain_row
from kit.pages.form_page import FormPage
from kit.sql.row_locks import lock_before_records, lock_in_order
from kit.sql.transactions import in_transaction
from kit.transitions import LockedWithParent
from kit.undo.journal import Journal
from kit.undo.models import UndoEntry

from .selection import (
    MAX_DIRECT,
    MAX_SELECTED,
    Chosen,
    Selection,
    compare_stamp,
    read_stamp,
)

BULK_FUNCTION = "kit.bulk.jobs.run_bulk"
CONFLICT = 409
NOTHING_CHOSEN = "没有选人。"
OF_ONE_POST = ("csrfmiddlewaretoken", "submission", "opened", "ids", "all", "list")  # a job needs none of these


@dataclass
class Outcome:
    """The rows that were changed, and those that were not, by reason. unseen: how many are outside the view."""

    done: list[Any] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    unseen: int = 0


class RowChoice(Protocol):
    """What is chosen for each row by itself, such as who gets it. Made for one request, of its page."""

    def form_options(self, rows: list[Any]) -> dict[str, Any]: ...
    def context(self, rows: list[Any], form: Any) -> dict[str, Any]: ...
    def cell(self, row: Any, form: Any) -> str: ...
    def lock(self, rows: list[Any], form: Any) -> None: ...
    def arguments(self, row: Any, form: Any) -> dict[str, Any] | None:
        """Return the arguments of the row's transition, None where nothing is chosen."""


class BulkPage(FormPage):
    """Acts on the rows selected on a list. A subclass declares do, form, title, unit, columns and list_url_name.

    A page whose rows change by a function of many at once, checked and locked here, says so in act(). undo: the name of
    its Undoable; watch() notes what the change may touch. Without one the page says that it cannot be taken back.
    """

    template_name = "ui/bulk_page.html"
    unit: str = "条"  # 家客户
    done_also: str = ""  # what the message says besides
    verb: str = ""  # that of the transition, unless declared
    consequence: str = ""  # what the user should know before confirming
    list_url_name: str = ""  # where it leads back to without a list
    columns: tuple[Column, ...] = ()  # of the preview
    fewest: ClassVar[int] = 1
    max_shown: ClassVar[int] = 50  # rows of the preview
    choice: Callable[[Any], RowChoice] | None = None  # what is chosen row by row
    undo: str = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.do is not None and "verb" not in vars(cls):
            cls.verb = cls.do.label

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        record = self.get_record()
        if len(record.rows) < self.fewest:
            return self.nothing_chosen(record)
        return self.show(record, self.make_form(record))

    # What a page may say otherwise

    def act(self, rows: list[Any], form: Any) -> Outcome:
        """Carry out the transition of each row; the rows are locked, and the user may act on them."""
        outcome = Outcome()
        for row in rows:
            arguments = self.arguments(row, form)
            if arguments is None:
                outcome.left_out.append(LeftOut(self.row_name(row), NOTHING_CHOSEN))
                continue
            try:
                self.do(row, by=self.request.user, **arguments)
            except Refused as refused:
                outcome.left_out.append(LeftOut(self.row_name(row), str(refused)))
            else:
                outcome.done.append(row)
        return outcome

    def watch(self, journal: Journal, rows: list[Any], form: Any) -> None:
        """Note what the change of these rows may touch, each by record=."""

    def undo_text(self, count: int, form: Any) -> str:
        """Say what the change was about; it names no record, as the user may lose sight of one."""
        return f"{count:,} {self.unit}"

    def arguments(self, row: Any, form: Any) -> dict[str, Any] | None:
        return self.chooser.arguments(row, form) if self.chooser else form.values()

    def row_name(self, row: Any) -> str:
        return str(row)

    # The same for all

    @cached_property
    def chooser(self) -> RowChoice | None:
        return type(self).choice(self) if type(self).choice else None  # type: ignore[misc]

    def form_options(self, record: Chosen) -> dict[str, Any]:
        return self.chooser.form_options(record.rows) if self.chooser else {}

    def context(self, record: Chosen, form: Any) -> dict[str, Any]:
        return self.chooser.context(record.rows, form) if self.chooser else {}

    @cached_property
    def selection(self) -> Selection:
        return Selection(self.request)

    def verdict(self, record: Any) -> Verdict:
        return self.do.rule.verdict(self.model, self.request.user)  # each row answers for itself

    def get_record(self) -> Chosen:
        self.verdict(None).enforce()
        if self.selection.objections() or self.selection.count() > MAX_SELECTED:
            return Chosen([])
        return self.split(self.selection.narrow(self.rows()).order_by("pk"))

    def split(self, rows: Iterable[Any]) -> Chosen:
        """Ask the guard of each row."""
        chosen = Chosen([])
        for row in rows:
            if verdict := self.do.verdict(row, self.request.user):
                chosen.rows.append(row)
            else:
                chosen.left_out.append(LeftOut(self.row_name(row), verdict.reason))
        if not self.selection.is_whole:
            chosen.unseen = max(0, len(self.selection.keys) - len(chosen.rows) - len(chosen.left_out))
        return chosen

    def nothing_chosen(self, record: Chosen) -> HttpResponse:
        """Lead back to the list and say why nothing can be done."""
        messages.error(self.request, self.refusal(record))
        return redirect(self.back_url(record))

    def refusal(self, record: Chosen) -> str:
        verb, objections = self.verb, self.selection.objections()
        if objections:
            return f"没有{verb}：" + "".join(objections) + "请改正条件后再选择全部。"
        if self.selection.count() > MAX_SELECTED:
            return f"一次最多{verb} {MAX_SELECTED:,} {self.unit}，现在选中的超过了。请加筛选条件缩小范围。"
        return f"没有选中您可以{verb}的{self.unit[1:] or '内容'}。请在列表里勾选后再{verb}。" + "".join(record.reasons)

    def make_form(self, record: Chosen, data: QueryDict | None = None) -> Any:
        form = super().make_form(record, data)
        form.fields["opened"] = forms.CharField(widget=forms.HiddenInput, required=False)
        form.initial["opened"] = record.stamp
        return form

    def show(self, record: Chosen, form: Any, status: int = 200) -> HttpResponse:
        """After a refusal the form is sent again over what it shows now."""
        if status == CONFLICT:
            form.data = form.data.copy()
            form.data["opened"] = record.stamp
        return super().show(record, form, status)

    def refuse(self, record: Chosen, form: Any, verdict: Verdict) -> HttpResponse:
        return super().refuse(self.get_record(), form, verdict)  # as they are now

    def render(self, status: int = 200, template: str = "", **context: Any) -> HttpResponse:
        record = context["record"]
        preview = [self.draw(row, context["form"]) for row in record.rows[: self.max_shown]]
        more = max(0, len(record.rows) - self.max_shown)
        return super().render(status, template, preview=preview, more=more, by_job=self.is_large(record), **context)

    def draw(self, row: Any, form: Any) -> str:
        """Return a row of the preview as HTML."""
        cells = [column.cell(row, self.request.user) for column in self.columns]
        return plain_row([*cells, self.chooser.cell(row, form)] if self.chooser else cells)

    def is_large(self, record: Chosen) -> bool:
        return len(record.rows) > MAX_DIRECT

    def carry_out(self, record: Chosen, form: Any) -> Any:
        self.verdict(record).enforce()
        refuse_if(len(record.rows) < self.fewest, self.refusal(record)).enforce()
        opened = read_stamp(self.request.POST.get("opened", ""))
        if self.is_large(record):
            compare_stamp(record.rows, opened)
            return self.start_job(opened)
        chosen = self.lock_rows(opened.keys() | {row.pk for row in record.rows}, form)
        compare_stamp(chosen.rows, opened)
        outcome, entry = self.act_undoably(chosen.rows, form)
        left_out = [*record.left_out, *outcome.left_out]
        refuse_if(not outcome.done, "没有一条改动。" + "".join(describe_left_out(left_out, record.unseen))).enforce()
        self.message = self.describe(len(outcome.done), left_out, record.unseen)
        return entry

    @in_transaction
    def act_undoably(
        self, rows: list[Any], form: Any, job: Job | None = None, before: int = 0
    ) -> tuple[Outcome, UndoEntry | None]:
        """Act, and keep what takes it back. before: how many rows the job has changed so far."""
        if not self.undo:
            return self.act(rows, form), None
        journal = Journal(job=job)
        self.watch(journal, rows, form)
        outcome = self.act(rows, form)
        text = self.undo_text(before + len(outcome.done), form)
        return outcome, journal.keep(self.undo, self.verb, text, by=self.request.user)

    @in_transaction
    def lock_rows(self, keys: Iterable[int], form: Any) -> Chosen:
        """Lock the rows and what comes before them, in the order of all transitions, and ask the guards."""
        keys = list(keys)
        rows = self.rows().filter(pk__in=keys).order_by("pk")
        unlocked = list(rows)
        if self.chooser:
            self.chooser.lock(unlocked, form)
        else:
            lock_before_records(*form.cleaned_data.values())
        if issubclass(self.model, LockedWithParent):
            lock_in_order(*filter(None, (row.locked_parent() for row in unlocked)))
        weak = getattr(self.model, "locks_before_records", False)
        return self.split(rows.select_for_update(of=("self",), no_key=weak))

    def describe(self, done: int, left_out: list[LeftOut], unseen: int = 0) -> str:
        """Say what was done and what was not."""
        text = f"已{self.verb} {done:,} {self.unit}{self.done_also}。"
        count = len(left_out) + unseen
        reasons = "".join(describe_left_out(left_out, unseen))
        return text + (f"另有 {count:,} 条没有{self.verb}：{reasons}" if count else "")

    def act_on(self, opened: Mapping[int, int], form: Any, job: Job | None = None, before: int = 0) -> Outcome:
        """Change one batch of a job: what somebody changed or took away since the confirmation is left out."""
        chosen = self.lock_rows(opened, form)
        same = [row for row in chosen.rows if row.version == opened[row.pk]]
        changed = [row for row in chosen.rows if row.version != opened[row.pk]]
        outcome, _ = self.act_undoably(same, form, job, before)
        outcome.left_out += chosen.left_out
        outcome.left_out += [LeftOut(self.row_name(row), "确认后被别人修改过，没有改动。") for row in changed]
        outcome.unseen = len(opened) - len(chosen.rows) - len(chosen.left_out)
        return outcome

    def start_job(self, opened: Mapping[int, int]) -> Job:
        data = self.request.POST.copy()
        for name in OF_ONE_POST:
            data.pop(name, None)
        self.message = f"共 {len(opened):,} {self.unit}，正在后台{self.verb}，进度和结果在这里。"
        return start_job(
            self.title,
            BULK_FUNCTION,
            owner=self.request.user,
            path=self.request.path,
            data=data.urlencode(),
            rows=sorted(opened.items()),
        )

    def back_url(self, record: Any) -> str:
        return self.selection.list_url or reverse(self.list_url_name)

    def success_url(self, record: Any, result: Job | None) -> str:
        return self.back_url(record) if result is None else reverse("job_detail", args=[result.pk])
