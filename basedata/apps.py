from django.apps import AppConfig
from django.db.models.signals import post_migrate


class BasedataConfig(AppConfig):
    name = "basedata"
    verbose_name = "基础数据"

    def ready(self) -> None:
        from .initial_data import create_initial_calendar, create_initial_entries

        post_migrate.connect(create_initial_entries, sender=self)
        post_migrate.connect(create_initial_calendar, sender=self)
