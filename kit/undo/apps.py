from django.apps import AppConfig


class UndoConfig(AppConfig):
    name = "kit.undo"
    label = "undo"
    verbose_name = "最近删除"
