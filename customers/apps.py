from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate

if TYPE_CHECKING:
    from django.db.migrations import Migration


class CustomersConfig(AppConfig):
    name = "customers"
    verbose_name = "客户管理"

    def ready(self) -> None:
        post_migrate.connect(fill_new_tables, sender=self)


def fill_new_tables(using: str, plan: Sequence[tuple[Migration, bool]] = (), **kwargs: Any) -> None:
    """Build revenue rollup and metrics right after an upgrade that created their tables.

    plan: [(migration, backwards), …] that ran; empty where none did.
    """
    if not plan or any(backwards for _, backwards in plan):
        return
    from django.db import connections
    from django.db.migrations.executor import MigrationExecutor

    from .orders.models import Order
    from .orders.revenue_months import RevenueMonth
    from .orders.rollups import RevenueYear
    from .records.metrics import CustomerMetrics
    from .records.models import Customer
    from .rollup_tasks import rebuild, rebuild_metrics

    executor = MigrationExecutor(connections[using])
    if executor.migration_plan(executor.loader.graph.leaf_nodes("customers")):
        return  # migrated in part only
    if Order.objects.exists() and not (RevenueYear.objects.exists() and RevenueMonth.objects.exists()):
        rebuild()
    if Customer.objects.exists() and not CustomerMetrics.objects.exists():
        rebuild_metrics()
