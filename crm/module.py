"""后台任务, and the other pages that belong to no module: home, search, notifications, help."""

from __future__ import annotations

import kit.exchange.personal
from accounts.models import User
from kit.domain.modules import Chapter, Module, PagePermission

MODULE: Module[User] = Module(
    "jobs",
    "后台任务",
    order=70,
    personal=kit.exchange.personal,
    help=(
        Chapter("help/home.html", 10),
        Chapter("help/export.html", 90),
        Chapter("help/search.html", 120),
        Chapter("help/jobs.html", 160),
        Chapter("help/conflict.html", 180),
    ),
    administration=True,
    pages={"mail_again": PagePermission("重新发送邮件", "accounts.administer")},
)
