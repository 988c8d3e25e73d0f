from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "kit.audit"
    label = "audit"
    verbose_name = "审计"
