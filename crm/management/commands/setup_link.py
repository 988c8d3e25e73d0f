"""manage.py setup_link: print the one-time URL for creating the first administrator."""

from typing import Any

from django.conf import settings
from django.core import signing
from django.core.management.base import BaseCommand, CommandParser
from django.urls import reverse

from accounts.models import User


class Command(BaseCommand):
    help = "打印创建第一位系统管理员的一次性地址；已有系统管理员时只说明。"

    def add_arguments(self, parser: CommandParser) -> None:
        default = settings.CRM_BASE_URL or "http://127.0.0.1:8000"
        parser.add_argument("--address", default=default, help="浏览器打开本系统所用的地址")

    def handle(self, *args: Any, **options: Any) -> None:
        if User.objects.administrators().exists():
            self.stdout.write("已有系统管理员，请用他的账号登录。")
            return
        token = signing.dumps({"purpose": "first administrator"}, salt="setup")
        self.stdout.write("在 24 小时内打开这个一次性地址，创建第一位系统管理员：")
        self.stdout.write("  " + options["address"].rstrip("/") + reverse("setup", args=[token]))
