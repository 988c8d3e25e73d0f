"""Forms of saved views."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_plus

from django import forms

from kit.domain.text import CONTROL_CHARACTERS, CONTROL_CHARACTERS_REFUSED
from kit.pages.forms import Block, CrmForm, RecordForm

from .models import MAX_QUERY, TAKEN, SavedView

SHARE_HELP = "本部门和下级部门的同事会看到这个视图和它的条件；列出的仍是各人自己能看的记录。"
NO_DEPARTMENT = "您不属于任何部门，不能共享。"
TOO_MANY = "条件太多，一个视图存不下；请回到列表，少选几个值或少列几列，再保存。"


class ViewForm(CrmForm, forms.Form):
    blocks = (Block("", "", (("name", 3), "shared", "default")),)

    name = forms.CharField(label="名称", max_length=20, help_text="现在的筛选条件、状态、排序和列都会保存。")
    shared = forms.BooleanField(label="共享给本部门和下级", required=False, help_text=SHARE_HELP)
    default = forms.BooleanField(label="设为默认", required=False, help_text="从菜单打开这个列表时，就用这个视图。")
    query = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, instance: SavedView, conditions: str, **kwargs: Any) -> None:
        super().__init__(*args, **{"initial": {"query": conditions}, **kwargs})
        self.instance = instance
        prepare(self)

    def clean_name(self) -> str:
        return own_name(self)

    def clean(self) -> None:
        refuse_unkept(self)


class ViewNameForm(RecordForm):
    blocks = (Block("", "", (("name", 3), "shared")),)

    class Meta:
        model = SavedView
        fields = ("name", "shared")
        help_texts = {"shared": SHARE_HELP}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        prepare(self)

    def clean_name(self) -> str:
        return own_name(self)


class ConditionsForm(CrmForm, forms.Form):
    query = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, conditions: str, **kwargs: Any) -> None:
        super().__init__(*args, **{"initial": {"query": conditions}, **kwargs})

    def clean(self) -> None:
        refuse_unkept(self)


def refuse_unkept(form: forms.Form) -> None:
    """Refuse conditions that no view can hold: none is left out. Their field is hidden, so the whole form says it."""
    query = form.cleaned_data.get("query", "")
    if CONTROL_CHARACTERS.search(unquote_plus(query, errors="surrogateescape")):
        form.add_error(None, f"条件里{CONTROL_CHARACTERS_REFUSED}")
    if len(query) > MAX_QUERY:
        form.add_error(None, TOO_MANY)


def prepare(form: CrmForm) -> None:
    """Offer no sharing to who is in no department; an old share can be taken back."""
    if form.instance.owner.department_id is None and not form.instance.shared:
        form.fields["shared"].disabled = True
        form.fields["shared"].help_text = NO_DEPARTMENT


def own_name(form: Any) -> str:
    """Return the name; refuse one that another of the owner's views of this list has. form: with an instance."""
    name: str = form.cleaned_data["name"]
    if form.instance.namesakes(name).exists():
        raise forms.ValidationError(TAKEN)
    return name
