"""Pages of /imports/: upload a sheet, match its columns, repair its values, look at the preview, import it, undo."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.views import View

from kit.domain.verdict import Kind, Refused, Verdict
from kit.exchange.exports import CONTENT_TYPES, file_response
from kit.exchange.unreadable_files import UnreadableFile
from kit.pages.page import render_page
from kit.pages.record_page import RecordPage

from . import sheets
from .choices import read_columns, read_header_rows, read_repairs
from .forms import UploadSheetForm
from .kinds import Outcome, SheetRefused, kinds_for
from .models import SEE_ALL, ImportRun
from .refused_rows import refused_file_name, write_refused
from .samples import SAMPLES, build_sample
from .steps import begin, choose_sheet, samples_of
from .tasks import CHECK, UNDO, VALUES, WRITE, start
from .templates import write_template
from .views_of_steps import column_lines, outcome_sums, questions_of, repair_groups

CRUMBS = (("导入表格", "imports"),)
ROWS_PER_PAGE, RUNS_SHOWN = 50, 50


class Imports(View):
    """Upload a sheet; 导入记录 below."""

    title, help, template_name = "导入表格", "imports", "imports/upload.html"
    crumbs: tuple[tuple[str, str], ...] = ()
    request: Any

    def get(self, request: HttpRequest) -> HttpResponse:
        self._require_permission()
        initial = {"kind": request.GET.get("kind", "")}
        return self._show(UploadSheetForm(by=self.request.user, initial=initial))

    def post(self, request: HttpRequest) -> HttpResponse:
        self._require_permission()
        form = UploadSheetForm(request.POST, files=request.FILES, by=self.request.user)
        if not form.is_valid():
            return self._show(form)
        upload = form.cleaned_data["file"]
        try:
            run = begin(form.cleaned_data["kind"], self.request.user, upload, upload.name)
        except UnreadableFile as error:
            form.add_error("file", str(error))
            return self._show(form)
        return redirect(run)

    def _require_permission(self) -> None:
        user = self.request.user
        if not kinds_for(user) and not user.has_perm(SEE_ALL):
            raise Refused(Verdict(Kind.NO_PERMISSION, "您的角色不能导入"))

    def _show(self, form: UploadSheetForm) -> HttpResponse:
        runs = ImportRun.objects.listed_for(self.request.user).select_related("owner", "undo")[: RUNS_SHOWN + 1]
        kinds = kinds_for(self.request.user)
        samples = [sample for sample in SAMPLES if any(kind.key == sample.key for kind in kinds)]
        context: dict[str, Any] = {
            "kinds": kinds,
            "samples": samples,
            "runs": list(runs)[:RUNS_SHOWN],
            "more": len(runs) > RUNS_SHOWN,
        }
        return render_page(self, form=form, **context)


class SheetFiles(View):
    """POST: a template to fill in, or a messy sheet to try the import with. file: template-KIND or sample-KIND."""

    def post(self, request: HttpRequest) -> HttpResponse:
        what, _, key = request.POST.get("file", "").partition("-")
        kinds = kinds_for(request.user)  # type: ignore[arg-type]  # signed in, says the middleware
        if not kinds:
            raise Refused(Verdict(Kind.NO_PERMISSION, "您的角色不能导入"))
        kind = next((one for one in kinds if one.key == key), None)
        sample = next((one for one in SAMPLES if one.key == key), None)
        if kind is None or what not in ("template", "sample"):
            raise Http404
        if what == "sample":
            if sample is None:
                raise Http404
            return file_response(
                build_sample(key), sample.file_name, CONTENT_TYPES[sample.file_name.rpartition(".")[2]]
            )
        buffer = io.BytesIO()
        write_template(buffer, kind.label, kind.targets(request.user))  # type: ignore[arg-type]
        return file_response(buffer.getvalue(), f"{kind.label}导入模板.xlsx", CONTENT_TYPES["xlsx"])


class RunPage(RecordPage):
    """What is common to the pages of one run: its owner alone opens them, a job at work on it is shown instead."""

    model, crumbs, help = ImportRun, CRUMBS, "imports"
    select_related = ("owner", "job", "undo", "fallback")
    step = ""

    def get_record(self) -> ImportRun:
        run: ImportRun = super().get_record()
        run.may_import(self.request.user).enforce()
        self.title = f"导入{run.kind.label}：{self.step}"
        return run

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        run = self.get_record()
        if run.is_busy:
            return render_page(self, template="imports/working.html", record=run)
        if self.leads_away(run):
            return redirect(run)
        return render_page(self, record=run, **self.context(run))

    def leads_away(self, run: ImportRun) -> bool:
        return not run.is_open

    def take(self, run: ImportRun, step: str) -> HttpResponseRedirect | None:
        """Take a step; return where to go when it was refused."""
        try:
            start(run, step, self.request.user)
        except (SheetRefused, UnreadableFile) as error:
            messages.error(self.request, str(error))
            return redirect(self.request.path)
        return None


class OneRun(RunPage):
    """Where a run stands: its step, or what became of it."""

    title = "导入"

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        run = self.get_record()
        if run.is_busy:
            self.title = f"导入{run.kind.label}"
            return render_page(self, template="imports/working.html", record=run)
        if not run.is_open:
            self.title = f"导入{run.kind.label}：完成"
            return render_page(self, template="imports/done.html", record=run, sums=outcome_sums(run))
        pages = {run.State.MAPPING: "import_columns", run.State.VALUES: "import_values"}
        return redirect(pages.get(ImportRun.State(run.state), "import_preview"), run.pk)


class ChooseSheet(RunPage):
    """Another sheet of the file, or other rows as heads, with a look at the first rows."""

    step, template_name = "选工作表", "imports/sheet.html"

    def context(self, record: ImportRun) -> dict[str, Any]:
        return {"book": sheets.look(Path(record.file.path), record.name)}

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        run = self.get_record()
        run.may_change(self.request.user).enforce()
        try:
            choose_sheet(run, self.request.user, request.POST.get("sheet", "")[:100], read_header_rows(request.POST))
        except UnreadableFile as error:
            messages.error(request, str(error))
            return redirect("import_sheet", run.pk)
        return redirect("import_columns", run.pk)


class MatchColumns(RunPage):
    step, template_name = "对应列", "imports/columns.html"

    def context(self, record: ImportRun) -> dict[str, Any]:
        lines = column_lines(record, self.request.user, samples_of(record))
        fallbacks = record.kind.fallbacks(self.request.user)
        counts = {"matched": 0, "ignored": 0, "open": 0}
        for line in lines:
            counts["matched" if line.target else "ignored" if line.is_ignored else "open"] += 1
        return {
            "lines": lines,
            "targets": record.kind.targets(self.request.user),
            "modes": ImportRun.Mode.choices,
            "fallbacks": list(fallbacks) if fallbacks is not None else [],
            **counts,
        }

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        run = self.get_record()
        run.may_change(self.request.user).enforce()
        if problem := read_columns(run, request.POST, self.request.user):
            messages.error(request, problem)
            return redirect("import_columns", run.pk)
        return self.take(run, VALUES) or redirect(run)


class RepairValues(RunPage):
    step, template_name = "修正值", "imports/values.html"

    def context(self, record: ImportRun) -> dict[str, Any]:
        groups = repair_groups(record, self.request.user)
        lines = [line for group in groups for line in group.lines]
        questions = questions_of(record, self.request.user)
        places = sum(line.rows for line in lines)
        return {"groups": groups, "questions": questions, "lines": lines, "places": places}

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        run = self.get_record()
        run.may_change(self.request.user).enforce()
        read_repairs(run, request.POST, self.request.user)
        return self.take(run, CHECK) or redirect("import_preview", run.pk)


class Preview(RunPage):
    step, template_name = "预览", "imports/preview.html"

    def leads_away(self, run: ImportRun) -> bool:
        return not run.is_open or run.checked_at is None

    def context(self, record: ImportRun) -> dict[str, Any]:
        sums = outcome_sums(record)
        chosen = self.request.GET.get("outcome", "")
        filled = [line.outcome for line in sums if line.rows]
        outcome = chosen if chosen in filled else next(iter(filled), "")
        rows = record.rows.filter(outcome=outcome).order_by("line")
        page = Paginator(rows, ROWS_PER_PAGE).get_page(self.request.GET.get("page"))
        refused = record.rows.filter(outcome=str(Outcome.REFUSE)).order_by("line")[:10]
        return {"sums": sums, "outcome": outcome, "rows": page, "refused": list(refused)}


class CarryOut(RunPage):
    """POST: import the good rows."""

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        return redirect(self.get_record())

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        run = self.get_record()
        run.may_write(self.request.user).enforce()
        run.reason = request.POST.get("reason", "").strip()[:200]
        run.is_strict = "strict" in request.POST
        run.save(update_fields=["reason", "is_strict"])
        try:
            start(run, WRITE, self.request.user)
        except (SheetRefused, UnreadableFile) as error:
            messages.error(request, str(error))
            return redirect("import_preview", run.pk)
        return redirect(run)


class RefusedRows(RunPage):
    """POST: the refused rows as the same workbook, cells marked."""

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        return redirect(self.get_record())

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        run, buffer = self.get_record(), io.BytesIO()
        if not run.file:
            raise Refused(Verdict(Kind.STATE, "文件已过期，请重新上传。"))
        write_refused(buffer, run, self.request.user)
        return file_response(buffer.getvalue(), refused_file_name(run), CONTENT_TYPES["xlsx"])


class TakeBackRun(RunPage):
    """POST: 撤销整批."""

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        return redirect(self.get_record())

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        run = self.get_record()
        run.may_undo(self.request.user).enforce()
        start(run, UNDO, self.request.user)
        return redirect(reverse("import_run", args=[run.pk]))
