"""The form of 个人资料."""

from __future__ import annotations

from accounts.users.models import User
from kit.pages.forms import Block, RecordForm


class ProfileForm(RecordForm):
    blocks = (
        Block("联系方式", "同事和系统管理员看得到。", (("mobile", 3), ("email", 3), "email_notifications")),
        Block("外观", "", (("theme", 3), ("density", 3), "has_key_shortcuts")),
    )

    class Meta:
        model = User
        fields = ["mobile", "email", "email_notifications", "theme", "density", "has_key_shortcuts"]
