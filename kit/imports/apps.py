from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "kit.imports"
    label = "imports"
    verbose_name = "导入"
