from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "权限管理"

    def ready(self) -> None:
        from .roles.shipping import ship_roles
        from .signin import receivers  # noqa: F401  (connects Django's sign-in signals to the audit log)

        post_migrate.connect(ship_roles, sender=self)
