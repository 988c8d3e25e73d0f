from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate


class CustomersConfig(AppConfig):
    name = "customers"
    verbose_name = "客户管理"

    def ready(self) -> None:
        from .exact import teach_sqlite

        connection_created.connect(teach_sqlite)
        post_migrate.connect(fill_new_tables, sender=self)


def fill_new_tables(using: str, **kwargs: Any) -> None:
    """After an upgrade the yearly figures are there at once, not after the first night."""
    from django.db import connections
    from django.db.migrations.executor import MigrationExecutor

    from .models import Order, RevenueYear
    from .rollups import rebuild

    executor = MigrationExecutor(connections[using])
    if executor.migration_plan(executor.loader.graph.leaf_nodes("customers")):
        return  # on its way back, or half way
    if Order.objects.exists() and not RevenueYear.objects.exists():
        rebuild()
