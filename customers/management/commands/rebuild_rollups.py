"""manage.py rebuild_rollups [--check]: rebuild the figures of reports and customers from the orders."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from customers.insight.nightly import describe_metric_differences
from customers.orders.rollups import describe_differences
from customers.rollup_tasks import rebuild, rebuild_metrics


class Command(BaseCommand):
    help = "按订单重建统计报表用的年度汇总和客户指标。平时由同步和移交随时维护，不需要运行；可以重复运行。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="只比较汇总与订单，不改动；有差异时以 1 结束")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        if not check:
            self.stdout.write(rebuild())
            self.stdout.write(rebuild_metrics())
        elif texts := [*describe_differences(), *describe_metric_differences(sample=None)]:
            raise CommandError("\n".join(["汇总与订单不一致：", *texts]))
        else:
            self.stdout.write("汇总与订单一致。")
