"""manage.py verify_audit: checks the chain of seals over the audit trail."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crm.audit.verification import notes, verify


class Command(BaseCommand):
    help = "核对审计记录的封存链；发现改动、缺失或长期未封存时以非零状态退出。"

    def handle(self, *args: Any, **options: Any) -> None:
        findings = verify()
        if findings:
            raise CommandError("\n".join(findings))
        self.stdout.write("审计记录完整。" + "".join(notes()))
