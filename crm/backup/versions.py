"""Version of a restored database: newer ones are refused, older ones migrated."""

from __future__ import annotations

from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from .errors import BackupFailed

NEWER = "这份备份来自更新的版本（本程序没有迁移 {}），不能恢复到这个版本。请先升级程序。"
Migrations = list[tuple[str, str]]  # app, name

# Migrations that were released for a while and have no file any more: such backups are of an older version.
WITHDRAWN = {("ui", "0003_dear_grams")}  # became a part of 0002
RENUMBERED = {("customers", "0004_text_indexes"): "0005_text_indexes"}  # the rollup was put before it


def refuse_newer(migrations: Migrations) -> None:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    unknown = sorted(set(migrations) - loader.disk_migrations.keys() - loader.replacements.keys() - WITHDRAWN)
    if unknown := [migration for migration in unknown if migration not in RENUMBERED]:
        raise BackupFailed(NEWER.format("、".join(f"{app}.{name}"[:100] for app, name in unknown[:3])))


def migrate_copy(migrations: Migrations) -> int:
    """Migrate the connected database from these migrations to this version; return how many were run."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    for (app, old), new in RENUMBERED.items():
        if (app, old) in migrations and (app, new) not in migrations:
            before = next(name for label, name in loader.disk_migrations[app, new].dependencies if label == app)
            call_command("migrate", app, before, verbosity=0, interactive=False)
            call_command("migrate", app, new, verbosity=0, interactive=False, fake=True)
    call_command("migrate", verbosity=0, interactive=False)
    return len(MigrationLoader(connection).applied_migrations) - len(migrations)
