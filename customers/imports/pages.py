"""Pages of /import/: upload a table of customers, check it, import it; large tables in a job."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views import View

from kit.audit.log import log_event
from kit.domain.verdict import Kind, Refused, Verdict
from kit.exchange.export_question import ExportQuestion
from kit.exchange.exports import CONTENT_TYPES, file_response
from kit.exchange.readers import UnreadableFile
from kit.exchange.writers import write_xlsx
from kit.pages.export_requests import effect_refusal
from kit.pages.form_page import FormPage
from kit.pages.page import render_page
from kit.pages.record_page import RecordPage

from .forms import CarryOutForm, UploadForm
from .models import ImportFile
from .results import ImportRefused
from .table_form import CustomerImportForm
from .tasks import describe_outcome, is_large, list_errors, refused_file_name, start, write_refused

CRUMBS = (("客户管理", ""), ("导入客户", "import"))
MAX_LINES = 100
LARGE_FILE_TEXT = "文件较大，正在后台检查并导入：有一行不合格就全部不导入。"


class UploadTable(FormPage):
    do, form, template_name = ImportFile.create, UploadForm, "customers/import.html"
    title, crumbs, help, submit_label = "导入客户", (("客户管理", ""),), "import", "上传并检查"
    is_large = False  # whether the file that was sent is checked by a job

    def form_options(self, record: ImportFile) -> dict[str, Any]:
        return {"files": self.request.FILES if self.request.method == "POST" else None, "by": self.request.user}

    def carry_out(self, record: ImportFile, form: UploadForm) -> ImportFile:
        upload = ImportFile.create(by=self.request.user, **form.values())
        try:
            self.is_large = is_large(Path(upload.file.path))
        except UnreadableFile as error:
            upload.file.delete(save=False)
            raise Refused(Verdict(Kind.STATE, str(error))) from error
        self.message = LARGE_FILE_TEXT if self.is_large else "已上传，还没有导入任何数据。"
        return upload

    def success_url(self, record: ImportFile, result: ImportFile) -> str:
        return reverse("job_detail", args=[start(result).pk]) if self.is_large else result.get_absolute_url()

    def back_url(self, record: ImportFile) -> str:
        return reverse("customers:customer_list")


class ImportTemplate(View):
    """Download an empty table with the columns of the import."""

    title = "下载导入模板"
    request: Any

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        ImportFile.create.rule.verdict(ImportFile, self.request.user).enforce()
        return effect_refusal(request) or super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        facts = (("内容", f"一张空表，{len(CustomerImportForm().headers)} 列"),)
        question = ExportQuestion(self.title, facts, reverse("import"), help_anchor="import", crumbs=CRUMBS[1:])
        return question.ask(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        buffer = io.BytesIO()
        write_xlsx(buffer, list(CustomerImportForm().headers.values()), [], title="客户")
        return file_response(buffer.getvalue(), "客户导入模板.xlsx", CONTENT_TYPES["xlsx"])


class ImportPreview(RecordPage):
    """The result of the check: counts, notes, and every refused cell with its reason."""

    model, template_name, select_related = ImportFile, "customers/import_preview.html", ("manager", "owner")
    title, crumbs, help = "导入客户：检查结果", CRUMBS, "import"

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if refusal := effect_refusal(request):  # the audit log may be written
            return refusal
        upload = self.get_record()
        try:
            task = upload.checked()
        except (ImportRefused, UnreadableFile) as error:
            messages.error(request, str(error))
            return redirect("import")
        if task.beyond:
            log_event(request.user, "导入查重", text=f"客户：{upload.name}", 不在您的编辑范围内=task.beyond)
        errors, refused = list(list_errors(upload, task, MAX_LINES)), len(task.refused_lines)
        task.leave_out_refused()
        counts = {"good": len(task.rows), "existing": task.existing, "refused": refused}
        total = sum(counts.values())
        notes = upload.notes if upload.imported_at else task.notes
        existing = {"said": describe_outcome(task)[1:], "remarks": task.remarks[:MAX_LINES], "notes": notes}
        rows = {"errors": errors, "total": total, "shown_lines": MAX_LINES}
        return render_page(self, record=upload, task=task, **rows, **existing, **counts)


class RefusedRows(RecordPage):
    """Download the refused rows as a workbook, to be corrected and uploaded again."""

    title = "下载错误行"
    model, select_related = ImportFile, ("manager", "owner")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return effect_refusal(request) or super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        upload = self.get_record()
        facts = (("文件", upload.name), ("内容", "没有通过检查的行，附原因；改正后可以再上传"))
        question = ExportQuestion(self.title, facts, upload.get_absolute_url(), help_anchor="import", crumbs=CRUMBS)
        return question.ask(request)

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        upload, buffer = self.get_record(), io.BytesIO()
        try:
            write_refused(buffer, upload, upload.checked())
        except (ImportRefused, UnreadableFile) as error:
            raise Refused(Verdict(Kind.STATE, str(error))) from error
        return file_response(buffer.getvalue(), refused_file_name(upload), CONTENT_TYPES["xlsx"])


class CarryOutImport(FormPage):
    do, form, select_related = ImportFile.carry_out, CarryOutForm, ("manager", "owner")
    title, crumbs, help, submit_label = "导入客户", CRUMBS, "import", "导入"

    def carry_out(self, record: ImportFile, form: CarryOutForm) -> None:
        try:
            task = record.carry_out(by=self.request.user, **form.values())
        except (ImportRefused, UnreadableFile) as error:
            raise Refused(Verdict(Kind.STATE, str(error))) from error
        parts = [f"已导入 {record.added} 个客户"]
        parts += [f"{task.existing} 行已存在"] if task.existing else []
        parts += describe_outcome(task)[1:]
        parts += [f"{len(task.refused_lines)} 行有错误，没有导入"] if task.refused_lines else []
        self.message = "；".join(parts) + "。"

    def success_url(self, record: ImportFile, result: None) -> str:
        return reverse("customers:customer_list")
