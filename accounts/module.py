"""权限管理: users, roles, departments, and the audit log."""

from __future__ import annotations

import kit.audit.personal
from kit.audit.models import EntryPage
from kit.domain.modules import Chapter, MenuItem, Module

from .list_views.models import SAVED_VIEWS
from .users.models import User

MODULE: Module[User] = Module(
    "accounts",
    "权限管理",
    "shield-lock",
    order=50,
    menu=(
        MenuItem("用户", "accounts:user_list", "accounts.view_user"),
        MenuItem("角色", "accounts:role_list", "accounts.view_role"),
        MenuItem("部门", "accounts:department_list", "accounts.view_department"),
        MenuItem("审计记录", "accounts:audit_list", "audit.view_auditentry"),
    ),
    personal=kit.audit.personal,
    help=(Chapter("accounts/help_audit.html", 80), Chapter("accounts/help.html", 170)),
    administration=True,
    other_labels=("audit",),
    lends=(EntryPage("accounts:audit_detail"), SAVED_VIEWS),
)
