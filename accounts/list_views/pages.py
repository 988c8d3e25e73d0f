"""Saving a list's view, renaming and sharing it, taking over other conditions, deleting it, choosing the default."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import cached_property
from django.views import View

from accounts.users.models import User
from kit.domain.urls import page_url
from kit.lists.list_addresses import list_page_at
from kit.lists.list_page import ListPage
from kit.pages.form_page import FormPage

from .forms import ConditionsForm, ViewForm, ViewNameForm
from .models import SavedView, read_views


def get_list_or_404(url_name: str) -> type[ListPage]:
    page = list_page_at(url_name)
    if page is None:
        raise Http404
    return page


class ViewPage(FormPage):
    """A form about one of the views that the user may use; that of a colleague refuses."""

    model, help = SavedView, "views"

    @cached_property
    def url_name(self) -> str:
        """The list's."""
        return str(self.kwargs["page"] if "page" in self.kwargs else self.get_record().page)

    @property
    def crumbs(self) -> tuple[tuple[str, str], ...]:  # type: ignore[override]  # each list has its own
        return ((get_list_or_404(self.url_name).title, self.url_name),)

    @property
    def conditions(self) -> str:
        return str(self.request.GET.get("conditions", ""))


class SaveView(ViewPage):
    do, form, title, message = SavedView.create, ViewForm, "保存为视图", "视图已保存。"

    def get_record(self) -> SavedView:
        get_list_or_404(self.url_name)
        return SavedView(owner=self.request.user, page=self.url_name)

    def form_options(self, record: SavedView) -> dict[str, Any]:
        return {"instance": record, "conditions": self.conditions}

    def carry_out(self, record: SavedView, form: Any) -> SavedView:
        values, user = form.values(), self.request.user
        is_default = values.pop("default")
        view = SavedView.create(by=user, page=record.page, **values)
        if is_default:
            user.choose_list_view(view.page, str(view.pk), view.name, by=user)
        return view

    def back_url(self, record: SavedView) -> str:
        return f"{page_url(record.page)}?{self.conditions}" if self.conditions else page_url(record.page)


class EditView(ViewPage):
    do, form, title = SavedView.edit, ViewNameForm, "改名、共享"


class ReplaceConditions(ViewPage):
    do, form, title = SavedView.replace, ConditionsForm, "改成现在的条件"
    question, submit_label, message = "用现在的条件、列和排序替换这个视图？", "替换", "视图已更新。"

    def form_options(self, record: SavedView) -> dict[str, Any]:
        return {"conditions": self.conditions}

    def context(self, record: SavedView, form: Any) -> dict[str, Any]:
        shared = "本部门的同事用的也会跟着改变。" if record.shared else ""
        return {"named": record.name, "consequence": shared}


class RemoveView(ViewPage):
    do, title, danger = SavedView.remove, "删除视图", True
    question, submit_label, message = "确认删除？", "删除", "视图已删除。"
    may_leave_view = True

    def context(self, record: SavedView, form: Any) -> dict[str, Any]:
        shared = "本部门的同事也不能再用它。" if record.shared else ""
        return {"named": record.name, "consequence": f"只删除视图，不删除任何记录。{shared}"}

    def success_url(self, record: SavedView, result: Any) -> str:
        return page_url(record.page)


class ChooseView(View):
    """Set the view with which the menu opens a list, or none."""

    def post(self, request: HttpRequest, page: str) -> HttpResponse:
        shipped = get_list_or_404(page).shipped_views
        user, key = cast(User, request.user), request.POST.get("view", "")
        views = {view.key: view for view in (*shipped, *read_views(user, page))}
        if key and key not in views:
            raise Http404
        name = views[key].label if key else ""
        user.choose_list_view(page, key, name, by=user)
        messages.success(request, f"从菜单打开时，现在用「{name}」。" if key else "从菜单打开时，不再用这个视图。")
        return redirect(views[key].url(page_url(page)) if key else page_url(page))
