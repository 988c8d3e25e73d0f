"""manage.py restore FILE: restore database and files; the former ones stay until --forget."""

from __future__ import annotations

import sqlite3
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from crm.backup import leftovers
from crm.backup.errors import BackupFailed
from crm.backup.restoration import restore_backup


class Command(BaseCommand):
    help = (
        "从备份恢复数据库和附件：先在旁边恢复、核对、升级到当前版本，再换上；原来的留着，直到 --forget。"
        "请先停止服务。没有换上以前，什么都不会改动。"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("archive", type=Path, nargs="?", help="backup 生成的 crm-….tar 或 crm-….tar.enc（加密）")
        parser.add_argument("--overwrite", action="store_true", help="当前数据库里已有用户，也换掉它")
        actions = parser.add_mutually_exclusive_group()
        actions.add_argument("--status", dest="action", action="store_const", const="status", help="说明留下了什么")
        actions.add_argument(
            "--continue", dest="action", action="store_const", const="finish", help="做完停在半路的恢复"
        )
        actions.add_argument("--back", dest="action", action="store_const", const="back", help="换回恢复以前的数据")
        actions.add_argument("--forget", dest="action", action="store_const", const="forget", help="删除恢复以前的数据")

    def handle(self, *args: Any, archive: Path | None, overwrite: bool, action: str | None, **options: Any) -> None:
        with _one_sentence_errors():
            if action:
                if archive:
                    raise CommandError(f"--{'continue' if action == 'finish' else action} 不需要备份文件。")
                getattr(self, action)()
                return
            if archive is None or not archive.is_file():
                raise CommandError(f"找不到备份文件 {archive or ''}。")
            self.restore(archive, overwrite)

    def restore(self, archive: Path, overwrite: bool) -> None:
        restored = restore_backup(archive, overwrite=overwrite)
        manifest = restored.manifest
        self.stdout.write(
            f"已恢复 {len(manifest.tables)} 张表、{manifest.rows} 行、{len(manifest.files)} 个附件，核对一致；"
            f"执行了 {restored.migrated} 个迁移，已是当前版本。"
        )
        for note in restored.notes:
            self.stdout.write(f"注意：{note}")
        self.status()

    def status(self) -> None:
        states = leftovers.find_leftovers()
        for state in states:
            self.stdout.write(state.message)
        if not states:
            self.stdout.write(leftovers.NOTHING)

    def finish(self) -> None:
        self.stdout.write("已做完停在半路的恢复。" if leftovers.finish_swaps() else leftovers.NOTHING)
        self.status()

    def back(self) -> None:
        self.stdout.write(f"已换回恢复（{leftovers.swap_back()}）以前的数据库和附件。")
        self.status()

    def forget(self) -> None:
        stamps = leftovers.remove_leftovers()
        self.stdout.write(f"已删除：{'、'.join(stamps)}。" if stamps else leftovers.NOTHING)


@contextmanager
def _one_sentence_errors() -> Iterator[None]:
    """Turn errors of a restore into one sentence and exit status 1."""
    try:
        yield
    except (BackupFailed, OSError, Error, psycopg.Error, sqlite3.Error, MemoryError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise CommandError(f"恢复失败：{lines[0]}") from error
