from __future__ import annotations

from typing import Any

from django import forms

from basedata.models import DictionaryEntry
from customers.contacts.models import Contact
from kit.pages.forms import Block, RecordForm

from .attachment_forms import AttachmentsField
from .models import Interaction


def contact_label(contact: Contact) -> str:
    return f"{contact}（请勿联系）" if contact.do_not_contact else str(contact)


class InteractionForm(RecordForm):
    """A new interaction has files; later they are managed on its page."""

    blocks = (
        Block(
            "交往记录",
            "约好下次跟进，到期会出现在客户经理的工作台。",
            (
                ("on", 2), ("kind", 2), ("contact", 2), "summary", ("place", 4), ("follow_up_on", 2), "details", "note",
                "files",
            ),
        ),
    )  # fmt: skip

    required_when = {"place": "拜访和会议时"}

    class Meta:
        model = Interaction
        fields = ["on", "kind", "contact", "summary", "place", "follow_up_on", "details", "note"]
        widgets = {
            "summary": forms.Textarea(attrs={"rows": 2}),
            "details": forms.Textarea(attrs={"rows": 4}),
            "note": forms.Textarea(attrs={"rows": 2}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].queryset = DictionaryEntry.objects.of("交往方式")  # type: ignore[attr-defined]
        self.fields["contact"].queryset = self.instance.customer.contacts.all()  # type: ignore[attr-defined]
        self.fields["contact"].label_from_instance = contact_label  # type: ignore[attr-defined]
        if not self.instance.pk:
            self.fields["files"] = AttachmentsField(required=False)

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # ModelForm's, which the base of the mixin does not declare
        if self.errors and self.files.getlist("files") and "files" not in self.errors:
            self.add_error("files", "浏览器不保留已选的文件，请重新选择附件。")
