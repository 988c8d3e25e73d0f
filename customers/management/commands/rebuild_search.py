"""manage.py rebuild_search [--check]: rebuild what customers are found by."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from customers.search_tasks import describe_search_differences, rebuild_search_texts


class Command(BaseCommand):
    help = "按客户和联系人重建搜索文本。平时随每次修改维护，不需要运行；可以重复运行。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="只比较，不改动；有差异时以 1 结束")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        if not check:
            self.stdout.write(rebuild_search_texts())
        elif texts := describe_search_differences(sample=None):
            raise CommandError("\n".join(["搜索文本与客户资料不一致：", *texts]))
        else:
            self.stdout.write("搜索文本与客户资料一致。")
