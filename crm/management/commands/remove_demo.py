"""manage.py remove_demo: remove the demo company before real work begins."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from crm.demo.removal import remove


class Command(BaseCommand):
    help = "删除演示账号和他们的客户、销售机会；数据字典、角色和审计记录保留。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--yes", action="store_true", help="确认删除")

    def handle(self, *args: Any, yes: bool, **options: Any) -> None:
        people = User.objects.filter(is_demo=True).count()
        if not people:
            self.stdout.write("没有演示账号，无需删除。")
            return
        if not yes:
            raise CommandError(f"将删除 {people} 个演示账号和他们的全部客户、销售机会。确认请加 --yes。")
        counts, disabled = remove()
        self.stdout.write(f"已删除：{'、'.join(f'{label} {count}' for label, count in counts.items())}。")
        if disabled:
            self.stdout.write(f"正式记录仍提到下列演示账号，已停用而未删除：{'、'.join(disabled)}。")
