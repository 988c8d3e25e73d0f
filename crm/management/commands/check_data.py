"""manage.py check_data [--fix] [--only KIND …]: list wrong stored data with links; change nothing without --fix."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from crm.data_check.findings import Finding, Kind, mend
from crm.data_check.kinds import KINDS


class Command(BaseCommand):
    help = "检查从前存错的数据并逐条列出（附链接）。不带 --fix 时什么都不改；每处改动都记入审计。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--fix", action="store_true", help="改正只有一个正确值的；推测的须用 --only 指名")
        codes = [kind.code for kind in KINDS]
        parser.add_argument("--only", nargs="+", choices=codes, default=[], metavar="KIND", help="、".join(codes))

    def handle(self, *args: Any, fix: bool, only: list[str], **options: Any) -> None:
        total = mended = open_ = 0
        for kind in KINDS:
            if only and kind.code not in only:
                continue
            findings = list(kind.find())
            self.stdout.write(f"{kind.title}（{kind.code}）：{len(findings) or '没有发现'}")
            for finding in findings:
                is_mended = self.report(kind, finding, fix=fix and (not kind.is_guess or kind.code in only))
                mended += is_mended
                open_ += not is_mended and finding.mend is not None
            total += len(findings)
        self.stdout.write(conclusion(total, mended, open_, fixed=fix))

    def report(self, kind: Kind, finding: Finding, *, fix: bool) -> bool:
        """Print the finding and its outcome; return whether it is mended."""
        objection = mend(finding) if fix else ""
        is_mended = fix and not objection
        state = "已改正" if is_mended else f"没有改：{objection}" if objection else ""
        self.stdout.write(f"  {finding}" + (f"（{state}）" if state else ""))
        return is_mended


def conclusion(total: int, mended: int, open_: int, *, fixed: bool) -> str:
    if not total:
        return "没有发现存错的数据。"
    if fixed:
        return f"共 {total} 处：改正了 {mended} 处，其余 {total - mended} 处请按上面的说明处理。改动已记入审计。"
    return f"共 {total} 处，其中 {open_} 处有改正后的值，可用 --fix 改正；其余请打开核对。什么都没有改动。"
