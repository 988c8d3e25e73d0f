"""manage.py restore FILE: database and files as a backup holds them."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError

from crm.backup import BackupFailed, restore_backup


class Command(BaseCommand):
    help = "从备份恢复数据库和附件，逐表核对行数和校验和。请先停止服务。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("archive", type=Path, help="backup 生成的 crm-….tar")
        parser.add_argument("--overwrite", action="store_true", help="覆盖已有数据")

    def handle(self, *args: Any, archive: Path, overwrite: bool, **options: Any) -> None:
        if not archive.is_file():
            raise CommandError(f"找不到备份文件 {archive}。")
        try:
            manifest = restore_backup(archive, overwrite=overwrite)
        except (BackupFailed, OSError, psycopg.Error) as error:
            raise CommandError(f"恢复失败：{error}") from error
        rows = sum(count for count, _ in manifest["tables"].values())
        self.stdout.write(
            f"已恢复 {len(manifest['tables'])} 张表、{rows} 行、{len(manifest['files'])} 个附件，核对一致。"
        )
        self.stdout.write("备份之后如果升级过程序，请再运行 manage.py migrate。")
