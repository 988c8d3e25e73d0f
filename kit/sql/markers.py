"""Change markers: triggers insert a row whenever a table is written, so that cached results can tell they are stale."""

from __future__ import annotations

import uuid
from datetime import timedelta
from functools import cache
from typing import Any

from django.db import models
from django.db.migrations import RunPython
from django.db.models import Count, Sum, Window
from django.utils import timezone

from .readers import FixedQuery

KEEP_DAYS = 2  # longer than any transaction lasts
EVENTS = ("INSERT", "UPDATE", "DELETE")
INSERT_MARK = {
    "postgresql": "INSERT INTO {marks} (key, at) VALUES (gen_random_uuid(), now())",
    "sqlite": "INSERT INTO {marks} (key, at) VALUES (lower(hex(randomblob(16))), strftime('%Y-%m-%d %H:%M:%f', 'now'))",
}
CREATE_FUNCTION = f"""
CREATE FUNCTION {{marks}}_leave() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {INSERT_MARK["postgresql"]};
    RETURN NULL;
END $$
"""
POSTGRESQL_TRIGGER = """
CREATE TRIGGER {table}_{marks} AFTER INSERT OR UPDATE OR DELETE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION {marks}_leave()
"""
SQLITE_TRIGGER = f"""
CREATE TRIGGER {{table}}_{{marks}}_{{event}} AFTER {{event}} ON {{table}} {{when}}
BEGIN
    {INSERT_MARK["sqlite"]};
END
"""


class ChangeMarker(models.Model):
    """One write to a marked table. Triggers fill these columns by name: a new field needs new triggers."""

    key = models.UUIDField(default=uuid.uuid4)
    at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        abstract = True
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.key)

    @classmethod
    def old(cls) -> models.QuerySet[Any]:
        """Return the markers older than any running transaction."""
        return cls._default_manager.filter(at__lt=timezone.now() - timedelta(days=KEEP_DAYS))

    @classmethod
    def stamp(cls) -> tuple[Any, ...] | None:
        """Return a version that changes with every committed write to a marked table; None when there is no marker.

        A result cached under another version is stale. Number and sum of the markers are part of the version, because
        transactions may commit in another order than they began.
        """
        return next(iter(_newest_mark(cls).read()), None)

    @classmethod
    def forget(cls) -> str:
        """Delete old markers, as a periodic task. The newest one stays: without a marker nothing would be cached."""
        newest = cls._default_manager.order_by("-pk").values_list("pk", flat=True).first()
        return f"清除 {cls.old().exclude(pk=newest or 0).delete()[0]} 行"


@cache
def _newest_mark(marker: type[ChangeMarker]) -> FixedQuery:
    marks = marker._default_manager.annotate(marks=Window(Count("pk")), keys=Window(Sum("pk")))
    return FixedQuery(marks.order_by("-pk").values_list("key", "marks", "keys")[:1])


def leave_marks(marks: str, *tables: str) -> RunPython:
    """Return the migration operation that creates the triggers; it follows the creation of the marks' table."""

    def create(apps: Any, schema_editor: Any) -> None:
        on_postgresql = schema_editor.connection.vendor == "postgresql"
        if on_postgresql:
            schema_editor.execute(CREATE_FUNCTION.format(marks=marks))
        for table in tables:
            for event in EVENTS[:1] if on_postgresql else EVENTS:
                sql = POSTGRESQL_TRIGGER if on_postgresql else SQLITE_TRIGGER
                schema_editor.execute(sql.format(marks=marks, table=table, event=event, when=""))
        schema_editor.execute(INSERT_MARK[schema_editor.connection.vendor].format(marks=marks))

    def drop(apps: Any, schema_editor: Any) -> None:
        on_postgresql = schema_editor.connection.vendor == "postgresql"
        for table in tables:
            if on_postgresql:
                schema_editor.execute(f"DROP TRIGGER {table}_{marks} ON {table}")
            else:
                for event in EVENTS:
                    schema_editor.execute(f"DROP TRIGGER {table}_{marks}_{event}")
        if on_postgresql:
            schema_editor.execute(f"DROP FUNCTION {marks}_leave()")

    return RunPython(create, drop)


def mark_only_if(condition: str, marks: str, table: str) -> RunPython:
    """Let only some rows leave a mark on SQLite, whose triggers run for each row; a migration after leave_marks().

    condition: of `{row}`, which is the row as it was, and of an inserted one as it is.
    """

    def renew(schema_editor: Any, when: str) -> None:
        if schema_editor.connection.vendor != "sqlite":
            return
        for event in EVENTS:
            own = when.format(row="NEW" if event == "INSERT" else "OLD")
            schema_editor.execute(f"DROP TRIGGER {table}_{marks}_{event}")
            schema_editor.execute(SQLITE_TRIGGER.format(marks=marks, table=table, event=event, when=own))

    return RunPython(
        lambda apps, schema_editor: renew(schema_editor, f"WHEN {condition}"),
        lambda apps, schema_editor: renew(schema_editor, ""),
    )


class KeptTriggers:
    """Keeps the triggers of tables that a migration alters: SQLite rebuilds an altered table and loses them.

    Put note() before the alterations and put_back() after them; both work backwards, too.
    """

    def __init__(self, *tables: str) -> None:
        self.tables, self.statements = tables, dict[str, str]()

    def note(self) -> RunPython:
        return RunPython(self._note, self._put_back)

    def put_back(self) -> RunPython:
        return RunPython(self._put_back, self._note)

    def _note(self, apps: Any, schema_editor: Any) -> None:
        self.statements = list_triggers(schema_editor.connection, self.tables)

    def _put_back(self, apps: Any, schema_editor: Any) -> None:
        existing = list_triggers(schema_editor.connection, self.tables)
        for name, sql in self.statements.items():
            if name not in existing:
                schema_editor.execute(sql, params=None)


def list_triggers(connection: Any, tables: tuple[str, ...]) -> dict[str, str]:
    """Return {name: statement} of the tables' triggers on SQLite; {} elsewhere, where altered tables keep them."""
    if connection.vendor != "sqlite":
        return {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'trigger'")
        return {name: sql for table, name, sql in cursor.fetchall() if table in tables}
