from django.apps import AppConfig
from django.db.models.signals import post_migrate


class BasedataConfig(AppConfig):
    name = "basedata"
    verbose_name = "基础数据"

    def ready(self) -> None:
        from .shipped import ship_calendar, ship_entries

        post_migrate.connect(ship_entries, sender=self)
        post_migrate.connect(ship_calendar, sender=self)
