from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class CrmConfig(AppConfig):
    name = "crm"
    verbose_name = "客户关系管理"
    default = True

    def ready(self) -> None:
        from . import lookups, text_index  # noqa: F401  (they register what they bring)


class CrmAdminConfig(admin_apps.AdminConfig):
    default_site = "crm.admin_site.CrmAdminSite"
    default = False
