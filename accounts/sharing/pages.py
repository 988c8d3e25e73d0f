"""Sharing a record on its own page: listing, adding and withdrawing grants. Each module names its model."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone

from accounts.scopes.grants import EDIT_GRANT, VIEW_GRANT, Grant
from accounts.users.models import User
from kit.pages.form_page import FormPage
from kit.pages.forms import Block, CrmForm

from .records import SharedRecord, colleagues


class ShareForm(CrmForm, forms.Form):
    person = forms.ModelChoiceField(User.objects.none(), label="协作人")
    access = forms.ChoiceField(label="权限", widget=forms.RadioSelect, initial=VIEW_GRANT)
    until = forms.DateField(label="截止日期", required=False, help_text="当天仍有效；不填则一直有效，直到取消")

    far_dates = ("until",)
    blocks = (
        Block("共享给同事", "再次共享给同一个人会替换原来的权限。", (("person", 3), ("until", 3), "access")),
    )  # fmt: skip

    def __init__(self, *args: Any, people: QuerySet[User], may_edit: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].queryset = people  # type: ignore[attr-defined]
        self.fields["person"].label_from_instance = (  # type: ignore[attr-defined]
            lambda user: f"{user}（{user.department or '未分部门'}）"
        )
        self.fields["access"].choices = [(VIEW_GRANT, "只看"), (EDIT_GRANT, may_edit)]  # type: ignore[attr-defined]

    def clean_until(self) -> date | None:
        until = self.cleaned_data["until"]
        if until and until < timezone.localdate():
            raise forms.ValidationError("截止日期已经过去，请另选日期。")
        return until


class ShareRecord(FormPage):
    """may_edit: what a colleague with an editing grant may do, in words."""

    do, title, submit_label, form = SharedRecord.share, "协作人", "共享", ShareForm
    message = "已共享，对方会收到通知。"
    template_name = "accounts/share.html"
    withdraw_url: str
    may_edit: str

    def form_options(self, record: Any) -> dict[str, Any]:
        return {"people": colleagues(record), "may_edit": self.may_edit}

    def context(self, record: Any, form: Any) -> dict[str, Any]:
        grants = record.grants.select_related("user__department", "permission", "by").order_by("user__name", "pk")
        return {"grants": grants, "withdraw_url": self.withdraw_url}

    def carry_out(self, record: Any, form: Any) -> None:
        data = form.cleaned_data
        record.share(data["person"], by=self.request.user, kind=data["access"], until=data["until"])

    def success_url(self, record: Any, result: Any) -> str:
        return self.request.path


class WithdrawShare(FormPage):
    """Withdraw a grant, after a question."""

    do, title, question = SharedRecord.withdraw_share, "取消共享", "确认取消共享？"
    danger, submit_label, message = True, "确定", "已取消共享"

    def grant(self, record: Any) -> Grant:
        return get_object_or_404(record.grants.select_related("user", "permission"), pk=self.kwargs["grant"])

    def context(self, record: Any, form: Any) -> dict[str, Any]:
        grant = self.grant(record)
        return {
            "named": f"协作人：{grant}",
            "details": str(record),
            "consequence": "取消后对方立即看不到这条记录，除非在他的查看范围内。",
        }

    def carry_out(self, record: Any, form: Any) -> None:
        record.withdraw_share(self.grant(record), by=self.request.user)
