from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class CrmConfig(AppConfig):
    name = "crm"
    verbose_name = "客户关系管理"
    default = True

    def ready(self) -> None:
        from . import lookups  # noqa: F401  (registers them)


class CrmAdminConfig(admin_apps.AdminConfig):
    default_site = "crm.admin_site.CrmAdminSite"
    default = False
