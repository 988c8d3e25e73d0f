"""manage.py sync_sales: mirror products, stock and orders of the company's sales system."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from customers.sync.engine import LABELS, SyncBusy, sync
from customers.sync.sources import SourceRefused


class Command(BaseCommand):
    help = "从文件夹或数据库同步销售系统的产品、库存和订单；可以随时重新运行。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", metavar="SOURCE", help="文件夹，或 postgres:// sqlite:// mysql:// 数据库地址")
        parser.add_argument("--full", action="store_true", help="来源是完整的：其中没有的产品下架，订单取消")

    def handle(self, *args: Any, source: str, full: bool, **options: Any) -> None:
        try:
            run = sync(source, full=full)
        except (SyncBusy, SourceRefused) as error:
            raise CommandError(str(error)) from None
        for table, counts in run.counts.items():
            self.stdout.write(
                f"{LABELS[table]}：读取 {counts['read']}，新增 {counts['added']}，更新 {counts['changed']}，"
                f"未变 {counts['unchanged']}，拒绝 {counts['refused']}，待匹配 {counts['parked']}，"
                f"下架或取消 {counts['removed']}。"
            )
        if run.message:
            self.stdout.write(run.message)
        for note in run.notes:
            self.stdout.write(note)
        for refusal in run.refusals.all()[:20]:
            self.stderr.write(f"{LABELS[refusal.table]}第 {refusal.line} 行 {refusal.key}：{refusal.reason}")
