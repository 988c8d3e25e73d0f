from django.apps import AppConfig
from django.urls import converters, register_converter


class IdConverter(converters.IntConverter):
    """Match keys of up to 18 digits, the range of a bigint; a longer one matches no URL."""

    regex = "[0-9]{1,18}"


class UiConfig(AppConfig):
    name = "kit.pages"
    label = "ui"
    verbose_name = "页面组件"

    def ready(self) -> None:
        register_converter(IdConverter, "id")
