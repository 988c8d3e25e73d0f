"""数据字典: list, one entry with its uses, creating, changing, deleting."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.html import format_html

from kit.audit.models import AuditEntry
from kit.pages.actions import Action, ActionView, controls
from kit.pages.history import RecordHistory
from kit.pages.lists import Column, RecordList
from kit.pages.records import RecordCreate, RecordDetail, RecordUpdate

from ..filters import DictionaryFilter
from ..forms import DictionaryEntryForm
from ..models import DictionaryEntry

LIST = ("数据字典", "basedata:dictionary_list")
CRUMBS = (("基础数据", ""), LIST)
EDIT = Action("edit", "编辑", "edit", "basedata:dictionary_update")
REMOVE = Action("remove", "删除", "trash", "basedata:dictionary_delete", dialog=True)


def item_cell(entry: DictionaryEntry) -> str:
    return format_html('<a href="{}">{}</a>', entry.get_absolute_url(), entry.item)


class DictionaryList(RecordList):
    model = DictionaryEntry
    title, crumbs, help = "数据字典", (("基础数据", ""),), "dictionary"
    filterset_class = DictionaryFilter
    columns = (
        Column("编号", "pk", sort="id", css="m-h mute"),
        Column("类别", "category", sort="category"),
        Column("条目", "item", sort="item", html=item_cell, css="m-t"),
        Column("值", "value", sort="value"),
        Column("是否可编辑", "is_editable", sort="is_editable"),
    )
    default_sort = "category"
    row_actions = (EDIT, REMOVE)
    create = ("新建条目", "basedata:dictionary_create", "basedata.add_dictionaryentry")
    empty_text = "数据字典是空的。新建的条目会出现在各页面的选项里。"

    def rows(self) -> QuerySet[DictionaryEntry]:
        return super().rows().with_in_use()


class DictionaryDetail(RecordDetail):
    model = DictionaryEntry
    template_name = "basedata/dictionary_detail.html"
    crumbs, help = CRUMBS, "dictionary"

    def context(self, record: DictionaryEntry) -> dict[str, Any]:
        user = self.request.user
        shows_counts = user.has_perm("basedata.change_dictionaryentry")  # they count records outside the user's scope
        return {
            "drawn": controls((REMOVE, EDIT), record, user),
            "shows_counts": shows_counts,
            "uses": record.uses() if shows_counts else [],
            "history": AuditEntry.objects.about(record)[:8],
        }


class DictionaryHistory(RecordHistory):
    model = DictionaryEntry
    crumbs, help = CRUMBS, "dictionary"


class OffersCategories:
    """Complete the free-text category; lead back to the entries of the same one."""

    def context(self, record: Any, form: Any) -> dict[str, Any]:
        return {"datalists": {"categories": DictionaryEntry.objects.categories()}}

    def success_url(self, record: Any, result: Any) -> str:
        return f"{reverse('basedata:dictionary_list')}?{urlencode({'category': result.category})}"


class DictionaryCreate(OffersCategories, RecordCreate):
    model, permission = DictionaryEntry, "basedata.add_dictionaryentry"
    form_class = DictionaryEntryForm
    title, crumbs, help = "新建条目", CRUMBS, "dictionary"

    def back_url(self, record: Any) -> str:
        return reverse("basedata:dictionary_list")


class DictionaryUpdate(OffersCategories, RecordUpdate):
    model = DictionaryEntry
    form_class = DictionaryEntryForm
    title, crumbs, help = "编辑条目", CRUMBS, "dictionary"


class RemoveEntry(ActionView):
    model = DictionaryEntry
    action, title, question = "remove", "删除条目", "确认删除？"
    danger, submit_label, message = True, "确定", "删除成功"
    crumbs, help = CRUMBS, "dictionary"

    def context(self, record: Any, form: Any) -> dict[str, Any]:
        return {
            "named": f"数据字典：{record.item}",
            "details": f"{record.category}，值 {record.value}",
            "consequence": "删除后不再出现在各页面的选项里；审计记录会保留删除人和时间。",
        }

    def success_url(self, record: Any, result: Any) -> str:
        return reverse("basedata:dictionary_list")
