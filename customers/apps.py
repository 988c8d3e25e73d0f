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


def fill_new_tables(**kwargs: Any) -> None:
    """After an upgrade the yearly figures are there at once, not after the first night."""
    from .models import Order, RevenueYear
    from .rollups import rebuild

    if Order.objects.exists() and not RevenueYear.objects.exists():
        rebuild()
