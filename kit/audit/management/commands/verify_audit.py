"""manage.py verify_audit: check the chain of seals over the audit log."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from kit.audit.models import AuditSeal
from kit.audit.verification import describe_removals, verify


class Command(BaseCommand):
    help = "核对审计记录的封存链；发现改动、缺失或长期未封存时以非零状态退出。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--holds",
            metavar="摘要",
            help="以前核对时报告、另存在别处的封存摘要；链中没有它，说明从那里起的记录被整段删去了",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        findings = verify()
        expected_hash = options["holds"]
        if expected_hash and not AuditSeal.objects.filter(hash=expected_hash).exists():
            findings.append(f"封存链中没有 {expected_hash}：这个封存和它以后的记录不见了")
        if findings:
            raise CommandError("\n".join(findings))
        self.stdout.write("审计记录完整。" + "".join(describe_removals()))
        if newest := AuditSeal.objects.order_by("-pk").first():
            self.stdout.write(f"最新封存的摘要：{newest.hash}（请另存在别处，下次用 --holds 核对）")
