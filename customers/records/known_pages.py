"""已有的客户和机会 while typing: a fragment under the field, for whoever may create or edit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import View

from kit.pages.export_requests import effect_refusal
from kit.pages.forms import CrmForm

from .duplicates import Match, SearchTerms, customer_and_lead_matches, find_while_typing
from .lookup_limits import TYPING_PAUSED
from .models import Customer

SHORTEST = 2  # characters of a name worth looking for


class TypedForm(CrmForm, forms.Form):
    """What is being typed: any of the compared fields."""

    name = forms.CharField(max_length=140, required=False)
    phone = forms.CharField(max_length=100, required=False)
    wechat = forms.CharField(max_length=100, required=False)
    license_number = forms.CharField(max_length=50, required=False)
    external_number = forms.CharField(max_length=50, required=False)


class KnownWhileTyping(View):
    """Matches of what is typed. POST, as what is told of records outside the view is counted in the audit log."""

    permissions: ClassVar[tuple[str, ...]] = (Customer.create.permission, Customer.edit.permission)
    names: ClassVar[dict[str, str]] = {}  # field of the page's form → field of TypedForm, where they differ

    def post(self, request: HttpRequest) -> HttpResponse:
        user: Any = request.user
        if not any(map(user.has_perm, self.permissions)):
            raise PermissionDenied("您的角色不能新建或修改。")
        if refusal := effect_refusal(request):
            return refusal
        form = TypedForm({self.names.get(name, name): value for name, value in request.POST.items()})
        data = form.cleaned_data if form.is_valid() else {}
        name = data.get("name", "") if len(data.get("name", "")) >= SHORTEST else ""
        phones = tuple(filter(None, [data.get("phone", "")]))
        codes = (data.get("license_number", ""), data.get("external_number", ""))
        terms = SearchTerms(name, phones, *codes, wechat=data.get("wechat", ""))
        matches, is_paused = find_while_typing(user, lambda: self.find(terms)) if any(terms) else ([], False)
        context = {"matches": matches, "paused": TYPING_PAUSED if is_paused else ""}
        return render(request, "customers/known_matches.html", context)

    @property
    def own_key(self) -> int | None:
        """Return the key of the record that is edited."""
        key = self.request.GET.get("but", "")
        return int(key) if key.isascii() and key.isdecimal() and len(key) < 19 else None

    def find(self, terms: SearchTerms) -> list[Match]:
        user: Any = self.request.user
        return customer_and_lead_matches(terms, user, exclude=[self.own_key] if self.own_key else [])


def watch_fields(form: Any, url: str, names: Iterable[str]) -> None:
    """Look for what is typed into these fields, and show it under each."""
    for name in names:
        if name in form.fields:
            form.fields[name].below = "customers/known.html"
            form.fields[name].known_url = f"{url}?but={form.instance.pk}" if form.instance.pk else url
