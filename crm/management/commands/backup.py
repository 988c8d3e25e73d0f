"""manage.py backup FOLDER: back up database and files into one verified file."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from crm.backup.creation import make_backup
from crm.backup.errors import BackupFailed


class Command(BaseCommand):
    help = (
        "备份数据库和附件到一个文件，并用恢复来核对；核对通过才出现最终文件名。"
        "设置了 CRM_BACKUP_KEY_FILE 时用它的密钥加密（crm-….tar.enc）。"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", nargs="?", type=Path, default=settings.VAR_DIR / "backups", help="放在哪个目录")

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        try:
            backup = make_backup(folder)
        except (BackupFailed, OSError, psycopg.Error) as error:
            raise CommandError(f"备份失败：{error}") from error
        size = f"{backup.path.stat().st_size / 1024 / 1024:.1f} MiB{'，已加密' if backup.is_encrypted else ''}"
        self.stdout.write(f"备份完成，已核对：{backup.path}（{size}）")
        for note in backup.notes:
            self.stdout.write(f"注意：{note}")
