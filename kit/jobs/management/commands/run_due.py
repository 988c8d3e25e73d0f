"""manage.py run_due: run each periodic task once per period, however many schedulers are running."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, IntegrityError, InterfaceError, close_old_connections, connection, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from kit.jobs.models import DueRun, fit_result

logger = logging.getLogger("crm.jobs")


class Command(BaseCommand):
    help = "运行到期的定时任务；--forever 每隔数秒检查一次。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--forever", action="store_true", help="一直运行")
        parser.add_argument("--interval", type=int, default=15, help="检查间隔（秒）")

    def handle(self, *args: Any, **options: Any) -> None:
        while options["forever"]:
            try:
                run_all()
            except (DatabaseError, InterfaceError) as error:  # restarted, full or locked: due tasks wait for it
                logger.warning("periodic tasks wait for the database: %s", error)
            close_old_connections()
            time.sleep(options["interval"])
        run_all()


def run_all() -> None:
    for name, seconds, function in settings.CRM_PERIODIC_TASKS:
        run_once(name, seconds, function)


def run_once(name: str, seconds: int, function: str) -> bool:
    """Run the task unless its period has a run already; return whether it ran."""
    start = settings.CRM_PERIODIC_STARTS.get(name, 0)
    period = (int(timezone.now().timestamp()) - start) // seconds
    if DueRun.objects.filter(task=name, period=period).exists():
        return False
    try:
        with transaction.atomic():
            run = DueRun.objects.create(task=name, period=period)
    except IntegrityError:  # another scheduler was faster
        return False
    try:
        run.result = fit_result(str(import_string(function)()))
    except Exception as error:  # one task must not stop the others
        logger.exception("periodic task %s failed", name)
        run.result = fit_result(f"失败：{error}")
        if not connection.in_atomic_block:
            close_old_connections()  # the failure could not be saved through a broken connection
    run.finished_at = timezone.now()
    run.save(update_fields=["finished_at", "result"])
    DueRun.objects.filter(task=name, period__lt=period - 100).delete()
    return True
