from django.apps import AppConfig
from django.urls import converters, register_converter


class IdConverter(converters.IntConverter):
    """Ids no larger than a database can hold; anything longer is no address."""

    regex = "[0-9]{1,18}"


class UiConfig(AppConfig):
    name = "kit.pages"
    label = "ui"
    verbose_name = "页面组件"

    def ready(self) -> None:
        register_converter(IdConverter, "id")
