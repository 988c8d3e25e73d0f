"""manage.py scan_churn [--on DATE]: open 预警 for customers without a purchase for the months of the rule."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from customers.churn.rule import describe_period
from customers.churn.tasks import scan_now

EARLIEST_YEAR = 1990  # no feed is older


class Command(BaseCommand):
    help = f"流失扫描：为{describe_period()}没有下单的客户开预警。可以重复运行。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--on", default="", help="按这一天计算，如 2025-11-22；默认是今天")

    def handle(self, *args: Any, on: str, **options: Any) -> None:
        try:
            day = date.fromisoformat(on) if on else timezone.localdate()
        except ValueError as error:
            raise CommandError(f"「{on}」不是日期，请写成 2025-11-22 的样子。") from error
        if day > timezone.localdate():
            raise CommandError("不能按将来的日期扫描：还没有满期的客户会被提前预警。")
        if day.year < EARLIEST_YEAR:
            raise CommandError(f"「{on}」太早，请写 {EARLIEST_YEAR} 年以后的日期。")
        self.stdout.write(str(scan_now(day)))
