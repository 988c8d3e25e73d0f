"""服务时限: a table of working hours, by type and customer level."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views import View

from basedata.models import WorkCalendar
from kit.pages.page import render_page

from .forms import TargetsForm
from .models import CHANGE, NO_PERMISSION, ServiceTarget


class Targets(View):
    model = ServiceTarget
    title, help = "服务时限", "targets"
    crumbs: tuple[tuple[str, str], ...] = (("基础数据", ""),)
    template_name = "services/targets.html"
    request: Any

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if not self.request.user.has_perm("services.view_servicetarget"):
            raise PermissionDenied("您的角色不能查看服务时限。")
        return self.show(TargetsForm())

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        user = self.request.user
        if not user.has_perm(CHANGE):
            raise PermissionDenied(NO_PERMISSION)
        form = TargetsForm(request.POST)
        try:
            with transaction.atomic():
                saved = form.is_valid() and form.check_unchanged() and form.save(by=user)
        except IntegrityError:  # somebody filled the same empty cell meanwhile
            form.add_error(None, "时限刚被别人修改，没有保存。请核对后再次保存。")
            saved = False
        if not saved:
            return self.show(form, 409 if form.is_stale else 200)
        messages.success(request, "保存成功。未处理的服务请求，应处理完成时间在几分钟内更新。")
        return redirect("services:targets")

    def show(self, form: TargetsForm, status: int = 200) -> HttpResponse:
        may_edit = self.request.user.has_perm(CHANGE)
        hours = WorkCalendar.load().hours_a_day
        return render_page(self, status, form=form, may_edit=may_edit, hours_a_day=hours)
