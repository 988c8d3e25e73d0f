"""manage.py load_demo: fill an empty database with the demo company."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from crm.demo.accounts import choose_password, matches_password, stored_password
from crm.demo.company import load
from crm.demo.names import SHOWN_ACCOUNTS


class Command(BaseCommand):
    help = "在空数据库里载入演示公司（账号、客户、销售机会），并显示账号和密码。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--if-empty", action="store_true", help="已有用户时什么都不做，只再次显示演示账号")

    def handle(self, *args: Any, if_empty: bool, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("CRM_ENV=production 时不能载入演示公司。")
        if User.objects.exists() and if_empty:
            self._show_again()
            return
        if User.objects.filter(is_demo=False).exists():
            raise CommandError("数据库里已有正式用户，不能载入演示公司。请换一个空数据库。")
        if User.objects.exists():
            raise CommandError("演示公司已经载入。要重新载入，请先运行 manage.py remove_demo --yes。")
        password = choose_password()
        counts = load(password)
        self.stdout.write(f"演示公司已载入：{'、'.join(f'{label} {count}' for label, count in counts.items())}。")
        self._show(password)

    def _show_again(self) -> None:
        first = User.objects.filter(is_demo=True, is_active=True, username=SHOWN_ACCOUNTS[0]).first()
        if first is None:
            self.stdout.write("数据库里已有用户，不载入演示公司。")
            return
        configured = settings.CRM_DEMO_PASSWORD
        if configured and not matches_password(configured, first):
            User.objects.filter(is_demo=True).update(password=make_password(configured))
        password = configured or stored_password()
        self._show(password if configured or matches_password(password, first) else "")

    def _show(self, password: str) -> None:
        """Print the accounts to sign in with, and the password if it is known."""
        people = User.objects.filter(is_demo=True, is_active=True, username__in=SHOWN_ACCOUNTS)
        user_by_name = {user.username: user for user in people.select_related("department")}
        self.stdout.write("演示账号：")
        for username in SHOWN_ACCOUNTS:
            if user := user_by_name.get(username):
                self.stdout.write(f"  {username:<10} {user.name}  {user.role_names}  {user.department or ''}")
        if password:
            self.stdout.write(f"密码（各账号相同）：{password}")
        else:
            self.stdout.write("密码在首次载入时显示过；忘记时运行 manage.py changepassword admin 重设。")
