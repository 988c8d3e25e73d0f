from __future__ import annotations

from django import forms

from crm.ui.forms import Block, RecordForm

from ..models import Contact


class ContactForm(RecordForm):
    blocks = (
        Block(
            "联系人",
            "主要联系人每个客户只有一位，新指定的会替换原来的。",
            (
                ("name", 2), ("gender", 2), ("position", 2), ("office_phone", 2), ("mobile", 2), ("email", 2),
                ("preferred_channel", 2), ("is_primary", 2), ("do_not_contact", 2), "note",
            ),
        ),
    )  # fmt: skip

    class Meta:
        model = Contact
        fields = [
            "name", "gender", "position", "office_phone", "mobile", "email", "preferred_channel", "is_primary",
            "do_not_contact", "note",
        ]  # fmt: skip
        widgets = {"note": forms.Textarea(attrs={"rows": 2})}
