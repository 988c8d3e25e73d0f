from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ServicesConfig(AppConfig):
    name = "services"
    verbose_name = "服务管理"

    def ready(self) -> None:
        from .targets.shipped import ship_targets

        post_migrate.connect(ship_targets, sender=self)
