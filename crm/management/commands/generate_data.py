"""manage.py generate_data: generate many opportunities and customers for benchmarks."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from crm.demo.bulk import generate


class Command(BaseCommand):
    help = "为性能测量批量生成销售机会和客户（账号 bench_supervisor、bench_manager_1 … 50）。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--opportunities", type=int, default=100_000, metavar="N", help="销售机会数")
        parser.add_argument("--customers", type=int, default=20_000, metavar="N", help="客户数")
        parser.add_argument("--password", default="", help="基准账号的密码；不给时这些账号不能登录")

    def handle(self, *args: Any, opportunities: int, customers: int, password: str, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("CRM_ENV=production 时不能生成测试数据。")
        if opportunities < 0 or customers < 0:
            raise CommandError("数量不能是负数。")
        if opportunities and not customers:
            raise CommandError("开发成功的机会需要客户，请让 --customers 至少为 1。")
        started = time.monotonic()
        generate(opportunities, customers, password, self._say)
        seconds = time.monotonic() - started
        self.stdout.write(f"已生成销售机会 {opportunities}、客户 {customers}，用时 {seconds:.1f} 秒。")

    def _say(self, text: str) -> None:
        if self.verbosity > 1:
            self.stdout.write(text)

    def execute(self, *args: Any, **options: Any) -> str | None:
        self.verbosity: int = options["verbosity"]
        return super().execute(*args, **options)
