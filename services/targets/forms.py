"""The table of 服务时限."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core import signing

from accounts.models import User
from basedata.models import DictionaryEntry
from kit.pages.forms import CrmForm, apply_field_defaults

from .models import MAX_HOURS, ServiceTarget


class TargetsForm(CrmForm, forms.Form):
    """A cell per type and level, empty without a target. The values shown are signed into the field `opened`."""

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self.is_stale = False
        entries = list(DictionaryEntry.objects.filter(category__in=("服务类型", "客户等级")).order_by("pk"))
        self.kinds = [entry for entry in entries if entry.category == "服务类型"]
        self.levels = [*(entry for entry in entries if entry.category == "客户等级"), None]
        self.stored = {
            (one.kind_id, one.level_id): one for one in ServiceTarget.objects.select_related("kind", "level")
        }
        for kind in self.kinds:
            for level in self.levels:
                self._add_cell(kind, level)
        initial = {name: self.fields[name].initial for name in self.cells()}
        self.fields["opened"] = forms.CharField(
            widget=forms.HiddenInput, required=False, initial=signing.dumps(initial, salt="targets")
        )

    def _add_cell(self, kind: DictionaryEntry, level: DictionaryEntry | None) -> None:
        target = self.stored.get((kind.pk, level.pk if level else None))
        label = f"{kind}，{level or '还不是客户的单位'}，工作小时"
        field = forms.IntegerField(
            required=False, min_value=1, max_value=MAX_HOURS, label=label, initial=target.hours if target else None
        )
        field.widget.attrs |= {"aria-label": label, "inputmode": "numeric"}
        self.fields[self._name(kind, level)] = apply_field_defaults(field)

    @staticmethod
    def _name(kind: DictionaryEntry, level: DictionaryEntry | None) -> str:
        return f"hours_{kind.pk}_{level.pk if level else 0}"

    def cells(self) -> dict[str, tuple[DictionaryEntry, DictionaryEntry | None]]:
        return {self._name(kind, level): (kind, level) for kind in self.kinds for level in self.levels}

    def grid(self) -> list[tuple[DictionaryEntry, list[tuple[DictionaryEntry | None, Any]]]]:
        """Return [(type, [(level, bound field)])] for the page, levels from the lowest."""
        return [(kind, [(level, self[self._name(kind, level)]) for level in self.levels]) for kind in self.kinds]

    def check_unchanged(self) -> bool:
        """Lock the targets; add an error to each cell changed by somebody else since the page was opened."""
        locked = ServiceTarget.objects.select_for_update().order_by("pk")
        self.stored = {(one.kind_id, one.level_id): one for one in locked}
        try:
            opened = signing.loads(self.cleaned_data["opened"], salt="targets")
        except signing.BadSignature:
            self.add_error(None, "页面已过期。您填写的内容还在，请核对后再次保存。")
            opened, self.is_stale = {}, True
        for name, (kind, level) in self.cells().items():
            target, value = self.stored.get((kind.pk, level.pk if level else None)), self.cleaned_data[name]
            stored = target.hours if target else None
            if stored not in (opened.get(name, stored), value):
                self.add_error(name, f"刚被改为 {f'{stored} 小时' if stored else '没有时限'}，请核对。")
                self.is_stale = True
        if self.is_stale:
            self.data = {**dict(self.data.items()), "opened": self.fields["opened"].initial}
        return not self.is_stale

    def save(self, *, by: User) -> bool:
        for name, (kind, level) in self.cells().items():
            target, hours = self.stored.get((kind.pk, level.pk if level else None)), self.cleaned_data[name]
            if target is None and hours:
                ServiceTarget.create(by=by, kind=kind, level=level, hours=hours)
            elif target is not None and hours is None:
                target.remove(by=by)
            elif target is not None and hours != target.hours:
                target.edit(by=by, hours=hours)
        return True
