from django.apps import AppConfig
from django.db.backends.signals import connection_created


class CustomersConfig(AppConfig):
    name = "customers"
    verbose_name = "客户管理"

    def ready(self) -> None:
        from .exact import teach_sqlite

        connection_created.connect(teach_sqlite)
