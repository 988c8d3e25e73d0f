"""manage.py create_administrator: create an account with the role 系统管理员."""

import getpass
import sys
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils.crypto import get_random_string

from accounts.models import User
from accounts.roles.shipped import ADMINISTRATOR
from accounts.roles.shipping import shipped_role
from kit.audit.log import log_event


class Command(BaseCommand):
    help = "创建一个系统管理员账号。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="用户名")
        parser.add_argument("--name", required=True, help="姓名")
        parser.add_argument("--password-stdin", action="store_true", help="从标准输入读取密码")
        parser.add_argument("--generate", action="store_true", help="生成密码并打印一次")

    def handle(self, *args: Any, **options: Any) -> None:
        person = User(username=options["username"], name=options["name"])
        if User.objects.filter(username=person.username).exists():
            raise CommandError(f"用户名 {person.username} 已有人使用，请另选。")
        try:
            person.clean_fields(exclude=["password"])
            password = self.password(options)
            validate_password(password, person)
        except ValidationError as error:
            raise CommandError("没有创建：" + "".join(error.messages)) from error
        with transaction.atomic():
            role = shipped_role(ADMINISTRATOR)
            user = User.objects.create_user(person.username, password=password, name=person.name)
            user.groups.add(role)
            log_event(None, "新建", user, 角色=role)
        self.stdout.write(f"已创建系统管理员 {user.name}（{user.username}）。")
        if options["generate"]:
            self.stdout.write(f"密码：{password}（只显示这一次）")

    def password(self, options: dict[str, Any]) -> str:
        if options["generate"]:
            return get_random_string(16)
        if options["password_stdin"]:
            return sys.stdin.readline().rstrip("\r\n")
        try:
            password = getpass.getpass("密码：")
            again = getpass.getpass("再输入一次：")
        except EOFError as error:
            raise CommandError("这里不能输入密码，请改用 --password-stdin 或 --generate。") from error
        if again != password:
            raise CommandError("两次输入的密码不同，没有创建。")
        return password
