"""Messages, with what to do, for errors that stop a command early: settings, database, its version."""

from __future__ import annotations

import re

from django.core.exceptions import ImproperlyConfigured
from django.db.utils import DatabaseError, InterfaceError, ProgrammingError

BEHIND = "数据库还没有升级到这个版本的程序。请先运行 manage.py migrate，再重新启动。"
CLOSED = "打不开数据库文件。请检查当前用户能否写入它所在的文件夹（CRM_VAR_DIR 可以改到别处）和磁盘空间。"
DOWN = "连不上数据库。请检查 DATABASE_URL（例如 postgres://用户:密码@主机/库名）和数据库是否已启动，再运行一次。"
BUSY = "数据库正被另一个进程占用。请等它结束，再运行一次。"

MESSAGE_PATTERNS = (
    (re.compile("no such (table|column)"), BEHIND),
    (re.compile("unable to open database file|readonly database|disk is full|disk I/O"), CLOSED),
    (re.compile("database is locked"), BUSY),
    (re.compile("connect|FATAL|host name|server closed", re.IGNORECASE), DOWN),
)
MISSING_IN_POSTGRESQL = re.compile("(relation|column) .* does not exist")


def describe_error(error: Exception) -> str:
    """Return one line ending with the driver's own message; "" for a fault of the program."""
    if isinstance(error, ImproperlyConfigured):
        return str(error)
    if not isinstance(error, DatabaseError | InterfaceError):
        return ""
    first_line = next(iter(str(error).splitlines()), "")
    if isinstance(error, ProgrammingError):
        return f"{BEHIND}（{first_line}）" if MISSING_IN_POSTGRESQL.search(first_line) else ""
    return next((f"{words}（{first_line}）" for pattern, words in MESSAGE_PATTERNS if pattern.search(first_line)), "")
