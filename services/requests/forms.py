"""Forms of service requests: create, handle, feedback, targets, and the customer's rating."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.models import User
from basedata.models import DictionaryEntry
from customers.models import Contact, Customer
from customers.records.lookup_limits import LOOKUP_PAUSED, look_up
from kit.domain.folding import fold_name
from kit.pages.forms import Block, CrmForm, RecordForm
from kit.pages.text_gate import GatedText

from .customer_search import caller_text, find_exact
from .models import ServiceRequest
from .related_models import STARS

SCORES = [(score, f"{score}") for score, _ in STARS]


class CallerInput(forms.TextInput):
    """A text input with customer suggestions; without JavaScript a page of its own lists them."""

    template_name = "services/caller_input.html"


class CallerField(GatedText, forms.CharField):
    """The requesting customer: any of the company, by exact number, phone or full name."""

    widget = CallerInput

    def __init__(self, *, user: User, current: Customer | None, **kwargs: Any) -> None:
        self.user, self.current = user, current
        super().__init__(max_length=140, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return caller_text(self.user, value) if isinstance(value, Customer) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return (self.prepare_value(initial) or "") != (data or "").strip()

    def clean(self, value: Any) -> Customer | None:
        text = super().clean(value).strip()
        if not text:
            return None
        if self.current is not None and text == self.prepare_value(self.current):
            return self.current
        answer = look_up(self.user, find_exact(text))
        customers = [*answer.seen, *answer.beyond]
        if len(customers) == 1:
            return customers[0]
        if answer.paused:
            raise forms.ValidationError(LOOKUP_PAUSED)
        raise forms.ValidationError(
            "有多个客户符合，请填写客户编号。"
            if customers
            else "没有找到这个客户。请填写客户编号、电话或完整名称；还不是客户的，请填写单位名称。"
        )


class RequestForm(RecordForm):
    """Create or edit a request: of a customer, or of an organisation that is not a customer yet."""

    blocks = (
        Block(
            "谁的请求",
            "输入名称、编号、拼音首字母或电话查找客户。",
            (("customer", 6), ("contact", 3), ("organisation", 3)),
        ),
        Block("请求内容", "保存后由主管分配给客户经理。", ("kind", "summary", "content")),
    )
    contact = forms.CharField(label="联系人", max_length=50, required=False, help_text="这个客户的联系人，可不填")

    class Meta:
        model = ServiceRequest
        fields = ["kind", "summary", "organisation", "content"]
        widgets = {"content": forms.Textarea(attrs={"rows": 6}), "kind": forms.RadioSelect}

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)
        self.fields["kind"].queryset = DictionaryEntry.objects.of("服务类型")  # type: ignore[attr-defined]
        self.fields["kind"].empty_label = None  # type: ignore[attr-defined]
        current = self.instance.customer
        self.fields["customer"] = CallerField(user=user, current=current, label="客户", required=False)
        self.fields["customer"].widget.attrs["class"] = "inp"
        self.fields["customer"].when = "没有填写单位名称时"  # type: ignore[attr-defined]
        self.fields["contact"].widget.attrs["list"] = "contacts"
        self.fields["organisation"].label = "还不是客户？填写单位名称"
        if self.instance.pk:
            self.initial["customer"] = current
            contact = self.instance.contact
            self.initial["contact"] = contact.name if contact and not self.is_hidden(contact) else ""
        self.sign_initial_values()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        customer, organisation = data.get("customer"), data.get("organisation", "").strip()
        if "customer" not in self.errors and not customer and not organisation:
            self.add_error("customer", "请选择客户；还不是客户的，请填写单位名称。")
        elif customer and organisation:
            self.add_error("organisation", "已选择客户，请清空单位名称（二者填一个）。")
        elif organisation and (message := self.existing_customer_message(organisation)):
            self.add_error("organisation", message)
        if "contact" in data:
            data["contact"] = self.find_contact(customer, data["contact"].strip())
        return data

    def existing_customer_message(self, organisation: str) -> str:
        """Return the error when a customer has this name or may have it; empty when none has."""
        answer = look_up(self.user, Customer.objects.named_like(organisation)[:1])
        for customer in (*answer.seen, *answer.beyond):
            return f"已是客户：{customer.name}（客户经理 {customer.manager}）。请填在「客户」一栏。"
        return LOOKUP_PAUSED if answer.paused else ""

    def find_contact(self, customer: Customer | None, name: str) -> Contact | None:
        """Return the customer's contact of that name, among those the user sees; else add an error."""
        if not name:
            return self.hidden_contact(customer)
        if customer is None:
            self.add_error("contact", "联系人属于客户，请先选择客户，或清空。")
            return None
        current = self.instance.contact
        if current is not None and current.customer_id == customer.pk and fold_name(current.name) == fold_name(name):
            return current
        people = Contact.objects.visible_to(self.user).filter(customer=customer, name__same_text=name)
        contact = people.order_by("-is_primary", "pk").first()
        if contact is None:
            self.add_error("contact", f"没有找到联系人「{name}」，请先在客户页添加，或清空。")
        return contact

    def is_hidden(self, contact: Contact) -> bool:
        """Whether the contact is out of the user's view, as after a transfer of its customer."""
        return not Contact.objects.visible_to(self.user).filter(pk=contact.pk).exists()

    def hidden_contact(self, customer: Customer | None) -> Contact | None:
        """Return the present contact if the user does not see it, and so did not clear it."""
        current = self.instance.contact
        same = current is not None and customer is not None and current.customer_id == customer.pk
        return current if current is not None and same and self.is_hidden(current) else None


