"""manage.py restore FILE: database and files as a backup holds them; the former ones stay until --forget."""

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

from crm.backup import kept
from crm.backup.failure import BackupFailed
from crm.backup.restoring import restore_backup


class Command(BaseCommand):
    help = (
        "从备份恢复数据库和附件：先在旁边恢复、核对、升级到当前版本，再换上；原来的留着，直到 --forget。"
        "请先停止服务。没有换上以前，什么都不会改动。"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("archive", type=Path, nargs="?", help="backup 生成的 crm-….tar 或 crm-….tar.enc（加密）")
        parser.add_argument("--overwrite", action="store_true", help="当前数据库里已有用户，也换掉它")
        deeds = parser.add_mutually_exclusive_group()
        deeds.add_argument("--status", dest="deed", action="store_const", const="status", help="说明留下了什么")
        deeds.add_argument("--continue", dest="deed", action="store_const", const="finish", help="做完停在半路的恢复")
        deeds.add_argument("--back", dest="deed", action="store_const", const="back", help="换回恢复以前的数据")
        deeds.add_argument("--forget", dest="deed", action="store_const", const="forget", help="删除恢复以前的数据")

    def handle(self, *args: Any, archive: Path | None, overwrite: bool, deed: str | None, **options: Any) -> None:
        with _in_words():
            if deed:
                if archive:
                    raise CommandError(f"--{'continue' if deed == 'finish' else deed} 不需要备份文件。")
                getattr(self, deed)()
                return
            if archive is None or not archive.is_file():
                raise CommandError(f"找不到备份文件 {archive or ''}。")
            self.restore(archive, overwrite)

    def restore(self, archive: Path, overwrite: bool) -> None:
        done = restore_backup(archive, overwrite=overwrite)
        held = done.manifest
        self.stdout.write(
            f"已恢复 {len(held.tables)} 张表、{held.rows} 行、{len(held.files)} 个附件，核对一致；"
            f"执行了 {done.migrated} 个迁移，已是当前版本。"
        )
        for note in done.notes:
            self.stdout.write(f"注意：{note}")
        self.status()

    def status(self) -> None:
        found = kept.everything()
        for state in found:
            self.stdout.write(state.words)
        if not found:
            self.stdout.write(kept.NOTHING)

    def finish(self) -> None:
        self.stdout.write("已做完停在半路的恢复。" if kept.finish() else kept.NOTHING)
        self.status()

    def back(self) -> None:
        self.stdout.write(f"已换回恢复（{kept.take_back()}）以前的数据库和附件。")
        self.status()

    def forget(self) -> None:
        gone = kept.forget()
        self.stdout.write(f"已删除：{'、'.join(gone)}。" if gone else kept.NOTHING)


@contextmanager
def _in_words() -> Iterator[None]:
    """Whatever stops a restore is one sentence and exit 1."""
    try:
        yield
    except (BackupFailed, OSError, Error, psycopg.Error, sqlite3.Error, MemoryError) as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise CommandError(f"恢复失败：{said[0]}") from error
