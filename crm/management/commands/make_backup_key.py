"""manage.py make_backup_key: create the key file that encrypts backups."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crm.backup.errors import BackupFailed
from crm.backup.key import key_file, make_key


class Command(BaseCommand):
    help = "生成加密备份用的密钥文件（只有所有者能读）；已有的文件不会改动。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help="写到哪里；不写时用 CRM_BACKUP_KEY_FILE")

    def handle(self, *args: Any, file: Path | None, **options: Any) -> None:
        path = file or key_file()
        if path is None:
            raise CommandError("请写明密钥文件放在哪里，例如 manage.py make_backup_key /etc/crm/backup.key。")
        try:
            make_key(path)
        except (BackupFailed, OSError) as error:
            raise CommandError(f"没有生成密钥：{error}") from error
        self.stdout.write(f"已生成密钥文件 {path.absolute()}。")
        self.stdout.write("请另外保管一份，不要和备份放在一起：没有它，加密的备份谁也读不出来。")
        if path != key_file():
            self.stdout.write(f"要加密备份，请设置 CRM_BACKUP_KEY_FILE={path.absolute()}。")
