"""manage.py import_customers: import a company's existing customers from a table."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from customers.imports.arrivals import withdraw_stale_imports
from customers.imports.importing import CustomerImport
from customers.imports.results import ImportRefused
from customers.imports.tasks import describe_outcome
from kit.exchange.readers import UnreadableFile, describe_open_error


class Command(BaseCommand):
    help = "从 .csv、.csv.gz 或 .xlsx 导入客户：全部写入，或者（有一行不合格时）什么都不写入。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="第一行是列名，与客户表单上的名称相同")
        parser.add_argument("--manager", default="", metavar="USERNAME", help="没有填写客户经理的行归谁（用户名）")
        parser.add_argument("--create-regions", action="store_true", help="数据字典里没有的地区自动添加")
        parser.add_argument("--dry-run", action="store_true", help="只检查，不写入")

    def handle(self, *args: Any, file: Path, manager: str, create_regions: bool, dry_run: bool, **options: Any) -> None:
        withdraw_stale_imports()  # rows of a killed import
        task = CustomerImport(manager=self._find_manager(manager), create_regions=create_regions)
        try:
            task.read(file)
            for note in task.notes:
                self.stdout.write(note)
            if task.errors:
                self._refuse(task)
            if not dry_run:
                task.write()
        except (ImportRefused, UnreadableFile) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(describe_open_error(file, error)) from error
        self._report(task, "检查通过，可新增" if dry_run else "已新增")

    def _find_manager(self, username: str) -> User | None:
        if not username:
            return None
        person = User.objects.account_managers().filter(username=username).first()
        if person is None:
            raise CommandError(f"没有用户名为「{username}」的在职客户经理。")
        return person

    def _refuse(self, task: CustomerImport) -> None:
        for error in task.errors:
            self.stderr.write(str(error))
        lines = len({error.line for error in task.errors})
        raise CommandError(f"{lines} 行不合格，什么都没有写入。请改正后重新导入。")

    def _report(self, task: CustomerImport, words: str) -> None:
        parts = [f"{words}客户 {len(task.rows)} 个", *describe_outcome(task)]
        if task.new_regions:
            parts.append(f"新增地区 {len(task.new_regions)} 个")
        self.stdout.write("，".join(parts) + "。")
        if task.left_out:
            self.stdout.write(f"没有导入系统自己填写的列：{'、'.join(task.left_out)}。")
        for remark in task.remarks:
            self.stdout.write(str(remark))
        if task.namesakes:
            self.stdout.write(f"其中 {task.namesakes} 个与已有客户同名，请核对是否重复。")
