"""Views of lists that people save: conditions, columns and order under a name. Each reader sees their own rows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.departments.models import Department
from accounts.users.models import OWN_ACCOUNT, User
from kit.audit.export_conditions import decode_conditions
from kit.audit.log import log_event, save_changes
from kit.domain.urls import page_url
from kit.domain.verdict import Verdict, refuse_if, require_scope
from kit.lists.list_views.views import SavedViews, View
from kit.sql.readers import FixedQuery
from kit.sql.row_locks import lock_row
from kit.transitions import creation, transition

LEVELS = 6  # of departments, over which a view is shared downwards
MAX_QUERY = 2000  # characters
MAX_VIEWS = 30  # of one person and list
TAKEN = "这个列表里您已有同名的视图，请换个名称。"


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def visible_to(self, user: User) -> SavedViewQuerySet:
        """Return the user's own, and those that active colleagues of the department, or of one above it, share."""
        if user.department_id is None:
            return self.filter(owner=user)
        departments = Q(owner__department=user.department_id)
        for levels in range(1, LEVELS):
            above = Department.objects.filter(**{"__".join(["children"] * levels): user.department_id})
            departments |= Q(owner__department__in=above.order_by().values("pk"))
        return self.filter(Q(owner=user) | Q(departments, shared=True, owner__is_active=True))


class SavedView(models.Model):
    """Whose it is decides who sees a shared one: the owner's present colleagues, while the owner is active."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="list_views", verbose_name="所有人", editable=False
    )
    page = models.CharField("列表", max_length=100, editable=False)  # its URL name
    name = models.CharField("名称", max_length=20)
    query = models.CharField("条件", max_length=MAX_QUERY, blank=True, editable=False)  # as in the URL
    shared = models.BooleanField("共享给本部门和下级", default=False)
    version = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField("创建时间", auto_now_add=True)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "列表视图"
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["owner", "page", "name"], name="accounts_view_names")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"{page_url(self.page)}?view={self.pk}"

    def namesakes(self, name: str) -> SavedViewQuerySet:
        """Return the owner's other views of this list that have the name."""
        return SavedView.objects.filter(owner=self.owner_id, page=self.page, name=name).exclude(pk=self.pk)

    @creation(OWN_ACCOUNT, "保存为视图")
    @classmethod
    def create(cls, *, by: User, page: str, name: str, query: str = "", shared: bool = False) -> SavedView:
        """Keep what a list shows under a name."""
        lock_row(by)
        view = cls(owner=by, page=page, name=name, query=query, shared=shared)
        refuse_if(view.namesakes(name).exists(), TAKEN).enforce()
        is_full = cls.objects.filter(owner=by, page=page).count() >= MAX_VIEWS
        refuse_if(is_full, f"一个列表最多保存 {MAX_VIEWS} 个视图，请先删除不用的。").enforce()
        view.save()
        log_event(by, "新建", view, 列表=page, 视图条件=decode_conditions(query), 共享=shared)
        return view

    @transition(OWN_ACCOUNT, "改名、共享")
    def edit(self, *, by: User, name: str, shared: bool) -> None:
        refuse_if(self.namesakes(name).exists(), TAKEN).enforce()
        save_changes(by, "编辑", self, name=name, shared=shared)

    @edit.guard
    def can_edit(self, by: User) -> Verdict:
        return self._own(by)

    @transition(OWN_ACCOUNT, "改成现在的条件")
    def replace(self, *, by: User, query: str) -> None:
        before, self.query, self.version = self.query, query, self.version + 1
        self.save(update_fields=["query", "version"])
        log_event(by, "编辑", self, 视图条件=(decode_conditions(before), decode_conditions(query)))

    @replace.guard
    def can_replace(self, by: User) -> Verdict:
        return self._own(by)

    @transition(OWN_ACCOUNT, "删除")
    def remove(self, *, by: User) -> None:
        log_event(by, "删除", self, 列表=self.page, 视图条件=decode_conditions(self.query))
        self.delete()

    @remove.guard
    def can_remove(self, by: User) -> Verdict:
        return self._own(by)

    def _own(self, by: User) -> Verdict:
        return require_scope(self.owner_id == by.pk, "视图由它的所有人修改。")


def read_views(user: User, page: str) -> Sequence[View]:
    """Return the views of a list that the user may use: one's own first."""
    views = []
    for key, name, query, owner, full_name, username, shared in _views_query(user.pk, user.department_id, page).read():
        is_own = owner == user.pk
        shared_by = "" if is_own else full_name or username
        views.append(View(str(key), name, query, (), shared_by, is_own, bool(shared)))
    return sorted(views, key=lambda view: not view.is_own)


@lru_cache(maxsize=1024)
def _views_query(user_id: int, department_id: int | None, page: str) -> FixedQuery:
    """Return the query of read_views(): every list asks it, and the levels of departments take long to compile."""
    rows = SavedView.objects.visible_to(User(pk=user_id, department_id=department_id)).filter(page=page)
    columns = ("pk", "name", "query", "owner", "owner__name", "owner__username", "shared")
    return FixedQuery(rows.order_by("name", "pk").values_list(*columns))


def default_of(user: Any, page: str) -> str:
    return str(user.default_views.get(page, ""))


SAVED_VIEWS = SavedViews(
    read_views,
    default_of,
    create="accounts:view_create",
    edit="accounts:view_update",
    replace="accounts:view_replace",
    remove="accounts:view_delete",
    choose="accounts:view_choose",
)
