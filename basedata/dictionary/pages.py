"""数据字典: list, one entry with its uses, creating, changing, deleting."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import format_html

from kit.audit.models import AuditEntry
from kit.lists.columns import Column
from kit.lists.list_page import ListPage, NewLink
from kit.pages.buttons import Button, controls
from kit.pages.form_page import FormPage
from kit.pages.history import HistoryPage
from kit.pages.record_page import RecordPage

from .filters import DictionaryFilter
from .forms import DictionaryEntryForm
from .models import DictionaryEntry, DictionaryEntryQuerySet

LIST = ("数据字典", "basedata:dictionary_list")
CRUMBS = (("基础数据", ""), LIST)
EDIT = Button(DictionaryEntry.edit, "edit", "basedata:dictionary_update")
REMOVE = Button(DictionaryEntry.remove, "trash", "basedata:dictionary_delete", dialog=True)


def item_cell(entry: DictionaryEntry) -> str:
    return format_html('<a href="{}">{}</a>', entry.get_absolute_url(), entry.item)


class DictionaryList(ListPage):
    model = DictionaryEntry
    title, crumbs, help = "数据字典", (("基础数据", ""),), "dictionary"
    filterset_class = DictionaryFilter
    columns = (
        Column("类别", "category", sort="category"),
        Column("条目", "item", sort="item", html=item_cell, css="m-t"),
        Column("值", "value", sort="value"),
        Column("是否可编辑", "is_editable", sort="is_editable"),
        Column("编号", "pk", sort="id", css="m-h mute"),
    )
    default_sort = "category"
    row_buttons = (EDIT, REMOVE)
    new = NewLink(DictionaryEntry.create, "basedata:dictionary_create", "新建条目")
    empty_text = "数据字典是空的。新建的条目会出现在各页面的选项里。"

    def rows(self) -> DictionaryEntryQuerySet:
        return super().rows().with_in_use()


class DictionaryDetail(RecordPage):
    model = DictionaryEntry
    template_name = "basedata/dictionary_detail.html"
    crumbs, help = CRUMBS, "dictionary"

    def context(self, record: DictionaryEntry) -> dict[str, Any]:
        user = self.request.user
        shows_counts = user.has_perm(DictionaryEntry.edit.permission)  # they count records outside the user's scope
        return {
            "drawn": controls((REMOVE, EDIT), record, user),
            "shows_counts": shows_counts,
            "uses": record.uses() if shows_counts else [],
            "history": AuditEntry.objects.about(record)[:8],
        }


class DictionaryHistory(HistoryPage):
    model = DictionaryEntry
    crumbs, help = CRUMBS, "dictionary"


class EntryFormPage(FormPage):
    """Complete the free-text category; lead back to the entries of the same one."""

    form, crumbs, help = DictionaryEntryForm, CRUMBS, "dictionary"

    def context(self, record: DictionaryEntry, form: Any) -> dict[str, Any]:
        return {"datalists": {"categories": DictionaryEntry.objects.categories()}}

    def success_url(self, record: DictionaryEntry, result: DictionaryEntry | None) -> str:
        return f"{reverse('basedata:dictionary_list')}?{urlencode({'category': (result or record).category})}"


class DictionaryCreate(EntryFormPage):
    do, title = DictionaryEntry.create, "新建条目"

    def back_url(self, record: DictionaryEntry) -> str:
        return reverse("basedata:dictionary_list")


class DictionaryUpdate(EntryFormPage):
    do, title = DictionaryEntry.edit, "编辑条目"


class RemoveEntry(FormPage):
    do, title, question = DictionaryEntry.remove, "删除条目", "确认删除？"
    danger, submit_label, message = True, "确定", "删除成功"
    crumbs, help = CRUMBS, "dictionary"

    def context(self, record: DictionaryEntry, form: Any) -> dict[str, Any]:
        return {
            "named": f"数据字典：{record.item}",
            "details": f"{record.category}，值 {record.value}",
            "consequence": "删除后不再出现在各页面的选项里；审计记录会保留删除人和时间。",
        }

    def success_url(self, record: DictionaryEntry, result: Any) -> str:
        return reverse("basedata:dictionary_list")