class KeepForm(CrmForm, forms.Form):
    reason = forms.CharField(label="不改派的理由", max_length=200, widget=forms.Textarea(attrs={"rows": 2}))


class WaitForm(CrmForm, forms.Form):
    note = forms.CharField(
        label="等待什么",
        max_length=500,
        help_text="例如：等客户寄回样品。等待期间不计时。",
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class ResumeForm(CrmForm, forms.Form):
    note = forms.CharField(label="客户回复", max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


class HandleForm(CrmForm, forms.Form):
    handling = forms.CharField(
        label="服务处理",
        max_length=3000,
        help_text="原因、措施、验证结果各写一句。",
        widget=forms.Textarea(attrs={"rows": 8}),
    )


class OutcomeForm(CrmForm, forms.Form):
    """处理结果, and the fields that its type requires before a request is archived."""

    result = forms.CharField(label="处理结果", max_length=500, widget=forms.Textarea(attrs={"rows": 3}))
    cause = forms.ModelChoiceField(DictionaryEntry.objects.of("投诉原因"), label="投诉原因")
    improvement = forms.CharField(label="改进措施", max_length=500, widget=forms.Textarea(attrs={"rows": 2}))
    is_adopted = forms.TypedChoiceField(
        label="建议是否采纳",
        choices=[("1", "采纳"), ("0", "不采纳")],
        coerce=lambda value: value == "1",
        empty_value=None,
        widget=forms.RadioSelect,
    )
    reply = forms.CharField(
        label="怎样告知了客户（已告知）",
        max_length=500,
        help_text="对客户说了什么、什么时候，例如：11 月 24 日电话告知明年一季度上线。",
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, request: ServiceRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        unused: tuple[str, ...] = () if request.is_complaint else ("cause", "improvement")
        unused += () if request.is_proposal else ("is_adopted", "reply")
        for name in unused:
            del self.fields[name]


class FeedbackForm(OutcomeForm):
    """The customer's score, entered by the account manager; ARCHIVE_FIELDS are required from 3 stars."""

    satisfaction = forms.TypedChoiceField(
        label="客户满意度",
        choices=SCORES,
        coerce=int,
        help_text="由客户经理代录。3 星及以上归档，2 星及以下退回。",
        widget=forms.RadioSelect,
    )
    ARCHIVE_FIELDS = ("cause", "improvement", "is_adopted", "reply")
    required_when = dict.fromkeys(ARCHIVE_FIELDS, "满意度 3 星及以上时")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.ARCHIVE_FIELDS:
            if name in self.fields:
                self.fields[name].required = False

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if (data.get("satisfaction") or 0) >= 3:
            for name in self.ARCHIVE_FIELDS:
                if name in self.fields and name not in self.errors and data.get(name) in (None, ""):
                    self.add_error(name, "归档前请填写。")
        return data


class HelperForm(CrmForm, forms.Form):
    person = forms.ModelChoiceField(User.objects.none(), label="协办人")

    def __init__(self, *args: Any, request: ServiceRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].queryset = request.possible_helpers()  # type: ignore[attr-defined]
        self.fields["person"].label_from_instance = (  # type: ignore[attr-defined]
            lambda person: f"{person}（{person.department or '未分部门'}）"
        )


class NoteForm(CrmForm, forms.Form):
    text = forms.CharField(label="备注", max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))
