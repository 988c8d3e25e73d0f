"""Filters of the audit log. Each is served by an index, however long the log."""

from __future__ import annotations

from typing import Any

import django_filters
from django.contrib.contenttypes.models import ContentType
from django.core.validators import RegexValidator, validate_ipv46_address
from django.db.models import QuerySet

from accounts.users.models import User
from kit.audit.models import AuditEntry
from kit.lists.filter_choices import OneOf, one_of
from kit.lists.filter_days import DaysAgo
from kit.lists.filters import DateFrom, DateTo, ListFilter
from kit.sql.readers import connection_for_reading

SYSTEM = "0"


class AuditFilter(ListFilter):
    favourites = ("object_text", "actor", "verb", "ago")

    actor = OneOf(label="操作人", method="of_actor")
    verb = OneOf(label="动作")
    content_type = OneOf(label="对象类别")
    object_id = django_filters.CharFilter(
        label="对象编号（内部）", validators=[RegexValidator(r"^[0-9]{1,18}$", "请填写数字。")]
    )
    object_text = django_filters.CharFilter(label="对象名称开头", lookup_expr="startswith", max_length=100)
    ago = DaysAgo(
        field_name="at",
        label="时间",
        over="{} 天以前",
        within="近 {} 天",
        offered=("within-1", "within-7", "within-30", "within-90", "over-365"),
    )
    at_from = DateFrom(field_name="at", label="时间起")
    at_to = DateTo(field_name="at", label="时间止")
    address = django_filters.CharFilter(label="来源地址", max_length=45, validators=[validate_ipv46_address])

    class Meta:
        model = AuditEntry
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, read in CHOICES.items():
            if name in self.filters:  # a number of rows is asked for with few of them
                self.filters[name].extra["choices"] = read()

    def of_actor(self, rows: QuerySet[AuditEntry], name: str, values: tuple[str, ...]) -> QuerySet[AuditEntry]:
        return rows.filter(one_of("actor", values, SYSTEM))

    def is_valid(self) -> bool:
        if not super().is_valid():
            return False
        data = self.form.cleaned_data
        if data.get("object_id") and not data.get("content_type"):
            self.form.add_error("object_id", "请同时选择对象类别。")
        return not self.form.errors


def distinct_values(column: str) -> list[Any]:
    """Return the distinct values of an indexed column, jumping from one to the next instead of scanning the log."""
    connection = connection_for_reading(AuditEntry)
    table, name = (connection.ops.quote_name(word) for word in (AuditEntry._meta.db_table, column))
    after = f"SELECT MIN({name}) FROM {table} WHERE {name} > found.value"  # noqa: S608  (names of our own)
    sql = f"""
        WITH RECURSIVE found(value) AS (
            SELECT MIN({name}) FROM {table}
            UNION ALL SELECT ({after}) FROM found WHERE found.value IS NOT NULL
        ) SELECT value FROM found WHERE value IS NOT NULL
    """  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return [row[0] for row in cursor.fetchall()]


def content_type_choices() -> list[tuple[str, str]]:
    """Return (id, name) of the models that the log mentions."""
    choices = []
    for pk in distinct_values("content_type_id"):
        model = ContentType.objects.get_for_id(pk).model_class()
        if model is not None:
            choices.append((str(pk), str(model._meta.verbose_name)))
    return choices


def actor_choices() -> list[tuple[str, str]]:
    users = User.objects.order_by("name", "pk").values_list("pk", "name", "username")
    return [(SYSTEM, "系统"), *((str(pk), f"{name}（{username}）") for pk, name, username in users)]


def verb_choices() -> list[tuple[str, str]]:
    return [(verb, verb) for verb in distinct_values("verb")]


def kind_choices() -> list[tuple[Any, str]]:
    return sorted(content_type_choices(), key=lambda choice: choice[1])


CHOICES = {"actor": actor_choices, "verb": verb_choices, "content_type": kind_choices}
