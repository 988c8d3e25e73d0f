from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.db.backends.signals import connection_created


class CrmConfig(AppConfig):
    name = "crm"
    verbose_name = "客户关系管理"
    default = True

    def ready(self) -> None:
        from kit.domain.modules import set_modules
        from kit.sql import exact_sum, id_sets, text_index  # noqa: F401  (they register what they bring)

        from .modules import MODULES

        set_modules(MODULES)
        connection_created.connect(text_index.register_foldings)
        connection_created.connect(exact_sum.register_exact_sum)


class CrmAdminConfig(admin_apps.AdminConfig):
    default_site = "crm.admin_site.CrmAdminSite"
    default = False
